"""Unusual audio files from real collections."""

import logging
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import probe, read_stretches, read_whole
from embedder.audio.writing import write_audio
from embedder.errors import NotAnAudioFile, UnreadableAudio
from tests.embedder.audio.reading import middle_second, refusal, run_python
from tests.embedder.audio_files import (
    RATE,
    hours_of_mp3,
    m4a_with_chapters,
    mp3_with_giant_picture,
    mp3_without_length,
    tone,
    tune,
    video,
)


def test_an_mp3_with_a_giant_picture(tmp_path: Path) -> None:
    """Thirty megabytes of cover before the audio change no sample."""
    path = tmp_path / "song.mp3"
    mp3_with_giant_picture(path, tune(4.0), megabytes=30)
    info = probe(path)
    assert (info.duration_seconds, info.is_estimated) == (4.0, False)
    assert np.array_equal(middle_second(path), read_whole(path).samples[RATE * 3 // 2 :][:RATE])


@pytest.fixture
def endless_mp3(tmp_path: Path) -> Path:
    """16 s of a variable bit rate, without a length header."""
    path = tmp_path / "song.mp3"
    mp3_without_length(path, quiet_seconds=8, loud_seconds=8)
    return path


def test_an_mp3_without_a_length_says_so(endless_mp3: Path) -> None:
    """FFmpeg's estimate, which is far off here, is marked as estimated."""
    info = probe(endless_mp3)
    assert info.is_estimated
    assert info.duration_seconds is not None
    assert abs(info.duration_seconds - 16) > 4


def test_an_mp3_without_a_length_is_measured(
    endless_mp3: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The measured length is used and written to the debug log."""
    with caplog.at_level(logging.DEBUG):
        stretches = read_stretches(endless_mp3, lambda seconds: [0.8 * seconds], seconds=1.0)
    assert stretches.duration_seconds == pytest.approx(16, abs=0.2)
    assert "says no length, measured 16." in caplog.text


def test_seeking_is_exact_without_a_length(endless_mp3: Path) -> None:
    """A stretch has the samples that decoding the whole file gives."""
    stretches = read_stretches(endless_mp3, lambda seconds: [0.8 * seconds], seconds=1.0)
    first = round(stretches.starts_seconds[0] * RATE)
    waveform = read_whole(endless_mp3)
    assert np.array_equal(stretches.samples[0], waveform.samples[first : first + RATE])


def test_an_m4a_with_chapters(tmp_path: Path) -> None:
    """The text track with the chapters is ignored."""
    path = tmp_path / "book.m4a"
    samples = tune(6.0)
    m4a_with_chapters(path, samples)
    expected = samples.mean(axis=0)[round(2.5 * RATE) :][:RATE]
    decoded = read_stretches(path, lambda _: [2.5], seconds=1.0).samples[0]
    assert np.corrcoef(decoded, expected)[0, 1] > 0.95


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
def test_a_video_with_sound(tmp_path: Path, ending: str) -> None:
    """The audio track of a video is decoded."""
    path = tmp_path / f"film.{ending}"
    video(path, np.stack([tone(440, 4.0), tone(440, 4.0)]), seconds=4.0)
    spectrum = np.abs(np.fft.rfft(middle_second(path)))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_a_video_without_sound(tmp_path: Path) -> None:
    """A video without an audio track is refused."""
    path = tmp_path / "film.mp4"
    video(path, None, seconds=1.0)
    assert refusal(path, NotAnAudioFile) == f"{path}: there is no audio in it"


@pytest.mark.parametrize(
    ("rate", "n_channels", "sample_format"),
    [(8000, 1, "int16"), (192000, 2, "int24"), (48000, 6, "int16"), (11025, 1, "float32")],
)
def test_unusual_rates_and_channels(
    tmp_path: Path, rate: int, n_channels: int, sample_format: str
) -> None:
    """8 kHz mono, 192 kHz at 24 bits, and 5.1: the tone is the same at the model's rate."""
    path = tmp_path / "a.wav"
    samples = np.tile(tone(440, 3.0, rate=rate), (n_channels, 1))
    write_audio(path, samples, rate, sample_format=sample_format)
    assert probe(path).sample_rate == rate
    assert np.abs(middle_second(path, sample_rate=22050) - tone(440, 1.0, rate=22050)).max() < 1e-3


def test_surround_sound_is_mixed_without_the_bass_effects(tmp_path: Path) -> None:
    """Five channels count a fifth each; the channel for bass effects does not count."""
    path = tmp_path / "a.flac"
    levels = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.5], dtype=np.float32)  # the fourth is bass
    write_audio(path, np.repeat(levels[:, None], RATE, axis=1), RATE)
    assert read_whole(path).samples == pytest.approx(np.full(RATE, 0.3), abs=1e-3)


def test_digital_silence(tmp_path: Path) -> None:
    """Silence is read as zeros; the encoder decides whether to refuse it."""
    path = tmp_path / "a.mp3"
    write_audio(path, np.zeros((2, 3 * RATE), dtype=np.float32), RATE)
    assert np.abs(middle_second(path)).max() < 1e-6


def test_values_that_are_no_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A few NaN and infinite samples become silence, and the debug log counts them."""
    path = tmp_path / "a.wav"
    samples = np.tile(tone(440, 2.0), (2, 1))
    samples[:, RATE : RATE + 3] = [[np.nan, np.inf, -np.inf], [0.0, -np.inf, 0.0]]
    samples[0, RATE + 10] = 1e30
    write_audio(path, samples, RATE, sample_format="float32")
    with caplog.at_level(logging.DEBUG):
        decoded = read_whole(path).samples
    assert np.isfinite(decoded).all()
    assert not decoded[RATE : RATE + 3].any()
    assert np.array_equal(decoded[:RATE], samples[0, :RATE])
    assert "4 samples" in caplog.text


def test_nothing_but_values_that_are_no_numbers(tmp_path: Path) -> None:
    """A file that is mostly NaN is refused."""
    path = tmp_path / "a.wav"
    samples = np.full((1, RATE), np.nan, dtype=np.float32)
    write_audio(path, samples, RATE, sample_format="float32")
    with pytest.raises(UnreadableAudio, match="44100 of 44100 samples are not numbers"):
        read_whole(path)


def test_a_clipped_float_file(tmp_path: Path) -> None:
    """Float samples above full scale are neither wrapped nor clipped."""
    path = tmp_path / "a.wav"
    samples = (8 * tone(440, 2.0))[None]
    write_audio(path, samples, RATE, sample_format="float32")
    assert np.array_equal(read_whole(path).samples, samples[0])


def test_ten_hours_in_little_memory(tmp_path: Path) -> None:
    """Excerpts from all over a ten-hour MP3 without a header need less than 400 MB."""
    path = tmp_path / "long.mp3"
    hours_of_mp3(path, hours=10)
    source = f"""
        import sys
        from pathlib import Path
        import resource
        from embedder.audio.decoding import read_stretches
        read = read_stretches(
            Path({str(path)!r}), lambda s: [s * i / 10 for i in range(10)], seconds=3.0
        )
        if sys.platform == "linux":  # ru_maxrss is inherited from the parent process
            status = Path("/proc/self/status").read_text()
            peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(read.duration_seconds, min(read.n_read), read.samples.std(axis=1).min(), peak)
    """
    duration_seconds, n_read, quietest, peak_megabytes = map(float, run_python(source).split())
    assert duration_seconds == pytest.approx(36000, rel=0.01)
    assert n_read == 3 * 8000
    assert quietest > 0.05
    assert peak_megabytes < 400


def test_too_long_to_be_read_at_once(tmp_path: Path) -> None:
    """`read_whole` refuses a file above the limit, and the error gives the limit."""
    path = tmp_path / "a.wav"
    write_audio(path, tune(3.0, rate=8000), 8000)
    with pytest.raises(UnreadableAudio, match=r"longer than 0\.04 minutes"):
        read_whole(path, max_seconds=2.4)
    assert read_whole(path, max_seconds=3.0).duration_seconds == 3.0
