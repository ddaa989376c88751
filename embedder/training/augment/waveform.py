"""Seeded changes to whole batches of waveforms: float32 [batch, samples].

Pitch and tempo go through one phase vocoder for the whole batch, with one factor drawn for it;
everything else draws for each example. The vocoder is the slow operation here: about 60 ms for
three seconds of audio on one core, twenty times as much as the others.
"""

import math

import torch
import torchaudio
from torch import Tensor

from embedder.datasets import draws
from embedder.training.augment.spectrogram import uniform

_FFT_SIZE = 1024
_HOP_SAMPLES = 256


def gain(batch: Tensor, *, db: float, generator: torch.Generator) -> Tensor:
    """Up to `db` louder or quieter; values beyond full scale are clipped."""
    change = uniform((len(batch), 1), -db, db, generator=generator, like=batch)
    return (batch * 10 ** (change / 20)).clamp(-1.0, 1.0)


def noise(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """White noise of up to `share` of each example's root mean square."""
    level = batch.square().mean(dim=1, keepdim=True).sqrt()
    strength = uniform((len(batch), 1), 0.0, share, generator=generator, like=batch) * level
    samples = draws.normal(tuple(batch.shape), generator=generator)
    return (batch + strength * samples.to(batch)).clamp(-1.0, 1.0)


def equalise(
    batch: Tensor, *, bands_db: float, tilt_db: float, generator: torch.Generator, n_bands: int = 6
) -> Tensor:
    """Bands and a slope over the logarithm of frequency, applied to the spectrum at once."""
    size = (len(batch), 1, n_bands)
    bands = uniform(size, -bands_db, bands_db, generator=generator, like=batch)
    slope = uniform((len(batch), 1, 1), -tilt_db, tilt_db, generator=generator, like=batch)
    curve_db = bands + slope * torch.linspace(-1.0, 1.0, n_bands, device=batch.device)
    spectrum = torch.fft.rfft(batch)
    # Over the logarithm of the bin; in a few seconds of audio the lowest 0.4 of it is below 25 Hz.
    bins = torch.arange(spectrum.shape[1], device=batch.device).clamp_min(1)
    place = (bins.log() / math.log(spectrum.shape[1])).clamp(0.4, 1.0).sub(0.4).div(0.6)
    lower = (place * (n_bands - 1)).floor().long().clamp_max(n_bands - 2)
    part = (place * (n_bands - 1) - lower).to(batch.dtype)
    curve = curve_db[:, 0, :]
    gains_db = curve[:, lower] * (1 - part) + curve[:, lower + 1] * part
    changed: Tensor = torch.fft.irfft(spectrum * 10 ** (gains_db / 20), n=batch.shape[1])
    return changed.clamp(-1.0, 1.0)


def shift_in_time(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Shift in time by up to that share; samples that leave on one side enter on the other."""
    n_samples = batch.shape[1]
    moved = uniform((len(batch), 1), -share, share, generator=generator, like=batch) * n_samples
    at = torch.arange(n_samples, device=batch.device)[None, :] - moved.round().long()
    return batch.gather(1, at % n_samples)


def mix_up(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Mix another example of the batch into each, by up to that share (below a half)."""
    order = draws.permutation(len(batch), generator=generator)
    under = uniform((len(batch), 1), 0.0, share, generator=generator, like=batch)
    return (1 - under) * batch + under * batch[order.to(batch.device)]


def change_tempo(batch: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Faster or slower by up to 1 + share, at the same pitch and length."""
    reach = math.log(1.0 + share)
    exponent = uniform((), -reach, reach, generator=generator, like=batch)
    return _to_length(stretched(batch, speed=math.exp(float(exponent))), batch.shape[1])


def change_pitch(batch: Tensor, *, semitones: float, generator: torch.Generator) -> Tensor:
    """Higher or lower by up to `semitones`, at the same tempo and length."""
    shift = uniform((), -semitones, semitones, generator=generator, like=batch)
    factor = 2.0 ** (float(shift) / 12)
    longer = stretched(batch, speed=1.0 / factor)
    return resampled(longer, n_samples=batch.shape[1])


def stretched(batch: Tensor, *, speed: float) -> Tensor:
    """`speed` times as fast at the same pitch: [batch, about samples / speed]."""
    window = torch.hann_window(_FFT_SIZE, device=batch.device, dtype=batch.dtype)
    spectrum = torch.stft(
        batch, _FFT_SIZE, _HOP_SAMPLES, window=window, return_complex=True, pad_mode="constant"
    )
    advance = torch.linspace(
        0, math.pi * _HOP_SAMPLES, spectrum.shape[1], device=batch.device, dtype=batch.dtype
    )[:, None]
    changed = torchaudio.functional.phase_vocoder(spectrum, speed, advance)
    length = round(batch.shape[1] / speed)
    return torch.istft(changed, _FFT_SIZE, _HOP_SAMPLES, window=window, length=length)


def resampled(batch: Tensor, *, n_samples: int) -> Tensor:
    """Read faster or slower, so that pitch and tempo change: band-limited by a cut spectrum."""
    spectrum = torch.fft.rfft(batch)
    n_bins = n_samples // 2 + 1
    lower = spectrum[:, :n_bins]
    padded = torch.nn.functional.pad(lower, (0, n_bins - lower.shape[1]))
    resampled_batch: Tensor = torch.fft.irfft(padded, n=n_samples) * (n_samples / batch.shape[1])
    return resampled_batch.clamp(-1.0, 1.0)


def _to_length(batch: Tensor, n_samples: int) -> Tensor:
    """Cut to `n_samples`, or repeated up to them."""
    repeats = -(-n_samples // batch.shape[1])
    return batch.repeat(1, repeats)[:, :n_samples].clamp(-1.0, 1.0)
