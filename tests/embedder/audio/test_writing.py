"""Writing audio files: they decode to the written samples, and the bytes are always the same."""

from pathlib import Path

import mutagen
import numpy as np
import pytest

from embedder.audio.decoding import probe, read_whole
from embedder.audio.writing import WRITABLE_SUFFIXES, SampleFormat, encode_audio, write_audio
from embedder.errors import OutputExists, UnknownChoice, UsageError
from tests.embedder.audio_files import RATE, tone, tune


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_a_tone_comes_back(tmp_path: Path, suffix: str) -> None:
    """A tone written in any format is decoded as the same tone at the same position."""
    path = tmp_path / f"tone{suffix}"
    samples = tone(440, 2.0)
    write_audio(path, np.stack([samples, samples]), RATE)
    decoded = read_whole(path, sample_rate=RATE).samples
    assert abs(len(decoded) - len(samples)) < 0.03 * RATE
    middle = slice(RATE // 2, RATE)
    assert np.abs(decoded[middle] - samples[middle]).max() < 0.03


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_the_same_samples_give_the_same_bytes(suffix: str) -> None:
    """The file contains no date and no random number."""
    samples = tune(1.0)
    assert encode_audio(samples, RATE, suffix=suffix) == encode_audio(samples, RATE, suffix=suffix)


@pytest.mark.parametrize(
    ("suffix", "sample_format", "error"),
    [
        (".wav", "int16", 5e-5),
        (".wav", "int24", 3e-7),
        (".wav", "float32", 0.0),
        (".flac", "int16", 5e-5),
        (".flac", "int24", 3e-7),
    ],
)
def test_lossless_formats_lose_only_the_rounding(
    tmp_path: Path, suffix: str, sample_format: SampleFormat, error: float
) -> None:
    """Each sample of WAV and FLAC is decoded within two steps."""
    path = tmp_path / f"a{suffix}"
    samples = tune(0.5, n_channels=1)
    write_audio(path, samples, RATE, sample_format=sample_format)
    assert np.abs(read_whole(path).samples - samples[0]).max() <= error


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".m4a"])
def test_tags_are_written(tmp_path: Path, suffix: str) -> None:
    """A tag reader reads title and artist."""
    path = tmp_path / f"a{suffix}"
    write_audio(path, tune(0.5), RATE, tags={"title": "Übung", "artist": "A"})
    tags = mutagen.File(path, easy=True)
    assert (tags["title"], tags["artist"]) == (["Übung"], ["A"])


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """No partial and no temporary file is left."""
    with pytest.raises(UsageError, match="libmp3lame cannot hold 96000 Hz: use one of 8000"):
        write_audio(tmp_path / "a.mp3", tune(0.1), 96000)
    with pytest.raises(UsageError, match="1 to 2 channels, not 6"):
        write_audio(tmp_path / "a.mp3", tune(0.1, n_channels=6), RATE)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    """The message lists the valid suffixes."""
    with pytest.raises(UnknownChoice, match=r"'\.aiff': use \.flac, \.m4a, \.mp3"):
        write_audio(tmp_path / "a.aiff", tune(0.1), RATE)
    with pytest.raises(UnknownChoice, match=r"sample format of \.flac files 'float32'"):
        write_audio(tmp_path / "a.flac", tune(0.1), RATE, sample_format="float32")


def test_an_existing_file_is_not_replaced(tmp_path: Path) -> None:
    """Without `overwrite`, the existing file is unchanged."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    with pytest.raises(OutputExists):
        write_audio(path, tune(0.1), RATE, overwrite=False)
    assert path.read_bytes() == b"precious"


def test_loud_samples_are_clipped_and_not_wrapped() -> None:
    """Samples of twice full scale become full scale with the same sign."""
    loud = np.full((1, 1000), 2.0, dtype=np.float32)
    data = encode_audio(loud, 8000, suffix=".wav")
    assert np.frombuffer(data[-2000:], dtype="<i2").min() == 32767


def test_the_header_has_rate_and_channels(tmp_path: Path) -> None:
    """The header gives sample rate, channels and length."""
    path = tmp_path / "a.flac"
    write_audio(path, tune(1.5, rate=96000, n_channels=6), 96000)
    info = probe(path)
    assert (info.sample_rate, info.n_channels, info.codec) == (96000, 6, "flac")
    assert info.duration_seconds == pytest.approx(1.5)
