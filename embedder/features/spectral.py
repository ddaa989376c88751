"""Front ends made of frames: the way from frames to levels, and three kinds of rows."""

import abc

import torch
from torch import Tensor

from embedder.features.arrays.spectral import SILENCE_DB
from embedder.features.banks import cosine_transform, log_frequency_bins, mel_bank
from embedder.features.frames import column_frames
from embedder.features.framing import frame_windows, take_frames
from embedder.features.front_end import FrontEnd
from embedder.features.loudest import loudest_frames

FRAMES_BUFFER = 1 << 21
"""How many samples in frames are transformed together: 8 MiB, which suits the caches."""
FRAMES_BUFFER_GPU = 1 << 26


class SpectrogramFrontEnd(FrontEnd):
    """Frames, their magnitudes, decibels relative to a reference, levels.

    A subclass says how long its frames are, what rows it makes of them, and the highest value that
    a full-scale sine gives (0 dB of `reference = "absolute"`).
    """

    @abc.abstractmethod
    def window_samples(self, sample_rate: int) -> int:
        """How many samples a frame has."""

    @abc.abstractmethod
    def magnitudes(self, frames: Tensor, sample_rate: int) -> Tensor:
        """Magnitudes to the power `magnitude_power`.

        [batch, frames, window] → [batch, frames, rows]
        """

    def with_peaks(self, frames: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
        """Magnitudes, and the greatest of each frame [batch, frames]."""
        rows = self.magnitudes(frames, sample_rate)
        return rows, rows.amax(dim=-1)

    @abc.abstractmethod
    def full_scale(self, sample_rate: int, device: torch.device) -> Tensor:
        """The highest value that a sine of amplitude 1 gives in any row: a scalar."""

    def _levels(self, waveform: Tensor, sample_rate: int) -> Tensor:
        values, reference = self._values(waveform, sample_rate)
        decibels = self._decibels(values / reference)
        levels = decibels.mul_(self.config.level_per_db).add_(self.config.level_at_reference)
        return levels.clamp_(0, 1).transpose(1, 2)

    def _values(self, waveform: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
        """Magnitudes [batch, columns, rows] and their reference [batch or 1, 1, 1]."""
        config = self.config
        windows = frame_windows(
            waveform,
            window_samples=self.window_samples(sample_rate),
            hop_samples=config.hop_samples,
        )
        n_frames = windows.shape[1]
        if config.n_columns:
            positions = column_frames(config, n_frames=n_frames, sample_rate=sample_rate)
            columns = torch.from_numpy(positions)[None].to(waveform.device)
            values, loudest = self._in_parts(windows, sample_rate, columns)
        else:
            values, loudest = self._in_parts(windows, sample_rate)
        full_scale = self.full_scale(sample_rate, waveform.device)
        if config.reference == "absolute":
            return values, full_scale
        if config.n_columns:
            candidates = loudest_frames(
                waveform,
                sample_rate=sample_rate,
                fft_size=config.fft_size,
                hop_samples=config.hop_samples,
                n_frames=n_frames,
            )
            _, candidate_peaks = self._in_parts(windows, sample_rate, candidates)
            loudest = torch.maximum(loudest, candidate_peaks)
        silence = full_scale * 10 ** (SILENCE_DB * config.magnitude_power / 20)
        return values, torch.maximum(loudest, silence)[:, None, None]

    def _in_parts(
        self, windows: Tensor, sample_rate: int, frames: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Magnitudes of all frames, or of `frames`, and the greatest of them [batch].

        Only a bounded number is transformed at a time.
        """
        n_frames = windows.shape[1] if frames is None else frames.shape[1]
        room = FRAMES_BUFFER_GPU if windows.is_cuda else FRAMES_BUFFER
        step = max(room // (windows.shape[0] * windows.shape[2]), 1)
        parts = [
            windows[:, start : start + step]
            if frames is None
            else take_frames(windows, frames[:, start : start + step])
            for start in range(0, n_frames, step)
        ]
        results = [self.with_peaks(part, sample_rate) for part in parts]
        values = torch.cat([rows for rows, _ in results], dim=1)
        return values, torch.cat([peaks for _, peaks in results], dim=1).amax(dim=1)

    def _decibels(self, ratios: Tensor) -> Tensor:
        """Decibels, at least `floor_db`, which also keeps the logarithm finite."""
        per_decade = 20 / self.config.magnitude_power
        lowest = 10 ** (self.config.floor_db / per_decade)
        return ratios.clamp(min=lowest).log10_().mul_(per_decade)


class FourierFrontEnd(SpectrogramFrontEnd):
    """Rows made from the spectrum of a Hann window of `fft_size` samples."""

    def window_samples(self, sample_rate: int) -> int:
        """The FFT size, at any rate."""
        del sample_rate
        return self.config.fft_size

    def spectrum(self, frames: Tensor) -> Tensor:
        """[batch, frames, window] → magnitudes to the power [batch, frames, bins]."""
        window = self._table(
            "window", 0, frames.device, lambda: torch.hann_window(self.config.fft_size)
        )
        spectrum = torch.fft.rfft(frames * window)
        power: Tensor = spectrum.real.square() + spectrum.imag.square()  # twice as fast as abs()
        if self.config.magnitude_power != 2:
            power.pow_(self.config.magnitude_power / 2)
        return power

    @property
    def full_scale_of_a_bin(self) -> float:
        """A sine of amplitude 1 on a bin: half the window's sum, which is half the FFT size."""
        return float((self.config.fft_size / 4) ** self.config.magnitude_power)


class LogMelFrontEnd(FourierFrontEnd):
    """Mel bands (Slaney): `n_bins` between `min_hz` and `max_hz`."""

    def magnitudes(self, frames: Tensor, sample_rate: int) -> Tensor:
        """[batch, frames, window] → [batch, frames, bands]."""
        return self.spectrum(frames) @ self._bank(sample_rate, frames.device)

    def full_scale(self, sample_rate: int, device: torch.device) -> Tensor:
        """A sine on the bin with the greatest weight."""
        return self._bank(sample_rate, device).max() * self.full_scale_of_a_bin

    def _bank(self, sample_rate: int, device: torch.device) -> Tensor:
        return self._table(
            "mel",
            sample_rate,
            device,
            lambda: torch.from_numpy(mel_bank(self.config, sample_rate).T.copy()),
        )


class MfccFrontEnd(LogMelFrontEnd):
    """The orthonormal cosine transform (type II) of each column's log-mel levels.

    The coefficients are those of decibels times `level_per_db`; a constant level appears in the
    first only. They are not confined to 0…1.
    """

    def _levels(self, waveform: Tensor, sample_rate: int) -> Tensor:
        levels = super()._levels(waveform, sample_rate)
        transform = self._table("dct", 0, waveform.device, self._transform)
        return transform @ levels

    def _transform(self) -> Tensor:
        """float32 [coefficients, bands]."""
        table = cosine_transform(self.config.n_coefficients, n_rows=self.config.n_bins)
        return torch.from_numpy(table)


class LogFrequencyFrontEnd(FourierFrontEnd):
    """One bin a row, on an axis that is linear below `corner_hz` and logarithmic above."""

    def magnitudes(self, frames: Tensor, sample_rate: int) -> Tensor:
        """[batch, frames, window] → [batch, frames, rows]."""
        return self.with_peaks(frames, sample_rate)[0]

    def with_peaks(self, frames: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
        """The greatest is that of all bins, also of those that no row shows."""
        bins = self._table(
            "bins",
            sample_rate,
            frames.device,
            lambda: torch.from_numpy(log_frequency_bins(self.config, sample_rate)),
        )
        spectrum = self.spectrum(frames)
        return spectrum.index_select(-1, bins), spectrum.amax(dim=-1)

    def full_scale(self, sample_rate: int, device: torch.device) -> Tensor:
        """A sine on a bin."""
        del sample_rate
        return torch.tensor(self.full_scale_of_a_bin, device=device)
