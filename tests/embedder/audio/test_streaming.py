"""Files as streams from a child process: the samples of the decoder, and its errors."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio import streaming
from embedder.audio.decoding import stream_blocks
from embedder.audio.streaming import joined, stream_from_child
from embedder.audio.writing import write_audio
from embedder.errors import DeadlyAudio, NotAnAudioFile

RATE = 8000


@pytest.fixture
def song(tmp_path: Path) -> Path:
    noise = 0.1 * np.random.default_rng(3).standard_normal(40 * RATE)
    write_audio(tmp_path / "song.flac", noise.astype(np.float32), RATE)
    return tmp_path / "song.flac"


def test_a_stream_has_the_samples_of_the_decoder(song: Path) -> None:
    """In longer blocks, all of them in order."""
    blocks = list(stream_from_child(song))
    assert len(blocks) == 2
    assert np.array_equal(np.concatenate(blocks), np.concatenate(list(stream_blocks(song))))


def test_a_stream_that_is_left_ends_its_child(song: Path) -> None:
    """Closing it does not wait for the rest of the file."""
    stream = stream_from_child(song)
    next(stream)
    stream.close()


def test_a_file_without_sound_is_an_error(tmp_path: Path) -> None:
    """The error of the child is raised here."""
    (tmp_path / "text.mp3").write_text("no sound")
    with pytest.raises(NotAnAudioFile):
        next(stream_from_child(tmp_path / "text.mp3"))


def test_a_child_that_does_not_answer_is_ended(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how long it took."""
    monkeypatch.setattr(streaming, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(DeadlyAudio, match="took more than 0 s"):
        next(stream_from_child(song))


def test_blocks_are_joined(song: Path) -> None:
    """Each has at least the given length, but for the last."""
    lengths = [len(block) for block in joined(stream_blocks(song), n_samples=100_000)]
    assert sum(lengths) == 40 * RATE
    assert min(lengths[:-1]) >= 100_000
