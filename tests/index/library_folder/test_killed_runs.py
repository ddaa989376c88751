"""A library whose run was killed, or met a full disk or a folder that it may not write to."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import (
    StorageError,
)
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write")
def test_a_read_only_folder_can_be_searched() -> None:
    """Someone else's library can be read; writing to it says why not."""
    folder = Path(tempfile.mkdtemp())
    try:
        music = write_wav(folder / "music" / "a.wav", 1).parent
        library = Library.open_or_create(folder / "library")
        library.index([music], encoder=ToyEncoder())
        library.close()
        for path in (folder, folder / "library"):
            path.chmod(0o755)
        child = os.fork()
        if child == 0:  # a fork, since the interpreter itself may be out of another user's reach
            os.setuid(65534)
            code = 1
            try:
                assert len(Library.open(library.folder)) == 1
                try:
                    Library.open(library.folder).index([music], encoder=ToyEncoder())
                except StorageError as error:
                    code = 0 if "permissions" in str(error) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        shutil.rmtree(folder)


CHILD = """
import sys, time
from pathlib import Path
from index.library import Library
from tests.index.toy_encoder import ToyEncoder
import index.indexing.analyse
index.indexing.analyse.BATCH_TRACKS = {batch}

class Slow(ToyEncoder):
    def encode_many(self, paths, **options):
        for result in super().encode_many(paths, **options):
            time.sleep({seconds})
            yield result

print("ready", flush=True)
Library.open_or_create(Path({library!r})).index(
    [Path({music!r})], encoder=Slow(log=Path({log!r}))
)
"""


def start_child(library: Path, music: Path, log: Path, *, seconds: float = 0.004) -> object:
    code = CHILD.format(
        library=str(library), music=str(music), log=str(log), batch=4, seconds=seconds
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)


def check_kills(tmp_path: Path, *, n_kills: int, seed: int) -> None:
    """After many kills and one whole run nothing is lost and few tracks are analysed twice."""
    rng = np.random.default_rng(seed)
    music, log, folder = tmp_path / "music", tmp_path / "log", tmp_path / "library"
    n_files = 60
    for number in range(n_files):
        write_wav(music / f"{number}.wav", number)
    for _ in range(n_kills):
        child = start_child(folder, music, log)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(float(rng.uniform(0, 0.4)))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    library = Library.open_or_create(folder)
    library.index([music], encoder=ToyEncoder(log=log))
    assert library.verify() == []
    assert len(library) == n_files
    assert library.store.ids().tolist() == sorted(t.id for t in library.all_tracks())
    n_analysed = Counter(log.read_text().split("\n")[:-1])
    assert set(n_analysed) == {str(path) for path in music.iterdir()}
    assert sum(n_analysed.values()) - n_files <= n_kills * 5  # a batch of four, and one under way


def test_killing_it_loses_nothing(tmp_path: Path) -> None:
    """After kill -9 the next run goes on; at most one batch a kill is analysed twice."""
    check_kills(tmp_path, n_kills=4, seed=1)


@pytest.mark.slow
def test_killing_it_fifty_times_loses_nothing(tmp_path: Path) -> None:
    """Fifty kills at random points."""
    check_kills(tmp_path, n_kills=50, seed=2)


def test_a_full_disk_loses_nothing(tmp_path: Path, music: Path) -> None:
    """If no file can grow, committed tracks stay, and a later run adds the rest."""
    folder = tmp_path / "library"
    library = Library.open_or_create(folder)
    library.index([music], encoder=ToyEncoder())
    library.close()
    for number in range(200):
        write_wav(music / f"more {number}.wav", 1000 + number)
    limit = max(path.stat().st_size for path in folder.iterdir()) + 30_000
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            Library.open(folder).index([music], encoder=ToyEncoder(size=8))
        except StorageError as error:
            code = 0 if "make room" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with Library.open(folder) as opened:
        assert 8 <= len(opened) < 208
        report = opened.index([music], encoder=ToyEncoder())
        assert report.failed == ()
        assert len(opened) == 208
        assert opened.verify() == []
