"""Training presets: a model by size, with settings that train it well."""

from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.presets import MODELS
from embedder.config.training import (
    DoctorConfig,
    LoopConfig,
    OptimiserConfig,
    ScheduleConfig,
    StoppingConfig,
    TrainingConfig,
)


def _for_labels(model: ModelConfig, *, tracks_per_group: int, epochs: int) -> TrainingConfig:
    """Settings for convolutions and moments side by side.

    Proxies separate labels early, and pairs keep the tracks of a label together. Augmentation
    imitates the differences between two sources of a recording. Crops have half of the columns.
    """
    return TrainingConfig(
        model=model,
        objectives=(
            ObjectiveConfig(kind="softmax"),
            ObjectiveConfig(kind="supervised-contrastive", weight=0.4),
        ),
        sampler=SamplerConfig(
            groups_per_batch=8, tracks_per_group=tracks_per_group, small_groups="repeat"
        ),
        augmentation=AugmentationConfig(
            probability=0.5,
            gain_db=6.0,
            noise=0.02,
            tilt_db=8.0,
            equaliser_db=4.0,
            time_masks=2,
            frequency_masks=2,
            frequency_shift_rows=2,
            bandwidth_limit_share=0.3,
            mix_up=0.4,
            crop_columns=64,
        ),
        optimiser=OptimiserConfig(kind="muon", learning_rate=0.01, weight_decay=0.02),
        schedule=ScheduleConfig(kind="one-cycle", warm_up_share=0.15),
        loop=LoopConfig(
            epochs=epochs, weight_averaging="moving", averaging_decay=0.99, validate_every_epochs=4
        ),
    )


TRAINING_PRESETS: dict[str, TrainingConfig] = {
    # A first try: a small folder, such as the demo's, in less than two minutes on two cores.
    "tiny": TrainingConfig(
        model=ModelConfig(
            excerpts=ExcerptConfig(n_excerpts=4, excerpt_seconds=3.0),
            front_end=FrontEndConfig(n_bins=64, hop_samples=1024),
            backbone=BackboneConfig(filters=(16, 32, 48)),
            embedding_size=32,
        ),
        dataset=DatasetConfig(validation_share=0.34, test_share=0.0),
        objectives=(ObjectiveConfig(kind="supervised-contrastive"),),
        sampler=SamplerConfig(groups_per_batch=8, tracks_per_group=4, small_groups="repeat"),
        augmentation=AugmentationConfig(gain_db=6.0, noise=0.02, tilt_db=6.0),
        optimiser=OptimiserConfig(learning_rate=3e-3),
        stopping=StoppingConfig(n_neighbours=5),
        loop=LoopConfig(epochs=50),
        doctor=DoctorConfig(every_steps=2),
    ),
    # Data sets of the size of GTZAN and FMA small.
    "base": _for_labels(MODELS["base"], tracks_per_group=8, epochs=40),
    # Large data sets, on a GPU.
    "large": _for_labels(MODELS["large"], tracks_per_group=16, epochs=20),
}
