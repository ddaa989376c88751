"""bliss-audio, which runs in a process of its own."""

import os
from pathlib import Path

import pytest

from embedder.errors import ForeignCodeCrashed
from index.evaluate.baselines import baseline_vectors
from index.evaluate.subjects import open_subject
from tests.index.toy_encoder import write_wav

PANICS = """
class PanicException(BaseException):
    pass


class Song:
    def __init__(self, path):
        print("this goes to stderr")
        if path.endswith("1.wav"):
            raise PanicException("index out of bounds")
        if path.endswith("2.wav"):
            import os, signal
            os.kill(os.getpid(), signal.SIGSEGV)
        self.analysis = [1.0, 2.0]
"""
CRASHES = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"


def write_tracks(folder: Path, n_tracks: int) -> None:
    for number in range(n_tracks):
        write_wav(folder / "jazz" / f"{number}.wav", number, n_samples=40000)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is imported in place of bliss-audio, here and in child processes."""
    folder = tmp_path / "packages"
    folder.mkdir()
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.syspath_prepend(folder)
    return folder / "bliss_audio.py"


def test_bliss_describes_files(tmp_path: Path) -> None:
    """Its own features, compared as its authors compare them."""
    pytest.importorskip("bliss_audio")
    write_tracks(tmp_path, 4)
    try:
        described = baseline_vectors(open_subject(tmp_path, layout="folders"), "bliss")
    except ForeignCodeCrashed as crash:
        pytest.skip(str(crash))
    assert described.vectors.shape[0] == 4
    assert described.vectors.shape[1] in (20, 23)  # up to 0.1, from 0.2 on
    assert described.geometry.kind == "euclidean"


def test_a_wheel_for_another_processor_ends_in_a_message(tmp_path: Path, stand_in: Path) -> None:
    """An illegal instruction ends the child alone, and the message names a version that runs."""
    stand_in.write_text(CRASHES)
    write_tracks(tmp_path / "music", 2)
    with pytest.raises(ForeignCodeCrashed, match=r"cannot run on this processor.*0\.1\.11 can"):
        baseline_vectors(open_subject(tmp_path / "music", layout="folders"), "bliss")


def test_a_crash_costs_one_file(tmp_path: Path, stand_in: Path) -> None:
    """A panic and a segmentation fault are failures of their files; the others are described."""
    stand_in.write_text(PANICS)
    write_tracks(tmp_path / "music", 5)
    described = baseline_vectors(open_subject(tmp_path / "music", layout="folders"), "bliss")
    assert described.vectors.shape == (3, 2)
    reasons = {Path(left_out.path).name: left_out.reason for left_out in described.failed}
    assert reasons == {
        "1.wav": "bliss-audio cannot analyse it: index out of bounds",
        "2.wav": "bliss-audio crashed on it (SIGSEGV)",
    }
