"""Compare the map of a library with umap-learn called directly on the same vectors.

    python -m benchmarks.map_layout                      10,000 tracks
    python -m benchmarks.map_layout --tracks 100000      minutes, and about 1.2 GB of memory

Each runs in a process of its own. soundalike opens the library, finds every track's neighbours,
computes the map, measures its trustworthiness and stores it. The alternative has the vectors in an
array and calls `fit_transform`. Times are CPU seconds of all threads, which other work on the
machine does not lengthen, and wall seconds. Memory is the peak of the process.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the library of the tests

from tests.index.map.map_library import MapLibrary

HIGHEST_RATIO = 1.2
SIZE = 128
MEASURE = """
import json, resource, sys, time
from pathlib import Path
started = time.perf_counter()
{work}
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "wall_seconds": time.perf_counter() - started,
    "peak_megabytes": usage.ru_maxrss / 1024,
    "trustworthiness": trustworthiness,
}}))
"""
OURS = """
from index.library import Library
from index.map.library_map import map_of
from index.map.request import MapRequest
drawn = map_of(Library.open(Path(sys.argv[1])), MapRequest(is_fresh=True))
trustworthiness = drawn.trust.value
"""
DIRECT = """
import numpy as np, umap
vectors = np.load(sys.argv[1])
mapper = umap.UMAP(metric="cosine", n_neighbors=15, min_dist=0.1, random_state=0, n_jobs=1)
np.save(sys.argv[1] + ".map", mapper.fit_transform(vectors))
trustworthiness = None
"""


def measured(work: str, argument: Path) -> dict[str, float]:
    """Time and memory of one process."""
    code = MEASURE.format(work=work)
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(argument)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(finished.stdout.splitlines()[-1]))


def main() -> int:
    """Print both measurements and their ratios; returns 1 if a ratio is too high."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=10_000)
    n_tracks = parser.parse_args().tracks
    with tempfile.TemporaryDirectory() as folder:
        library = MapLibrary(Path(folder) / "library", n_genres=12, size=SIZE, spread=0.9).grow(
            n_tracks
        )
        array = Path(folder) / "vectors.npy"
        np.save(array, library.vectors(library.store.ids()))
        library.close()
        soundalike = measured(OURS, library.folder)
        direct = measured(DIRECT, array)
    print(f"{n_tracks} tracks of {SIZE} numbers")
    print(f"{'':16}{'soundalike':>12}{'umap-learn':>12}{'ratio':>8}")
    ratios = {name: soundalike[name] / direct[name] for name in direct if direct[name]}
    for name, ratio in ratios.items():
        print(f"{name:16}{soundalike[name]:12.1f}{direct[name]:12.1f}{ratio:8.2f}")
    print(f"trustworthiness of soundalike's map: {soundalike['trustworthiness']:.3f}")
    return int(max(ratios["cpu_seconds"], ratios["peak_megabytes"]) > HIGHEST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
