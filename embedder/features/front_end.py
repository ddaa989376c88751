"""From a batch of waveforms to the input of a network, as `FrontEndConfig` says.

    waveform ── frames ── magnitudes ── decibels ── levels 0…1 ── normalisation

`building.build_front_end` makes one. Everything is computed; only the statistics of
`normalisation = "running"` are learnt. The tables that a sample rate needs are made once for each
rate and device. They are not part of the weights.
"""

import abc
from collections.abc import Callable

import torch
import torchaudio
from torch import Tensor, nn

from embedder.config.model import FrontEndConfig
from embedder.features.axes import n_rows_of
from embedder.features.normalisation import build_normalisation


class FrontEnd(nn.Module, abc.ABC):
    """Waveform float32 [batch, samples] at a rate → float32 [batch, rows, columns]."""

    def __init__(self, config: FrontEndConfig) -> None:
        super().__init__()
        self.config = config
        self.n_rows = n_rows_of(config)
        self.normalisation = build_normalisation(config.normalisation, n_rows=self.n_rows)
        self._tables: dict[tuple[str, int, torch.device], Tensor] = {}

    def forward(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Levels, normalised."""
        levels = self.levels(waveform, sample_rate)
        normalised: Tensor = self.normalisation(levels)
        return normalised

    def levels(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Levels before normalisation: 0…1, as 8-bit pictures hold them divided by 255."""
        if waveform.ndim != 2 or waveform.shape[-1] == 0:
            raise ValueError(f"waveform is [batch, samples], not {list(waveform.shape)}")
        # In 16 bits, rounding would drown quiet rows (and torch has no such transform).
        with torch.autocast(waveform.device.type, enabled=False):
            waveform = waveform.float()
            target_rate = self.config.sample_rate or sample_rate
            if target_rate != sample_rate:
                waveform = torchaudio.functional.resample(waveform, sample_rate, target_rate)
            return self._levels(waveform, target_rate)

    @abc.abstractmethod
    def _levels(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """`levels` of a waveform that has the rate of the settings."""

    def _table(
        self, name: str, sample_rate: int, device: torch.device, make: Callable[[], Tensor]
    ) -> Tensor:
        """A table for a rate; made once for each device."""
        key = (name, sample_rate, device)
        if key not in self._tables:
            with torch.inference_mode(mode=False):  # otherwise training could not use it afterwards
                self._tables[key] = make().to(device)
        return self._tables[key]


class WaveformFrontEnd(FrontEnd):
    """The samples themselves, as one row."""

    def _levels(self, waveform: Tensor, sample_rate: int) -> Tensor:
        del sample_rate
        return waveform[:, None]
