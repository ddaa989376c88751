"""A disk or a network folder that fails: in the middle of a run, of a file, or of the library."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.faults.conftest import INDEXING
from tests.faults.processes import ROOT, Ended, Workshop, open_workshop
from tests.faults.test_changing_files import index_while
from tests.faults.test_killed_indexing import content_of
from tests.index.toy_encoder import write_wav

EACCES, EIO, ENOTCONN, ESTALE = 13, 5, 107, 116
N_FILES = 12


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes system calls fail; skips the test if it cannot be compiled."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("there is no C compiler here")
    made = tmp_path_factory.mktemp("stand-in") / "failing_disk.so"
    source = Path(__file__).with_name("failing_disk.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture(scope="module")
def failing(stand_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Command lines whose system calls can fail."""
    folder = tmp_path_factory.mktemp("failing workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(stand_in))
        with open_workshop(folder, setup="toy", preload=INDEXING) as opened:
            yield opened


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Small files."""
    for number in range(N_FILES):
        write_wav(tmp_path / "music" / f"{number:02}.wav", number)
    return tmp_path / "music"


def fault(folder: Path, number: int) -> dict[str, str]:
    """The environment in which calls on a folder fail while the file `fails` stands beside it."""
    flag = folder.with_name("fails")
    return {"FAILING_PATH": str(folder), "FAILING_ERRNO": str(number), "FAILING_WHILE": str(flag)}


@pytest.mark.parametrize("number", [EACCES, EIO], ids=["EACCES", "EIO"])
def test_a_folder_that_fails_during_a_run_is_read_by_the_next(
    failing: Workshop, workshop: Workshop, tmp_path: Path, music: Path, number: int
) -> None:
    """Finished batches stay, each other file is listed, and the next run reads it, unasked."""
    library, flag = tmp_path / "library", tmp_path / "fails"
    ended = index_while(failing, library, music, flag.touch, environment=fault(music, number))
    assert ended.code == 5, ended.err
    between = content_of(library)
    assert 0 < len(between) < N_FILES
    assert ended.err.count(os.strerror(number)) + ended.err.count("no ") >= N_FILES - len(between)
    flag.unlink()
    assert workshop.run("--library", library, "index", music).code == 0
    after = content_of(library)
    assert len(after) == N_FILES
    assert between.items() <= after.items()


def test_a_folder_that_cannot_be_reached_loses_nothing(
    failing: Workshop, tmp_path: Path, music: Path
) -> None:
    """With --prune, too: the run names the folder, and all tracks can still be searched."""
    library = tmp_path / "library"
    assert failing.run("--library", library, "index", music).code == 0
    before = content_of(library)
    (tmp_path / "fails").touch()
    line = ("--library", library, "index", music, "--prune")
    ended = failing.run(*line, environment=fault(music, ENOTCONN))
    assert (ended.code, content_of(library)) in ((3, before), (5, before))
    assert os.strerror(ENOTCONN) in ended.err
    assert "bug of ours" not in ended.err


@pytest.mark.parametrize("words", ["query 1", "library info", "index {music}"])
def test_a_library_that_cannot_be_reached_is_one_line(
    failing: Workshop, tmp_path: Path, music: Path, words: str
) -> None:
    """It is no bug of ours, the line names the folder, and the library is whole afterwards."""
    library, flag = tmp_path / "library", tmp_path / "fails"
    assert failing.run("--library", library, "index", music).code == 0
    before = content_of(library)
    flag.touch()
    line = ("--library", library, *words.format(music=music).split())
    ended: Ended = failing.run(*line, environment=fault(library, ESTALE))
    assert (ended.code, ended.err.count("\n")) in ((3, 1), (4, 1)), ended.err
    assert str(library) in ended.err
    flag.unlink()
    assert content_of(library) == before


READ = """
import os
from pathlib import Path
from embedder.audio.decoding import read_stretches, read_whole
from embedder.audio.digest import audio_digest
from embedder.errors import OutOfReach
from index.indexing.tags import read_tags

def plan(seconds):
    return [0.5, seconds / 2, seconds - 1.5]

readers = {
    "whole": lambda path: read_whole(path).samples.tobytes(),
    "stretches": lambda path: read_stretches(path, plan, seconds=1.0).samples.tobytes(),
    "digest": audio_digest,
    "tags": read_tags,
}
for name in os.environ["NAMES"].split():
    path = Path(os.environ["FAILING_PATH"]) / name
    n_bytes = path.stat().st_size
    os.environ["FAILING_AT"] = str(2**40)
    expected = {kind: read(path) for kind, read in readers.items()}
    for share in (0.02, 0.3, 0.6, 0.9, 0.99):
        os.environ["FAILING_AT"] = str(int(share * n_bytes))
        for kind, read in readers.items():
            try:
                assert read(path) == expected[kind], (name, share, kind)
            except OutOfReach:
                continue
print("read")
"""


def test_a_file_of_which_a_block_cannot_be_read_is_never_taken_for_a_shorter_one(
    stand_in: Path, tmp_path: Path
) -> None:
    """In every format, wherever the block is: the right answer, or OutOfReach."""
    noise = (0.1 * np.random.default_rng(0).standard_normal(4 * 48_000)).astype(np.float32)
    names = ("a.flac", "b.mp3", "c.ogg", "d.wav", "e.m4a", "f.opus")
    for name in names:
        write_audio(tmp_path / name, noise, 48_000)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(stand_in),
        "FAILING_PATH": str(tmp_path),
        "FAILING_AT": str(2**40),
        "NAMES": " ".join(names),
    }
    line = [sys.executable, "-c", READ]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "read\n", done.stderr
