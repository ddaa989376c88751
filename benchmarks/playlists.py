"""Time a playlist of 100 tracks against plain searches of the same library.

    python -m benchmarks.playlists --tracks 1000000 --folder million

The library holds clustered synthetic vectors (`vectors/contenders.py`) with tags and without files.
With `--folder` it is kept and used again. A plain search finds ten neighbours of one track, with
their catalogue rows, as a playlist has them. A bare search asks the vector store alone. All are
measured with one thread, in processor time, in turns; the median of several rounds counts. Each
search and playlist runs twice and the second run is timed, so that reading from disk is not
counted.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

from benchmarks.vectors.contenders import SIZE, clustered, report
from index.catalogue.ledger import FileFacts, Ledger
from index.catalogue.vector_rows import TrackVectors
from index.library import Library
from index.playlists.request import PlaylistRequest
from index.search.request import SearchRequest
from index.vectors.kinds import StoreSettings, check_kind

LENGTH = 100
MAX_SEARCHES = 20
SEARCHES_PER_TURN = 50
TRACKS_PER_ALBUM, ALBUMS_PER_ARTIST = 10, 2
BLOCK = 20_000


def main() -> int:
    """Build or open the library and measure each kind; returns 1 if one of them is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--store", default="hnsw", help="the kind of index")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "library"
        if not folder.exists():
            write_library(folder, options.tracks, store=options.store)
        with Library.open(folder) as library, threadpool_limits(1):
            return compare(library, rounds=options.rounds)


def compare(library: Library, *, rounds: int) -> int:
    """Print the time of each kind in plain searches; returns 1 if one of them is too slow."""
    info = library.store.info()
    print(f"{info.n_vectors:,} tracks, {info.kind}, {LENGTH} tracks a playlist")
    numbers = np.random.default_rng(5).integers(1, info.n_vectors, size=2 * rounds + 2).tolist()
    kinds: dict[str, Callable[[int, int], PlaylistRequest]] = {
        "from a track": lambda a, _: PlaylistRequest((str(a),), length=LENGTH, seed=a),
        "from a track, 1 an artist": lambda a, _: PlaylistRequest(
            (str(a),), length=LENGTH, seed=a, per_artist=1
        ),
        "from five tracks": lambda a, _: PlaylistRequest(
            tuple(str(a + step) for step in range(5)), length=LENGTH, seed=a
        ),
        "drifting": lambda a, _: PlaylistRequest((str(a),), length=LENGTH, seed=a, drift=0.1),
        "to a track": lambda a, b: PlaylistRequest((str(a),), length=LENGTH, seed=a, to=str(b)),
    }
    worst = 0.0
    for name, request_of in kinds.items():
        ratios, bare_ratios, spent = [], [], []
        for turn in range(rounds + 1):
            request = request_of(numbers[2 * turn], numbers[2 * turn + 1])
            plain, bare = search_seconds(library, turn)
            library.playlist(request)
            started = time.thread_time()
            playlist = library.playlist(request)
            spent.append(time.thread_time() - started)
            ratios.append(spent[-1] / plain)
            bare_ratios.append(spent[-1] / bare)
        ratio, bare_ratio = (statistics.median(r[1:]) for r in (ratios, bare_ratios))
        n_tracks = len(playlist.tracks)
        what = f"{name}: {n_tracks} tracks in {1000 * statistics.median(spent[1:]):.1f} ms"
        report(what, f"{ratio:.1f} searches, {bare_ratio:.1f} bare", f"< {MAX_SEARCHES} searches")
        worst = max(worst, ratio)
    return 0 if worst < MAX_SEARCHES else 1


def search_seconds(library: Library, turn: int) -> tuple[float, float]:
    """Seconds of a search of the library, and of a search of its store."""
    rng = np.random.default_rng(turn)
    ids = library.store.ids()[rng.integers(len(library), size=SEARCHES_PER_TURN)]
    queries = library.vectors(ids)
    requests = [SearchRequest((str(track_id),)) for track_id in ids]
    for request in requests:
        library.search(request)
    started = time.thread_time()
    for request in requests:
        library.search(request)
    between = time.thread_time()
    for row in range(SEARCHES_PER_TURN):
        library.store.search(queries[row : row + 1], 10)
    ended = time.thread_time()
    return (between - started) / SEARCHES_PER_TURN, (ended - between) / SEARCHES_PER_TURN


def write_library(folder: Path, n_tracks: int, *, store: str) -> None:
    """Write a library with twenty tracks an artist, in the order of a permutation."""
    library = Library.open_or_create(folder)
    n_an_artist = TRACKS_PER_ALBUM * ALBUMS_PER_ARTIST
    vectors = clustered(n_tracks, seed=1)
    order = np.random.default_rng(2).permutation(n_tracks)
    with library.writing() as catalogue:
        ledger = Ledger(catalogue)
        model = catalogue.model_with(
            "synthetic", embedding_size=SIZE, geometry="cosine", curvature=1.0
        )
        ledger.switch_to(model.id)
        for start in range(0, n_tracks, BLOCK):
            numbers = range(start, min(start + BLOCK, n_tracks))
            with catalogue.database.transaction():
                ids = [ledger.insert(facts_of(int(order[n]), n_an_artist)) for n in numbers]
                rows = zip(ids, vectors[start : start + BLOCK], strict=True)
                catalogue.vectors.put(
                    model.id, [TrackVectors(i, v, v[None], (0.0,), 3.0) for i, v in rows]
                )
    library.set_store(StoreSettings(check_kind(store)))
    library.close()


def facts_of(number: int, n_an_artist: int) -> FileFacts:
    """The tags of a synthetic track."""
    artist, album = f"artist {number // n_an_artist}", f"album {number // TRACKS_PER_ALBUM}"
    return FileFacts(
        path=os.fsencode(f"/music/{artist}/{album}/{number:07}.mp3"),
        part=0,
        size_bytes=1,
        modified_ns=1,
        start_seconds=None,
        end_seconds=None,
        audio_digest=number.to_bytes(16, "little"),
        title=f"title {number}",
        artist=artist,
        album=album,
        genre=f"genre {number % 20}",
        year=None,
        track_number=None,
        duration_seconds=200.0,
        tags=(),
    )


if __name__ == "__main__":
    raise SystemExit(main())
