"""Files that are not audio, or damaged: each is read as far as possible, or refused in one line."""

import logging
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import read_stretches, read_whole
from embedder.audio.writing import write_audio
from embedder.errors import AudioError, NotAnAudioFile
from tests.embedder.audio.reading import middle_second, refusal, run_python
from tests.embedder.audio_files import (
    RATE,
    flac_with_broken_frame,
    truncated,
    tune,
)


def test_an_empty_file(tmp_path: Path) -> None:
    """The message says that the file is empty."""
    path = tmp_path / "song.mp3"
    path.touch()
    assert refusal(path, NotAnAudioFile) == f"{path}: the file is empty"


def test_text_named_as_a_song(tmp_path: Path) -> None:
    """Text with a music suffix is refused."""
    path = tmp_path / "song.mp3"
    path.write_text("These are not the sounds you are looking for.\n" * 500)
    assert "not a format that FFmpeg reads" in refusal(path, NotAnAudioFile)


def test_random_bytes_named_as_a_song(tmp_path: Path) -> None:
    """Random bytes are refused, even if FFmpeg recognises frames in them."""
    path = tmp_path / "song.mp3"
    path.write_bytes(np.random.default_rng(1).bytes(200_000))
    with pytest.raises(AudioError):
        read_whole(path)


@pytest.mark.parametrize("text", ["#EXTM3U\nhttp://127.0.0.1:9/x.mp3\n", "ffconcat version 1.0\n"])
def test_a_playlist_named_as_a_song(tmp_path: Path, text: str) -> None:
    """Its entries are not opened, neither files nor URLs."""
    path = tmp_path / "song.mp3"
    path.write_text(text)
    assert "a playlist" in refusal(path, NotAnAudioFile)


def test_a_truncated_mp3(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The existing part is used, and the debug log gives its length."""
    path = tmp_path / "song.mp3"
    samples = tune(10.0)
    write_audio(path, samples, RATE)
    truncated(path, keep=0.4)
    with caplog.at_level(logging.DEBUG):
        stretches = read_stretches(path, lambda seconds: [seconds - 1.5], seconds=1.0)
    assert 3.5 < stretches.duration_seconds < 4.5
    assert "its header says 10.00 s, it has" in caplog.text
    first = round(stretches.starts_seconds[0] * RATE)
    assert (
        np.corrcoef(stretches.samples[0], samples.mean(axis=0)[first : first + RATE])[0, 1] > 0.95
    )


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.wav", "a.aac"])
def test_other_truncated_files(tmp_path: Path, name: str) -> None:
    """Formats without a table at their end are read up to the cut."""
    path = tmp_path / name
    if name == "a.aac":
        from tests.embedder.audio_files import aac_without_container

        aac_without_container(path, tune(8.0))
    else:
        write_audio(path, tune(8.0), RATE)
    truncated(path, keep=0.5)
    assert middle_second(path).std() > 0.05
    assert 3.0 < read_whole(path).duration_seconds < 5.0


def test_a_truncated_m4a(tmp_path: Path) -> None:
    """M4A has its table at the end, so a truncated file is refused."""
    path = tmp_path / "song.m4a"
    write_audio(path, tune(5.0), RATE)
    truncated(path, keep=0.5)
    assert "cut off" in refusal(path, NotAnAudioFile)


def test_a_flac_with_a_broken_frame(tmp_path: Path) -> None:
    """The broken tenth of a second is silent, and later samples keep their positions."""
    path = tmp_path / "song.flac"
    samples = tune(8.0)
    flac_with_broken_frame(path, samples)
    expected = samples.mean(axis=0)
    decoded = read_whole(path).samples
    assert len(decoded) == len(expected)
    wrong = np.abs(decoded - expected) > 1e-3
    assert 0 < np.count_nonzero(wrong) < 0.5 * RATE
    assert not decoded[wrong].any()
    stretches = read_stretches(path, lambda _: [0.5, 3.5, 6.0], seconds=1.0)
    assert np.abs(stretches.samples[2] - expected[6 * RATE : 7 * RATE]).max() < 1e-3


def test_ffmpeg_keeps_quiet(tmp_path: Path) -> None:
    """FFmpeg writes nothing to stderr or stdout for damaged files."""
    path = tmp_path / "song.flac"
    flac_with_broken_frame(path, tune(5.0))
    cut = tmp_path / "cut.mp3"
    write_audio(cut, tune(5.0), RATE)
    truncated(cut, keep=0.5)
    text = tmp_path / "text.mp3"
    text.write_text("no music" * 1000)
    source = f"""
        from pathlib import Path
        from embedder.audio.decoding import read_stretches, read_whole
        from embedder.errors import AudioError
        for name in ({str(path)!r}, {str(cut)!r}, {str(text)!r}):
            try:
                read_whole(Path(name))
                read_stretches(Path(name), lambda seconds: [seconds * 0.5], seconds=1.0)
            except AudioError:
                pass
    """
    assert run_python(source) == ""


def test_every_truncation_is_survived(tmp_path: Path) -> None:
    """At every cut the file gives audio or an AudioError, and more bytes never give less audio."""
    path = tmp_path / "a.mp3"
    write_audio(path, tune(1.0), RATE)
    content = path.read_bytes()
    lengths = []
    for n_bytes in range(0, len(content), 997):
        path.write_bytes(content[:n_bytes])
        try:
            lengths.append(read_whole(path).duration_seconds)
        except AudioError:
            lengths.append(0.0)
    assert all(less <= more for less, more in pairwise(lengths))
    assert lengths[-1] > 0.9
