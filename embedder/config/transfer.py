"""Settings of a run that starts from another model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """Start from another model instead of random weights."""

    checkpoint: str = ""
    """The model to start from: a folder or a name. Empty: random weights."""
    freeze: bool = False
    """Keep the backbone; train the projection alone. Cost: saves most of the time."""
    translate: bool = False
    """The data's spectrograms were made by `model.front_end`: translate them into those that
    the checkpoint expects. Otherwise the checkpoint's front end replaces `model.front_end`."""
    hidden_size: int = 0
    """Imported models: the hidden layer of the projection on their vectors; 0: a linear one."""
    fit: bool = False
    """Start with a projection that is fitted to the labels in one step. With `freeze` and no
    epochs this is the finished model. Cost: seconds."""
    fit_shrinkage: float = 0.3
    """The ridge of the fit, as a multiple of the mean squared length of a track's features.
    Higher values trust the labels of single tracks less."""
    fit_base_weight: float = 1.0
    """The weight of the checkpoint's own vectors, beside the labels."""
