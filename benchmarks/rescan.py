"""Time a rescan of unchanged files, and a cold search among them.

    python benchmarks/rescan.py [--files 100000]

The script makes empty files and a catalogue with all of them. It times the rescan against
`find -printf`, and a process that opens the library and searches once against
`python -c "import faiss"`. The exit code is 1 if a goal is missed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from embedder.config.model import ModelConfig
from embedder.encoding.requests import EncodingResult
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.library import Library

SIZE = 128
FILES_PER_FOLDER = 12

COLD = """
import sys
from pathlib import Path
from index.library import Library
library = Library.open(Path(sys.argv[1]))
track = library.track(500)
distances, ids = library.nearest(library.vectors([track.id]), 10)
print([track.title for track in library.tracks(ids[0])])
assert "torch" not in sys.modules and "pandas" not in sys.modules
"""


class NoEncoder:
    """An encoder that must not get any file."""

    fingerprint = "benchmark"
    embedding_size = SIZE
    config = ModelConfig(embedding_size=SIZE)

    def encode_many(self, paths: object, **_: object) -> "list[EncodingResult]":
        """Nothing is new, so there is nothing to encode."""
        assert not list(paths)  # type: ignore[call-overload] # any iterable
        return []


def make_files(music: Path, n: int) -> None:
    """Make empty files, with a folder for each album."""
    for number in range(0, n, FILES_PER_FOLDER):
        folder = music / f"artist {number // 600}" / f"album {number // FILES_PER_FOLDER}"
        folder.mkdir(parents=True)
        for track in range(number, min(number + FILES_PER_FOLDER, n)):
            (folder / f"{track:06} a song of some name.mp3").touch()


def fill(catalogue: Catalogue, music: Path) -> None:
    """Write rows for the files as if they had been analysed."""
    rng = np.random.default_rng(0)
    model = catalogue.model_with("benchmark", embedding_size=SIZE, geometry="cosine", curvature=1.0)
    database = catalogue.database
    with database.transaction():
        for number, path in enumerate(sorted(music.rglob("*.mp3")), start=1):
            status = path.stat()
            vector = rng.standard_normal(SIZE, dtype=np.float32)
            vector /= np.linalg.norm(vector)
            database.run(
                "INSERT INTO tracks (id, path, size_bytes, modified_ns, audio_digest, title) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    number,
                    os.fsencode(path),
                    status.st_size,
                    status.st_mtime_ns,
                    number.to_bytes(16),
                    path.stem,
                ),
            )
            database.run(
                "INSERT INTO vectors (track_id, model_id, revision, vector) VALUES (?, ?, 1, ?)",
                (number, model.id, vector.tobytes()),
            )
        Ledger(catalogue).switch_to(model.id)


def best_of(n_rounds: int, command: list[str]) -> float:
    """The shortest time of a command in seconds."""
    best = np.inf
    for _ in range(n_rounds):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - started)
    return float(best)


def main() -> int:
    """Measure the rescan and the cold search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder) / "music"
        make_files(music, options.files)
        library = Library.open_or_create(Path(folder) / "library")
        with library.writing() as catalogue:
            fill(catalogue, music)
        assert len(library) == options.files
        rescans = []
        for _ in range(4):
            started = time.perf_counter()
            report = library.index([music], encoder=NoEncoder())  # type: ignore[arg-type] # encodes nothing
            rescans.append(time.perf_counter() - started)
            assert report.unchanged == options.files
        find_seconds = best_of(4, ["find", str(music), "-printf", r"%p %s %T@\n"])
        print(f"rescan of {options.files:,}: {min(rescans):.2f} s, find {find_seconds:.2f} s")
        print(f"    {min(rescans) / find_seconds:.2f} times (at most 6)")
        library.close()
        cold = best_of(5, [sys.executable, "-c", COLD, str(library.folder)])
        bare = best_of(5, [sys.executable, "-c", "import faiss"])
        print(f"cold search: {cold:.2f} s, import faiss {bare:.2f} s")
        print(f"    {cold / bare:.2f} times (at most 2.5, with the command line around it)")
    return 0 if min(rescans) / find_seconds <= 6 and cold / bare <= 2.5 else 1


if __name__ == "__main__":
    sys.exit(main())
