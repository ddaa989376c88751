"""`kinds.foreign_mel` in numpy: the mel spectrograms of other libraries, without torch."""

import numpy as np
from numpy.typing import NDArray

from embedder.features.arrays.resampling import resample
from embedder.features.arrays.windows import hann_window
from embedder.models.kinds.onnx_spec import MelScale, MelSetUp

FRAMES_BUFFER = 1 << 20
"""How many samples in frames are transformed together: 4 MiB, which suits the caches."""
HTK_BREAK_HZ, HTK_MELS = 700.0, 2595.0
"""HTK's scale: 2595 × log10(1 + f / 700)."""
SLANEY_HZ, SLANEY_BREAK_HZ = 200 / 3, 1000.0
SLANEY_STEP = np.log(6.4) / 27
"""Slaney's scale: linear below 1 kHz, logarithmic above."""

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]


class MelArrays:
    """Waveform float32 [batch, samples] to [batch, bins, columns]. Threads may share it."""

    def __init__(self, set_up: MelSetUp, *, sample_rate: int) -> None:
        self.set_up = set_up
        self.sample_rate = sample_rate
        self._bank = mel_filters(set_up, sample_rate=sample_rate)
        length = set_up.window_samples or set_up.fft_size
        # A frame is as long as the FFT. Without centring, its window stands at its beginning;
        # centred frames have it in their middle, as in torch.
        before = (set_up.fft_size - length) // 2 if set_up.centred else 0
        self._window = np.zeros(set_up.fft_size, dtype=np.float32)
        self._window[before : before + length] = hann_window(length)

    def __call__(self, waveform: Floats, sample_rate: int) -> Floats:
        """Compressed mel values of waveforms at any sample rate."""
        if sample_rate != self.sample_rate:
            waveform = resample(waveform, sample_rate, self.sample_rate)
        frames = self._frames(waveform)
        step = max(FRAMES_BUFFER // (frames.shape[1] * self.set_up.fft_size), 1)
        parts = [self._mel(frames[start : start + step]) for start in range(0, len(frames), step)]
        mel = self._to_length(np.concatenate(parts))
        values = np.float32(self.set_up.multiplier) * mel + np.float32(self.set_up.offset)
        if self.set_up.compression == "none":
            return values
        with np.errstate(divide="ignore"):
            logarithm = np.log10 if self.set_up.compression == "log10" else np.log
            compressed: Floats = logarithm(values)
        return compressed

    def _frames(self, waveform: Floats) -> Floats:
        """A view [batch, frames, FFT size]."""
        size, length = self.set_up.fft_size, self.set_up.window_samples or self.set_up.fft_size
        if not self.set_up.centred:
            waveform = np.pad(waveform, ((0, 0), (0, size - length)))
        waveform = np.pad(waveform, ((0, 0), (0, max(size - waveform.shape[1], 0))))
        if self.set_up.centred:
            waveform = np.pad(waveform, ((0, 0), (size // 2, size // 2)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(waveform, size, axis=1)
        return windows[:, :: self.set_up.hop_samples]

    def _mel(self, frames: Floats) -> Floats:
        """[batch, frames, FFT size] to [batch, bins, frames]."""
        spectrum = np.fft.rfft(frames * self._window)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        if self.set_up.magnitude_power != 2:
            power **= np.float32(self.set_up.magnitude_power / 2)
        return np.ascontiguousarray((power @ self._bank).transpose(0, 2, 1))

    def _to_length(self, mel: Floats) -> Floats:
        n_columns = self.set_up.n_columns
        if not n_columns:
            return mel
        return np.pad(mel[..., :n_columns], ((0, 0), (0, 0), (0, max(n_columns - mel.shape[2], 0))))


def mel_filters(set_up: MelSetUp, *, sample_rate: int) -> Floats:
    """Triangles over the bins of the spectrum, as torchaudio's: float32 [bins, mel bands]."""
    top_hz = set_up.max_hz or sample_rate / 2
    ends = _mels(np.array([set_up.min_hz, top_hz]), set_up.scale)
    edges = _hertz(np.linspace(ends[0], ends[1], set_up.n_bins + 2), set_up.scale)
    hertz = np.linspace(0, sample_rate // 2, set_up.fft_size // 2 + 1)[:, None]
    rising = (hertz - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - hertz) / np.diff(edges)[1:]
    triangles = np.maximum(np.minimum(rising, falling), 0)
    if set_up.norm == "slaney":
        triangles *= 2 / (edges[2:] - edges[:-2])
    return triangles.astype(np.float32)


def _mels(hertz: Wide, scale: MelScale) -> Wide:
    if scale == "htk":
        return HTK_MELS * np.log10(1 + hertz / HTK_BREAK_HZ)
    above = SLANEY_BREAK_HZ / SLANEY_HZ
    above = above + np.log(np.maximum(hertz, 1) / SLANEY_BREAK_HZ) / SLANEY_STEP
    return np.where(hertz < SLANEY_BREAK_HZ, hertz / SLANEY_HZ, above)


def _hertz(mels: Wide, scale: MelScale) -> Wide:
    if scale == "htk":
        return HTK_BREAK_HZ * (10 ** (mels / HTK_MELS) - 1)
    corner = SLANEY_BREAK_HZ / SLANEY_HZ
    above = SLANEY_BREAK_HZ * np.exp((mels - corner) * SLANEY_STEP)
    return np.where(mels < corner, mels * SLANEY_HZ, above)
