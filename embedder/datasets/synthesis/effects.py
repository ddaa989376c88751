"""Effects on samples: reverb, echo, distortion, shelves, ducking, loudness. Pure functions."""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, sosfilt

from embedder.datasets.synthesis.randomness import generator_for

Samples = NDArray[np.float32]


@functools.lru_cache(maxsize=32)
def room(seconds: float, brightness: float, sample_rate: int) -> Samples:
    """A stereo impulse response of a room: `float32 [2, samples]`.

    It is decaying noise. The treble decays faster than the bass, as in a real room.
    """
    n_samples = int(seconds * sample_rate)
    noise = generator_for("room", round(seconds * 1000)).standard_normal((2, n_samples))
    times = np.arange(n_samples) / sample_rate
    dark = sosfilt(butter(1, 1200, fs=sample_rate, output="sos"), noise)
    treble = noise - dark
    # The bass is 60 dB down at the end, the treble much earlier.
    shaped = 1.6 * dark * np.exp(-6.9 * times / seconds)
    shaped += treble * np.exp(-6.9 * times / (seconds * (0.2 + 0.5 * brightness)))
    shaped *= np.minimum(times / 0.008, 1)  # the first reflections arrive after some milliseconds
    shaped /= np.sqrt(np.sum(shaped**2, axis=1, keepdims=True))
    impulse: Samples = shaped.astype(np.float32)
    return impulse


def reverberate(
    dry: Samples, *, seconds: float, level: float, brightness: float, sample_rate: int
) -> Samples:
    """Reverb of `dry: float32 [samples]`; returns `float32 [2, samples]`.

    It is computed at half the sample rate: this step takes the most time, and a room has little
    treble.
    """
    impulse = room(seconds, brightness, sample_rate // 2) * np.float32(level)
    halved = np.append(dry, np.zeros(len(dry) % 2, dtype=np.float32)).reshape(-1, 2).mean(axis=1)
    wet = _convolve(halved, impulse)
    full = np.empty((2, 2 * len(halved)), dtype=np.float32)
    full[:, ::2] = wet
    full[:, 1:-1:2] = (wet[:, :-1] + wet[:, 1:]) * np.float32(0.5)
    full[:, -1] = wet[:, -1]
    return full[:, : len(dry)]


def _convolve(sound: Samples, impulse: Samples) -> Samples:
    """`sound [samples]` through `impulse [2, samples]`, block by block: `float32 [2, samples]`.

    scipy's oaconvolve transforms all blocks at once, which exceeds the CPU cache and takes longer.
    """
    size = 4 << (impulse.shape[1] - 1).bit_length()
    step = size - impulse.shape[1] + 1
    response = rfft(impulse, size)
    wet = np.zeros((2, len(sound) + size), dtype=np.float32)
    for first in range(0, len(sound), step):
        spectrum = rfft(sound[first : first + step], size)
        wet[:, first : first + size] += irfft(spectrum * response, size)
    return wet[:, : len(sound)]


def distort(sound: Samples, drive: float, *, sample_rate: int) -> Samples:
    """An overdriven amplifier and its speaker, which cuts off above 5 kHz."""
    pushed = np.tanh(sound * np.float32(1 + 24 * drive)) * np.float32(0.3)
    band = (90, min(5000, 0.4 * sample_rate))
    cabinet = butter(2, band, "bandpass", fs=sample_rate, output="sos").astype(np.float32)
    spoken: Samples = sosfilt(cabinet, pushed).astype(np.float32)
    return spoken


def echo(sound: Samples, level: float, delay_samples: int) -> Samples:
    """Add three repeats, each weaker than the one before."""
    repeated = sound.copy()
    for number in range(1, 4):
        late = number * delay_samples
        if late < len(sound):
            repeated[late:] += sound[:-late] * np.float32(level**number)
    return repeated


def duck(sound: Samples, depth: float, beat_samples: float) -> Samples:
    """Lower the level on every beat and let it recover, like a compressor driven by the kick."""
    since_beat = np.arange(int(beat_samples) + 2)
    pressed = (1 - depth * np.exp(-5 * since_beat / beat_samples)).astype(np.float32)
    ducked = sound.copy()
    for beat in range(int(len(sound) / beat_samples) + 1):
        first, last = int(beat * beat_samples), int((beat + 1) * beat_samples)
        ducked[first:last] *= pressed[: len(ducked[first:last])]
    return ducked


def tremble(sound: Samples, hz: float, sample_rate: int) -> Samples:
    """Tremolo: the level swings between 0.64 and 1."""
    turn = np.arange(len(sound), dtype=np.float32) * np.float32(2 * np.pi * hz / sample_rate)
    shaken: Samples = sound * (np.float32(0.82) + np.float32(0.18) * np.sin(turn))
    return shaken


def equalise(stereo: Samples, *, low_db: float, high_db: float, sample_rate: int) -> Samples:
    """Remove inaudibly low frequencies, and raise or lower bass and treble."""
    stages = [
        butter(2, 28, "highpass", fs=sample_rate, output="sos"),
        _shelf(160, low_db, sample_rate, is_high=False),
        _shelf(min(3500, 0.3 * sample_rate), high_db, sample_rate, is_high=True),
    ]
    # Double precision: in float32 a 28 Hz filter never stops ringing.
    shaped: Samples = sosfilt(np.vstack(stages), stereo.astype(np.float64)).astype(np.float32)
    return shaped


def _shelf(hz: float, gain_db: float, sample_rate: int, *, is_high: bool) -> NDArray[np.float64]:
    """A shelving filter of slope 1 (R. Bristow-Johnson, Audio EQ Cookbook)."""
    root = 10 ** (gain_db / 40)
    angle = 2 * np.pi * hz / sample_rate
    cosine = np.cos(angle) * (1 if is_high else -1)
    slope = 2 * np.sqrt(root) * np.sin(angle) / np.sqrt(2)
    sign = 1 if is_high else -1
    b = (
        root * ((root + 1) + (root - 1) * cosine + slope),
        -2 * sign * root * ((root - 1) + (root + 1) * cosine),
        root * ((root + 1) + (root - 1) * cosine - slope),
    )
    a = (
        (root + 1) - (root - 1) * cosine + slope,
        2 * sign * ((root - 1) - (root + 1) * cosine),
        (root + 1) - (root - 1) * cosine - slope,
    )
    section: NDArray[np.float64] = np.array([[*b, *a]]) / a[0]
    return section


def levelled(stereo: Samples, target_db: float) -> Samples:
    """Scale the RMS to `target_db` (0 = full scale) and limit the peaks softly to 0.97."""
    rms = float(np.sqrt(np.mean(np.square(stereo, dtype=np.float32))))
    loud = stereo * np.float32(10 ** (target_db / 20) / max(rms, 1e-9))
    knee = np.float32(0.6)
    over = np.abs(loud) > knee
    excess = (np.abs(loud[over]) - knee) / np.float32(0.37)
    loud[over] = np.sign(loud[over]) * (knee + np.float32(0.37) * np.tanh(excess))
    return loud
