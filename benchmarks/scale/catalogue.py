"""One size of a catalogue: filled, opened, paged, filtered, searched by words, changed.

    python benchmarks/scale/catalogue.py build|search N FOLDER

Names are drawn with seed 0 from 20,000 made-up words; every 10,000th track is `Boom Boom` by John
Lee Hooker. The last line is JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.many_tracks import made_up_tracks
from index.catalogue.catalogue import Catalogue
from index.catalogue.ledger import Ledger
from index.catalogue.vector_rows import TrackVectors
from index.library_folder.finding.listing import list_tracks
from index.library_folder.finding.request import ListRequest

ROWS_PER_COMMIT = 50_000
N_TURNS = 5
PAGE = 50


def requests(n: int) -> dict[str, ListRequest]:
    """What is asked of a catalogue of n tracks."""
    return {
        "first_page": ListRequest(limit=PAGE),
        "middle_page": ListRequest(limit=PAGE, offset=n // 2),
        "filter_number": ListRequest(where="year>=2000", limit=PAGE),
        "filter_genre": ListRequest(where="genre=jazz", limit=PAGE),
        "sorted_by_title": ListRequest(sort="title", limit=PAGE),
        "rare_words": ListRequest("john lee hook", limit=PAGE),
        "common_word": ListRequest("ba", limit=PAGE),
    }


def build(n: int, path: Path) -> dict[str, float]:
    """Fill a catalogue; its vectors are small, because the store has its own benchmark."""
    started = time.process_time()
    excerpts = np.ones((1, 4), dtype=np.float32)
    catalogue = Catalogue.create_or_open(path)
    ledger = Ledger(catalogue)
    with catalogue.database.transaction():
        model = catalogue.model_with("f" * 64, embedding_size=4, geometry="cosine", curvature=1.0)
    facts, is_done = made_up_tracks(n), False
    while not is_done:
        with catalogue.database.transaction():
            vectors = []
            for track in (next(facts, None) for _ in range(ROWS_PER_COMMIT)):
                if track is None:
                    is_done = True
                    break
                track_id = ledger.insert(track)
                vectors.append(TrackVectors(track_id, excerpts[0], excerpts, (0.0,), 3.0))
            catalogue.vectors.put(model.id, vectors)
    with catalogue.database.transaction():
        ledger.switch_to(model.id)
    catalogue.close()
    return {
        "catalogue_build_cpu_seconds": time.process_time() - started,
        "catalogue_bytes": path.stat().st_size,
    }


def spent_ms(work: Callable[[], object]) -> float:
    """The processor time of one turn."""
    started = time.process_time()
    work()
    return 1e3 * (time.process_time() - started)


def median_ms(work: Callable[[], object]) -> float:
    """The median processor time of some turns."""
    return float(np.median([spent_ms(work) for _ in range(N_TURNS)]))


def search(n: int, path: Path) -> dict[str, float]:
    """Open, ask, and change one track."""
    figures = {"open_ms": median_ms(lambda: Catalogue.create_or_open(path).close())}
    catalogue = Catalogue.create_or_open(path)
    for name, request in requests(n).items():

        def ask(request: ListRequest = request) -> object:
            return list_tracks(catalogue, request)

        figures[f"{name}_first_ms"] = spent_ms(ask)  # what is kept for the next one is read
        figures[f"{name}_ms"] = median_ms(ask)
    track = next(made_up_tracks(10))
    numbers = iter(range(N_TURNS))
    ledger = Ledger(catalogue)

    def update() -> None:
        number = next(numbers)
        title = f"Another Title {number}"
        facts = replace(track, path=f"/new/{number}.mp3".encode(), title=title)
        with catalogue.database.transaction():
            ledger.update(n // 2 + number, facts)

    figures["update_one_track_ms"] = median_ms(update)
    figures["close_after_update_ms"] = spent_ms(catalogue.close)
    catalogue = Catalogue.create_or_open(path)
    figures["words_rebuild_ms"] = spent_ms(catalogue.words.rebuild)
    catalogue.close()
    return figures


def main(step: str, n: int, folder: Path) -> None:
    """Do one step and print its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{n}.sqlite"
    if step == "build":
        for old in folder.glob(f"{n}.sqlite*"):
            old.unlink()
        figures = build(n, path)
    else:
        figures = search(n, path)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
