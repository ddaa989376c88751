"""Front ends made of frames, in numpy; `embedder.features.spectral` describes them."""

import abc

import numpy as np
from numpy.typing import NDArray

from embedder.features.arrays.front_end import ArrayFrontEnd, Levels, Samples
from embedder.features.arrays.loudest import Grid, loudest_frames
from embedder.features.arrays.windows import hann_window, windows_of
from embedder.features.banks import cosine_transform, cqt_groups, log_frequency_bins, mel_bank
from embedder.features.frames import column_frames, count_frames

SILENCE_DB = -120.0
"""Relative to full scale. A clip whose maximum is lower is silent, and its levels are lowest."""
FRAMES_BUFFER = 1 << 20
"""How many samples in frames are transformed together: 4 MiB, which suits the caches."""

Frames = NDArray[np.int64]


class SpectrogramArrays(ArrayFrontEnd):
    """Frames, their magnitudes, decibels relative to a reference, levels."""

    @abc.abstractmethod
    def window_samples(self, sample_rate: int) -> int:
        """How many samples a frame has."""

    @abc.abstractmethod
    def magnitudes(self, frames: Samples, sample_rate: int) -> tuple[Levels, Levels]:
        """Magnitudes to the power `magnitude_power`, and the greatest of each frame.

        [frames, window] to [frames, rows] and [frames]
        """

    @abc.abstractmethod
    def full_scale(self, sample_rate: int) -> float:
        """The highest value that a sine of amplitude 1 gives in any row."""

    def _levels(self, waveform: Samples, sample_rate: int) -> Levels:
        values, reference = self._values(waveform, sample_rate)
        per_decade = 20 / self.config.magnitude_power
        lowest = np.float32(10 ** (self.config.floor_db / per_decade))
        levels = np.log10(np.maximum(values / reference, lowest))
        levels *= np.float32(per_decade * self.config.level_per_db)
        levels += np.float32(self.config.level_at_reference)
        return np.ascontiguousarray(np.clip(levels, 0, 1).transpose(0, 2, 1))

    def _values(self, waveform: Samples, sample_rate: int) -> tuple[Levels, Levels]:
        """Magnitudes [batch, columns, rows] and their reference [batch or 1, 1, 1]."""
        config = self.config
        n_frames = count_frames(waveform.shape[1], config.hop_samples)
        windows = windows_of(
            waveform,
            size=self.window_samples(sample_rate),
            hop=config.hop_samples,
            n_frames=n_frames,
        )
        if config.n_columns:
            columns = column_frames(config, n_frames=n_frames, sample_rate=sample_rate)
        else:
            columns = np.arange(n_frames)
        parts = [self._in_parts(item, columns, sample_rate) for item in windows]
        values = np.stack([rows for rows, _ in parts])
        full_scale = np.float32(self.full_scale(sample_rate))
        if config.reference == "absolute":
            return values, np.full((1, 1, 1), full_scale)
        loudest = np.array([peak for _, peak in parts], dtype=np.float32)
        if config.n_columns:
            grid = Grid(sample_rate, config.fft_size, config.hop_samples, n_frames)
            candidates = loudest_frames(waveform, grid)
            peaks = [
                self._in_parts(item, frames, sample_rate)[1]
                for item, frames in zip(windows, candidates, strict=True)
            ]
            loudest = np.maximum(loudest, peaks)
        silence = full_scale * np.float32(10 ** (SILENCE_DB * config.magnitude_power / 20))
        return values, np.maximum(loudest, silence)[:, None, None].astype(np.float32)

    def _in_parts(
        self, windows: Samples, frames: Frames, sample_rate: int
    ) -> tuple[Levels, np.float32]:
        """Magnitudes of `frames` [frames, rows], and the greatest of them.

        Only a bounded number is transformed at a time.
        """
        step = max(FRAMES_BUFFER // windows.shape[1], 1)
        parts = [
            self.magnitudes(windows[frames[start : start + step]], sample_rate)
            for start in range(0, len(frames), step)
        ]
        peaks = np.concatenate([peaks for _, peaks in parts])
        return np.concatenate([rows for rows, _ in parts]), peaks.max()


class FourierArrays(SpectrogramArrays):
    """Rows made from the spectrum of a Hann window of `fft_size` samples."""

    def window_samples(self, sample_rate: int) -> int:
        """The FFT size, at any rate."""
        del sample_rate
        return self.config.fft_size

    def spectrum(self, frames: Samples) -> Levels:
        """[frames, window] to magnitudes to the power [frames, bins]."""
        window = self._table("window", 0, lambda: hann_window(self.config.fft_size))
        spectrum = np.fft.rfft(frames * window)
        power: Levels = np.square(spectrum.real) + np.square(spectrum.imag)
        if self.config.magnitude_power == 2:
            return power
        return np.power(power, np.float32(self.config.magnitude_power / 2))

    @property
    def full_scale_of_a_bin(self) -> float:
        """A sine of amplitude 1 on a bin: half the window's sum, which is half the FFT size."""
        return float((self.config.fft_size / 4) ** self.config.magnitude_power)


class LogMelArrays(FourierArrays):
    """Mel bands (Slaney): `n_bins` between `min_hz` and `max_hz`."""

    def magnitudes(self, frames: Samples, sample_rate: int) -> tuple[Levels, Levels]:
        """[frames, window] to [frames, bands]."""
        bands = self.spectrum(frames) @ self._bank(sample_rate)
        return bands, bands.max(axis=1)

    def full_scale(self, sample_rate: int) -> float:
        """A sine on the bin with the greatest weight."""
        return float(self._bank(sample_rate).max()) * self.full_scale_of_a_bin

    def _bank(self, sample_rate: int) -> Levels:
        return self._table("mel", sample_rate, lambda: mel_bank(self.config, sample_rate).T.copy())


class MfccArrays(LogMelArrays):
    """The orthonormal cosine transform (type II) of each column's log-mel levels."""

    def _levels(self, waveform: Samples, sample_rate: int) -> Levels:
        config = self.config
        transform = self._table(
            "cosines", 0, lambda: cosine_transform(config.n_coefficients, n_rows=config.n_bins)
        )
        coefficients: Levels = transform @ super()._levels(waveform, sample_rate)
        return coefficients


class LogFrequencyArrays(FourierArrays):
    """One bin a row, on an axis that is linear below `corner_hz` and logarithmic above."""

    def magnitudes(self, frames: Samples, sample_rate: int) -> tuple[Levels, Levels]:
        """The greatest is that of all bins, also of those that no row shows."""
        bins = self._table(
            "bins", sample_rate, lambda: log_frequency_bins(self.config, sample_rate)
        )
        spectrum = self.spectrum(frames)
        return spectrum[:, bins], spectrum.max(axis=1)

    def full_scale(self, sample_rate: int) -> float:
        """A sine on a bin."""
        del sample_rate
        return self.full_scale_of_a_bin


class ConstantQArrays(SpectrogramArrays):
    """Rows a semitone (or less) apart; `embedder.features.constant_q` describes the kernels."""

    def window_samples(self, sample_rate: int) -> int:
        """The longest kernel."""
        return len(self._groups(sample_rate)[0])

    def magnitudes(self, frames: Samples, sample_rate: int) -> tuple[Levels, Levels]:
        """[frames, window] to [frames, rows]."""
        rows = []
        for kernels in self._groups(sample_rate):
            start = (frames.shape[1] - len(kernels)) // 2
            products = frames[:, start : start + len(kernels)] @ kernels
            cosines, sines = np.split(products, 2, axis=1)
            rows.append(np.square(cosines) + np.square(sines))
        power = np.concatenate(rows, axis=1)
        values: Levels = np.power(power, np.float32(self.config.magnitude_power / 2))
        return values, values.max(axis=1)

    def full_scale(self, sample_rate: int) -> float:
        """A kernel of unit sum gives half the amplitude of a sine at its frequency."""
        del sample_rate
        return float(0.5**self.config.magnitude_power)

    def _groups(self, sample_rate: int) -> list[Levels]:
        return self._table("kernels", sample_rate, lambda: cqt_groups(self.config, sample_rate))
