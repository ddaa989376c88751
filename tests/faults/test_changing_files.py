"""Files that are replaced, deleted or extended while they are indexed."""

import os
import shutil
import time
from pathlib import Path

import pytest

from index.library import Library
from tests.faults.processes import Ended, Workshop
from tests.faults.test_killed_indexing import content_of
from tests.index.toy_encoder import ToyEncoder, write_wav

N_FILES = 12


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Files that are analysed in the order of their names."""
    for number in range(N_FILES):
        write_wav(tmp_path / "music" / f"{number:02}.wav", number)
    return tmp_path / "music"


def index_while(
    workshop: Workshop,
    library: Path,
    music: Path,
    meddle: object,
    environment: dict[str, str] | None = None,
) -> Ended:
    """Index slowly, and call `meddle` once the first file has been analysed."""
    log = library.parent / "analysed"
    environment = {"TOY_LOG": str(log), "TOY_SECONDS": "0.05", **(environment or {})}
    running = workshop.start("--library", library, "index", music, environment=environment)
    while not log.exists():
        time.sleep(0.005)
    assert callable(meddle)
    meddle()
    return running.wait()


def check_next_run(workshop: Workshop, library: Path, music: Path) -> None:
    """The next run makes the library equal to a new one."""
    assert workshop.run("--library", library, "index", music, "--prune").code == 0
    new_library = library.parent / "new"
    assert workshop.run("--library", new_library, "index", music).code == 0
    assert content_of(library) == content_of(new_library)


def test_a_file_replaced_while_indexed_is_listed(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """It gets no vector of the wrong recording, and the next run analyses the new file."""
    ended = index_while(
        workshop,
        tmp_path / "library",
        music,
        lambda: write_wav(tmp_path / "new.wav", 999, n_samples=90).replace(music / "11.wav"),
    )
    assert ended.code == 5
    assert "11.wav: it changed after it was scanned" in ended.err
    check_next_run(workshop, tmp_path / "library", music)


def test_a_copy_of_a_replaced_file_keeps_its_own_recording(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """The copy is analysed itself: it does not get the vector of the replacement."""
    shutil.copy(music / "11.wav", music / "12 copy.wav")
    index_while(
        workshop,
        tmp_path / "library",
        music,
        lambda: write_wav(tmp_path / "new.wav", 999, n_samples=90).replace(music / "11.wav"),
    )
    (expected,) = ToyEncoder().encode_many([music / "12 copy.wav"])
    with Library.open(tmp_path / "library") as library:
        (copy,) = library.tracks_named(str(music / "12 copy.wav"))
        assert library.vectors([copy.id])[0] == pytest.approx(expected.vector, abs=1e-6)


def test_a_growing_file_is_taken_by_the_next_run(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """A file that was indexed during its download does not keep the vector of its first part."""

    def grow() -> None:
        write_wav(music / "11.wav", 11, n_samples=200)

    ended = index_while(workshop, tmp_path / "library", music, grow)
    assert ended.code == 5
    check_next_run(workshop, tmp_path / "library", music)


def test_files_deleted_while_indexed_do_not_stop_it(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """They are listed, and the other files are indexed."""

    def delete() -> None:
        for number in (9, 10, 11):
            (music / f"{number:02}.wav").unlink()

    ended = index_while(workshop, tmp_path / "library", music, delete)
    assert ended.code == 5
    assert len(content_of(tmp_path / "library")) == N_FILES - 3
    check_next_run(workshop, tmp_path / "library", music)


@pytest.mark.parametrize("seconds", [4 * 10**9, 2**33, 14 * 10**9], ids=["2096", "2242", "2413"])
def test_a_time_of_change_in_the_future_is_only_a_number(
    seconds: int, workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """Such a file is not even read again until its time or size changes, and then it is."""
    log = tmp_path / "log"
    path = music / "00.wav"
    line = ("--library", tmp_path / "library", "index", music)

    def n_analysed() -> int:
        assert workshop.run(*line, environment={"TOY_LOG": str(log)}).code == 0
        return len(log.read_text().splitlines())

    os.utime(path, (seconds, seconds))
    assert n_analysed() == N_FILES
    write_wav(path, 999)  # another recording of the same size: only reading it would tell
    os.utime(path, (seconds, seconds))
    assert n_analysed() == N_FILES
    os.utime(path, (10**9, 10**9))
    assert n_analysed() == N_FILES + 1
