"""Build the front end that the settings describe, or refuse them. Other layers start here."""

from embedder.config.model import FrontEndConfig
from embedder.errors import UnknownChoice
from embedder.features.checking import check_front_end
from embedder.features.constant_q import ConstantQFrontEnd
from embedder.features.front_end import FrontEnd, WaveformFrontEnd
from embedder.features.spectral import LogFrequencyFrontEnd, LogMelFrontEnd, MfccFrontEnd


def build_front_end(config: FrontEndConfig) -> FrontEnd:
    """The front end that the settings describe."""
    check_front_end(config)
    kinds: dict[str, type[FrontEnd]] = {
        "log-mel": LogMelFrontEnd,
        "log-frequency": LogFrequencyFrontEnd,
        "mfcc": MfccFrontEnd,
        "cqt": ConstantQFrontEnd,
        "waveform": WaveformFrontEnd,
    }
    if config.kind not in kinds:
        raise UnknownChoice("front end kind", config.kind, kinds)
    return kinds[config.kind](config)
