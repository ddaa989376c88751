"""Paths that are not plain files, or files that change while they are read."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import read_stretches
from embedder.audio.writing import write_audio
from embedder.errors import AudioError, MissingAudio, NotAnAudioFile, UnreadableAudio
from tests.embedder.audio.reading import middle_second, refusal, run_python
from tests.embedder.audio_files import (
    RATE,
    tune,
)


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.mp3",
        "😀 – naïve.mp3",
        os.fsdecode(b"caf\xe9 \xff.mp3"),
        "http:x.mp3",
        "-i.mp3",
        "50%d #1?.mp3",
        " .mp3",
    ],
)
def test_unusual_names(tmp_path: Path, name: str) -> None:
    """Files with unusual names can be read, and messages show the names printable on one line."""
    path = tmp_path / name
    write_audio(tmp_path / "plain.mp3", tune(2.0), RATE)
    (tmp_path / "plain.mp3").rename(path)
    assert len(middle_second(path)) == RATE
    path.write_bytes(b"")
    assert refusal(path, NotAnAudioFile).isprintable()


def test_a_directory_with_the_name_of_a_song(tmp_path: Path) -> None:
    """The error says that it is a directory."""
    path = tmp_path / "song.mp3"
    path.mkdir()
    assert refusal(path, NotAnAudioFile) == f"{path}: it is a directory"


@pytest.mark.timeout(20)
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A FIFO without a writer is refused at once."""
    path = tmp_path / "song.mp3"
    os.mkfifo(path)
    assert "it is a pipe" in refusal(path, NotAnAudioFile)
    assert "it is a pipe" in refusal(Path("/dev/zero"), NotAnAudioFile)


def test_no_such_file(tmp_path: Path) -> None:
    """A missing file and a broken link are reported as missing."""
    link = tmp_path / "link.mp3"
    link.symlink_to(tmp_path / "gone.mp3")
    for path in (tmp_path / "gone.mp3", link):
        assert "no such file" in refusal(path, MissingAudio)


def test_a_link_in_a_circle(tmp_path: Path) -> None:
    """An error of the operating system becomes one line."""
    path = tmp_path / "a.mp3"
    path.symlink_to(path)
    assert "reading failed" in refusal(path, UnreadableAudio)


def test_no_permission(tmp_path: Path) -> None:
    """An unreadable file is refused with that reason, also when root runs as another user."""
    path = tmp_path / "song.wav"
    write_audio(path, tune(1.0), RATE)
    path.chmod(0)
    if os.geteuid() != 0:
        assert "no permission" in refusal(path, UnreadableAudio)
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and "pytest" in folder.name:
            folder.chmod(0o755)
    source = f"""
        import os
        from pathlib import Path
        from embedder.audio.decoding import read_whole
        from embedder.errors import UnreadableAudio
        os.setuid(65534)  # nobody: root may read everything
        try:
            read_whole(Path({str(path)!r}))
        except UnreadableAudio as error:
            print(error)
    """
    assert run_python(source).strip() == f"{path}: no permission to read it"


def test_a_file_that_vanishes_while_it_is_read(tmp_path: Path) -> None:
    """Each attempt gives audio or an AudioError, and no other exception."""
    path = tmp_path / "song.mp3"
    write_audio(path, tune(4.0), RATE)
    content = path.read_bytes()
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            path.unlink(missing_ok=True)
            time.sleep(0.001)
            path.write_bytes(content)
            time.sleep(0.001)

    meddler = threading.Thread(target=come_and_go)
    meddler.start()
    outcomes = set()
    try:
        for _ in range(150):
            try:
                outcomes.add(type(middle_second(path)))
            except AudioError as error:
                outcomes.add(type(error))
    finally:
        stop.set()
        meddler.join()
    assert MissingAudio in outcomes


def test_a_file_that_vanishes_during_its_plan(tmp_path: Path) -> None:
    """An open file stays readable after it is deleted."""
    path = tmp_path / "song.mp3"
    write_audio(path, tune(4.0), RATE)

    def plan(_: float) -> list[float]:
        path.unlink()
        return [2.0, 0.0]

    stretches = read_stretches(path, plan, seconds=0.5)
    assert stretches.n_read == (RATE // 2, RATE // 2)


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Four threads that read good and bad files get the results of a single thread."""
    paths = [tmp_path / f"{i}.mp3" for i in range(4)]
    for seed, path in enumerate(paths):
        write_audio(path, tune(3.0, seed=seed), RATE)
    bad = tmp_path / "bad.mp3"
    bad.write_text("no music" * 1000)
    alone = [middle_second(path) for path in paths]

    def attempt(number: int) -> bool:
        if number % 5 == 4:
            with pytest.raises(NotAnAudioFile):
                middle_second(bad)
            return True
        return np.array_equal(middle_second(paths[number % 5]), alone[number % 5])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(attempt, range(60)))
