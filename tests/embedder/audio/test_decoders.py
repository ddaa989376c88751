"""Decoding in child processes."""

import gc
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from embedder.audio.decoders import Decoders, end_early_child
from embedder.audio.decoding import read_stretch, read_whole
from embedder.audio.writing import write_audio
from embedder.encoding.threads import map_in_threads
from embedder.errors import AudioTooShort, MissingAudio


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A second of noise."""
    path = tmp_path / "song.flac"
    noise = 0.1 * np.random.default_rng(0).standard_normal(22_050)
    write_audio(path, noise.astype(np.float32), 22_050)
    return path


def n_children() -> int:
    """The number of child processes of this process that run Python."""
    end_early_child()
    return len(psutil.Process().children())


def test_samples_are_those_of_this_process(song: Path) -> None:
    """They can be changed, too, as torch asks for."""
    with Decoders() as decoders:
        waveform = decoders.run(song, read_whole, song, sample_rate=16_000)
    assert waveform.samples.flags.writeable
    np.testing.assert_array_equal(waveform.samples, read_whole(song, sample_rate=16_000).samples)


def test_a_relative_path_starts_in_the_present_working_folder(
    song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that was started in another folder follows; the error names the path as given."""
    with Decoders() as decoders:
        decoders.run(song, read_whole, song)
        monkeypatch.chdir(song.parent)
        assert len(decoders.run(Path(song.name), read_whole, Path(song.name)).samples) == 22_050
        with pytest.raises(MissingAudio, match=r"^gone\.flac: "):
            decoders.run(Path("gone.flac"), read_whole, Path("gone.flac"))


def test_errors_are_those_of_this_process(song: Path) -> None:
    """A file that cannot be read raises the same error, and the next one is read."""
    with Decoders() as decoders:
        with pytest.raises(MissingAudio, match=r"gone\.flac: "):
            decoders.run(Path("gone.flac"), read_whole, Path("gone.flac"))
        with pytest.raises(AudioTooShort, match=r"song\.flac: it is 1\.0 s long"):
            decoders.run(
                song, read_stretch, song, start_seconds=2.0, seconds=1.0, sample_rate=22_050
            )


def test_there_is_a_child_for_each_thread_and_none_without_work(song: Path) -> None:
    """Two threads share two children over many files, and `close` ends both."""
    n_before = n_children()
    together = threading.Barrier(2)

    def read(number: int) -> int:
        if number < 2:
            together.wait(60)
        return len(decoders.run(song, read_whole, song).samples)

    with Decoders() as decoders:
        assert n_children() == n_before
        lengths = list(map_in_threads(read, range(8), workers=2))
        assert 1 <= n_children() - n_before <= 2
    assert lengths == [22_050] * 8
    assert n_children() == n_before


def test_children_end_with_the_last_reference(song: Path) -> None:
    """A source of batches has no end of its own."""
    n_before = n_children()
    decoders = Decoders()
    decoders.run(song, read_whole, song)
    assert n_children() == n_before + 1
    del decoders
    gc.collect()
    assert n_children() == n_before
