"""Finding tracks by words among 100,000: milliseconds of `list_tracks`, with processor time.

python -m benchmarks.find_tracks [FOLDER]
FOLDER keeps the catalogue for a second run. Names are drawn with seed 0 from 20,000 made-up words.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.many_tracks import BLOCK, made_up_tracks, write_library
from index.catalogue.catalogue import Catalogue
from index.library_folder.finding.listing import list_tracks
from index.library_folder.finding.request import ListRequest

N_TRACKS = 100_000
N_TURNS = 9
REQUESTS = (
    ListRequest("john lee hook", limit=50),
    ListRequest("boom", limit=50),
    ListRequest("ba", limit=50),
    ListRequest("m", limit=50),
    ListRequest(limit=50),
    ListRequest("ba", sort="title", limit=50),
    ListRequest("ba", where="year>=2000", limit=50),
    ListRequest(sort="title", limit=50),
    ListRequest(sort="year", descending=True, limit=50),
    ListRequest(where="year>=2000", limit=50),
    ListRequest(where="artist~hook", sort="title", limit=50),
)


def main(folder: Path) -> None:
    """Print the median of nine turns for each request."""
    path = folder / "catalogue.sqlite"
    if not path.exists():
        blocks = (np.ones((BLOCK, 4), dtype=np.float32) for _ in range(0, N_TRACKS, BLOCK))
        write_library(folder, made_up_tracks(N_TRACKS), blocks)
    catalogue = Catalogue.open_to_read(path)
    for request in REQUESTS:
        elapsed, processor = [], []
        for _ in range(N_TURNS):
            starts = time.perf_counter(), time.process_time()
            tracks = list_tracks(catalogue, request)
            elapsed.append(time.perf_counter() - starts[0])
            processor.append(time.process_time() - starts[1])
        milliseconds = f"{1e3 * np.median(elapsed):.1f} ms ({1e3 * np.median(processor):.1f})"
        what = f"{request.words or '(all)'} {request.sort or ''} {request.where}"
        sys.stdout.write(f"{what:30} {tracks.total:7} tracks  {milliseconds}\n")
    catalogue.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER")
    given = parser.parse_args().folder
    if given is not None:
        main(given)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
