"""The map of a library beside umap-learn called directly on the same vectors.

    python -m benchmarks.map_layout                      10,000 tracks
    python -m benchmarks.map_layout --tracks 100000      minutes, and about 1.2 GB of memory

Each runs in a process of its own. Ours opens the library, finds every track's neighbours, lays the
map out, judges it and keeps it; the other has the vectors in an array and calls `fit_transform`.
Times are CPU seconds of all threads, which other work on the machine does not lengthen, with wall
seconds beside them; memory is the highest that the process ever held.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # it makes its library as the tests do

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
    """What one process needed."""
    code = MEASURE.format(work=work)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(argument)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Measure both, print both and their ratios; 1 if ours needs too much."""
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
        ours = measured(OURS, library.folder)
        direct = measured(DIRECT, array)
    print(f"{n_tracks} tracks of {SIZE} numbers")
    print(f"{'':16}{'soundalike':>12}{'umap-learn':>12}{'ratio':>8}")
    ratios = {name: ours[name] / direct[name] for name in direct if direct[name]}
    for name, ratio in ratios.items():
        print(f"{name:16}{ours[name]:12.1f}{direct[name]:12.1f}{ratio:8.2f}")
    print(f"trustworthiness of ours: {ours['trustworthiness']:.3f}")
    is_short = max(ratios["cpu_seconds"], ratios["peak_megabytes"]) > HIGHEST_RATIO
    return int(is_short)


if __name__ == "__main__":
    sys.exit(main())
