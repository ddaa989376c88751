"""What a run takes over from another model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """Start from another model instead of from chance."""

    checkpoint: str = ""
    freeze: bool = False
    """Keep the backbone; train the projection alone."""
    translate: bool = False
    """The data's spectrograms were made by `model.front_end`, and are translated into what the
    checkpoint hears. Else its own front end takes the place of `model.front_end`."""
    hidden_size: int = 0
    """Imported models: 0 puts a linear projection on their vectors, else one with a hidden layer of
    this size."""
    fit: bool = False
    """Begin with a projection fitted to the labels in one step; with `freeze` and no epochs it is
    the model."""
    fit_shrinkage: float = 0.3
    """How little the fit trusts the labels of single tracks: a ridge, as a multiple of the mean
    squared length of a track's features."""
    fit_base_weight: float = 1.0
    """How much of where the checkpoint puts a track stays, beside its labels."""
