"""From a batch of waveforms to what a network sees, as `FrontEndConfig` says.

    waveform ── frames ── magnitudes ── decibels ── levels 0…1 ── normalisation

`build_front_end` is all that other layers need. Everything here is computed, nothing is learnt but
the statistics of `normalisation = "running"`. The tables that a sampling rate needs are made once
for each rate and device, and are not part of the weights.
"""

import abc
from collections.abc import Callable

import torch
import torchaudio
from torch import Tensor, nn

from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError, UnknownChoice
from embedder.features.normalisation import build_normalisation


class FrontEnd(nn.Module, abc.ABC):
    """Waveform float32 [batch, samples] at a rate → float32 [batch, rows, columns]."""

    def __init__(self, config: FrontEndConfig) -> None:
        super().__init__()
        self.config = config
        self.n_rows = n_rows_of(config)
        self.normalisation = build_normalisation(config.normalisation, n_rows=self.n_rows)
        self._tables: dict[tuple[str, int, torch.device], Tensor] = {}

    def forward(
        self, waveform: Tensor, sample_rate: int, *, frame_shift: Tensor | None = None
    ) -> Tensor:
        """Levels, normalised. `frame_shift` as in `framing.column_frames`."""
        levels = self.levels(waveform, sample_rate, frame_shift=frame_shift)
        normalised: Tensor = self.normalisation(levels)
        return normalised

    def levels(
        self, waveform: Tensor, sample_rate: int, *, frame_shift: Tensor | None = None
    ) -> Tensor:
        """Levels before normalisation: what pictures of 8-bit values hold, divided by 255."""
        if waveform.ndim != 2 or waveform.shape[-1] == 0:
            raise ValueError(f"waveform is [batch, samples], not {list(waveform.shape)}")
        # A transform in 16 bits would drown quiet rows in rounding (and torch has none).
        with torch.autocast(waveform.device.type, enabled=False):
            waveform = waveform.float()
            wanted = self.config.sample_rate or sample_rate
            if wanted != sample_rate:
                waveform = torchaudio.functional.resample(waveform, sample_rate, wanted)
            return self._levels(waveform, wanted, frame_shift)

    @abc.abstractmethod
    def _levels(self, waveform: Tensor, sample_rate: int, frame_shift: Tensor | None) -> Tensor:
        """The same, at the rate that the settings ask for."""

    def _table(
        self, name: str, sample_rate: int, device: torch.device, make: Callable[[], Tensor]
    ) -> Tensor:
        """A table for a rate, made once and kept where it is used."""
        key = (name, sample_rate, device)
        if key not in self._tables:
            with torch.inference_mode(mode=False):  # else training could not use it afterwards
                self._tables[key] = make().to(device)
        return self._tables[key]


class WaveformFrontEnd(FrontEnd):
    """The samples themselves, as one row."""

    def _levels(self, waveform: Tensor, sample_rate: int, frame_shift: Tensor | None) -> Tensor:
        del sample_rate, frame_shift
        return waveform[:, None]


def build_front_end(config: FrontEndConfig) -> FrontEnd:
    """The front end that the settings describe."""
    from embedder.features.constant_q import ConstantQFrontEnd
    from embedder.features.spectral import LogFrequencyFrontEnd, LogMelFrontEnd, MfccFrontEnd

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


def n_rows_of(config: FrontEndConfig) -> int:
    """How many rows a front end of these settings puts out."""
    if config.kind == "waveform":
        return 1
    return config.n_coefficients if config.kind == "mfcc" else config.n_bins


def check_front_end(config: FrontEndConfig) -> None:
    """Refuse settings that no spectrogram can have, naming the setting."""
    at_least_one = ("fft_size", "hop_samples", "n_bins", "bins_per_octave", "n_coefficients")
    for name in at_least_one:
        if getattr(config, name) < 1:
            raise ConfigError(f"front_end.{name} = {getattr(config, name)}: give at least 1")
    if config.fft_size % 2:
        raise ConfigError(f"front_end.fft_size = {config.fft_size}: give an even number")
    if config.sample_rate < 0 or config.n_columns < 0:
        raise ConfigError("front_end.sample_rate and n_columns: give 0 (as it comes) or more")
    if config.magnitude_power <= 0 or config.corner_hz <= 0:
        raise ConfigError("front_end.magnitude_power and corner_hz: give more than 0")
    if config.floor_db >= 0:
        raise ConfigError(f"front_end.floor_db = {config.floor_db}: give less than 0")
    lowest = -config.corner_hz if config.kind == "log-frequency" else 0.0
    if (config.max_hz and config.max_hz <= config.min_hz) or config.min_hz < lowest:
        raise ConfigError(
            f"front_end.min_hz = {config.min_hz}, max_hz = {config.max_hz}: "
            f"min_hz from {lowest}, max_hz above it (or 0 for half the rate)"
        )
    if not 0 < config.column_span <= 1:
        raise ConfigError(f"front_end.column_span = {config.column_span}: more than 0, at most 1")
    if config.sample_rate and config.min_hz >= config.sample_rate / 2:
        raise ConfigError(
            f"front_end.min_hz = {config.min_hz}: a rate of {config.sample_rate} Hz "
            f"holds nothing above {config.sample_rate / 2:.0f} Hz"
        )
    if config.kind == "mfcc" and config.n_coefficients > config.n_bins:
        raise ConfigError(
            f"front_end.n_coefficients = {config.n_coefficients}: at most n_bins = {config.n_bins}"
        )
