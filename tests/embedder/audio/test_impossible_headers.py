"""Headers with impossible values are refused before memory is allocated."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import probe, read_stretches, read_whole
from embedder.audio.writing import write_audio
from embedder.errors import AudioError, UnreadableAudio
from tests.embedder.hostile_files import write_matroska, write_nan_wav, write_wav


def test_a_sample_rate_beyond_a_megahertz_is_refused(tmp_path: Path) -> None:
    """A Matroska file that claims 2.1 GHz is damaged; 768 kHz is not."""
    with pytest.raises(UnreadableAudio, match="2100000000 samples a second, more than 1000000"):
        probe(write_matroska(tmp_path / "fast.mkv", claimed_rate=2.1e9))
    assert probe(write_wav(tmp_path / "fine.wav", sample_rate=768_000)).sample_rate == 768_000


def test_channels_by_the_hundred_are_refused(tmp_path: Path) -> None:
    """A WAV file with more than 64 channels is refused; one with 32 is read."""
    with pytest.raises(AudioError):
        read_whole(write_wav(tmp_path / "many.wav", n_channels=100))
    assert len(read_whole(write_wav(tmp_path / "some.wav", n_channels=32)).samples) == 4410


def test_more_samples_than_fit_are_refused_before_they_are_allocated(tmp_path: Path) -> None:
    """Stretches that would take gigabytes are refused in a few kilobytes of memory."""
    path = write_wav(tmp_path / "fast.wav", sample_rate=1_000_000, n_frames=100_000)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableAudio, match="more than the 268435456 that are read at once"):
            read_stretches(path, lambda _: range(10), seconds=30.0)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10_000_000


def test_memory_that_runs_out_is_the_failure_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A MemoryError while decoding becomes an AudioError that names the file."""
    path = tmp_path / "song.flac"
    write_audio(path, np.zeros(44100, dtype=np.float32), 44100)

    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("embedder.audio.decoding.gather", out_of_memory)
    with pytest.raises(UnreadableAudio, match=r"song\.flac: .*more memory than there is"):
        read_whole(path)


def test_a_file_of_no_numbers_is_damaged(tmp_path: Path) -> None:
    """A float WAV that contains only NaN is refused, read whole or in parts."""
    path = write_nan_wav(tmp_path / "nan.wav")
    with pytest.raises(UnreadableAudio, match="88200 of 88200 samples are not numbers"):
        read_whole(path)
    with pytest.raises(UnreadableAudio, match="samples are not numbers"):
        read_stretches(path, lambda _: [0.5], seconds=1.0)
