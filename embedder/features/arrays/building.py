"""Build the numpy front end that the settings describe, or refuse them."""

from embedder.config.model import FrontEndConfig
from embedder.errors import UnknownChoice
from embedder.features.arrays.front_end import ArrayFrontEnd, WaveformArrays
from embedder.features.arrays.normalising import RowStatistics
from embedder.features.arrays.spectral import (
    ConstantQArrays,
    LogFrequencyArrays,
    LogMelArrays,
    MfccArrays,
)
from embedder.features.checking import check_front_end


def build_array_front_end(
    config: FrontEndConfig, statistics: RowStatistics | None = None
) -> ArrayFrontEnd:
    """The front end that the settings describe; `statistics` for normalisation "running"."""
    check_front_end(config)
    kinds: dict[str, type[ArrayFrontEnd]] = {
        "log-mel": LogMelArrays,
        "log-frequency": LogFrequencyArrays,
        "mfcc": MfccArrays,
        "cqt": ConstantQArrays,
        "waveform": WaveformArrays,
    }
    if config.kind not in kinds:
        raise UnknownChoice("front end kind", config.kind, kinds)
    return kinds[config.kind](config, statistics)
