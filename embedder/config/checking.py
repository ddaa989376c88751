"""Refuse numbers out of range before anything is read."""

from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError

AT_LEAST = {
    "loop.epochs": 0,
    "loop.max_minutes": 0,
    "loop.gradient_clip": 0,
    "loop.averaging_decay": 0,
    "loop.averaging_epochs": 1,
    "loop.workers": 0,
    "loop.validate_every_epochs": 1,
    "loop.seed": 0,
    "loop.n_devices": 1,
    "loop.n_machines": 1,
    "sampler.seed": 0,
    "dataset.seed": 0,
    "stopping.n_neighbours": 1,
    "stopping.patience_epochs": 0,
    "doctor.every_steps": 1,
    "doctor.stuck_steps": 1,
    "schedule.step_epochs": 1,
    "schedule.plateau_epochs": 1,
    "schedule.warm_up_share": 0,
    "optimiser.learning_rate": 0,
    "optimiser.weight_decay": 0,
    "optimiser.l1": 0,
    "optimiser.momentum": 0,
    "augmentation.probability": 0,
    "augmentation.time_masks": 0,
    "augmentation.frequency_masks": 0,
    "augmentation.crop_columns": 0,
    "transfer.fit_shrinkage": 0,
    "transfer.fit_base_weight": 0,
}
AT_MOST = {
    "loop.averaging_decay": 1,
    "schedule.warm_up_share": 1,
    "optimiser.momentum": 1,
    "augmentation.probability": 1,
}


def check_training(config: TrainingConfig) -> None:
    """Raise ConfigError for the first number out of range; the message gives the range."""
    for name, least in AT_LEAST.items():
        table, _, key = name.partition(".")
        value, most = getattr(getattr(config, table), key), AT_MOST.get(name)
        if value < least or (most is not None and value > most):
            up_to = "or more" if most is None else f"up to {most}"
            raise ConfigError(f"{name} = {value}: give {least} {up_to}")
    for number, objective in enumerate(config.objectives):
        if not 0 <= objective.label_smoothing < 1:
            raise ConfigError(
                f"objectives.{number}.label_smoothing = {objective.label_smoothing}: give 0 up to "
                "below 1"
            )
    if not config.loop.epochs and not config.transfer.fit:
        raise ConfigError("loop.epochs = 0: nothing would be trained (0 is for --fit)")
