"""Mel spectrograms that other people's networks were trained on, from their settings."""

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from embedder.models.kinds.onnx_spec import MelSetUp


class MelFrontEnd(nn.Module):
    """Waveform float32 [batch, samples] to [batch, bins, columns]."""

    def __init__(self, set_up: MelSetUp, *, sample_rate: int) -> None:
        super().__init__()
        self.set_up = set_up
        self.sample_rate = sample_rate
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate=sample_rate,
            n_fft=set_up.fft_size,
            win_length=set_up.window_samples or set_up.fft_size,
            hop_length=set_up.hop_samples,
            f_min=set_up.min_hz,
            f_max=set_up.max_hz or sample_rate / 2,
            n_mels=set_up.n_bins,
            power=set_up.magnitude_power,
            center=set_up.centred,
            norm="slaney" if set_up.norm == "slaney" else None,
            mel_scale=set_up.scale,
        )

    def forward(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """Compressed mel values of waveforms at any sample rate."""
        if sample_rate != self.sample_rate:
            waveform = torchaudio.functional.resample(waveform, sample_rate, self.sample_rate)
        window = self.set_up.window_samples or self.set_up.fft_size
        if not self.set_up.centred:
            # torch puts a window shorter than the FFT in its middle, other libraries at its start.
            before = (self.set_up.fft_size - window) // 2
            waveform = functional.pad(waveform, (before, self.set_up.fft_size - window - before))
        n_missing = self.set_up.fft_size - waveform.shape[-1]
        if n_missing > 0:
            waveform = functional.pad(waveform, (0, n_missing))
        mel = self._to_length(self.mel(waveform))
        values = self.set_up.multiplier * mel + self.set_up.offset
        if self.set_up.compression == "none":
            return values
        return torch.log10(values) if self.set_up.compression == "log10" else torch.log(values)

    def _to_length(self, mel: Tensor) -> Tensor:
        n_columns = self.set_up.n_columns
        if not n_columns:
            return mel
        return functional.pad(mel[..., :n_columns], (0, max(n_columns - mel.shape[-1], 0)))
