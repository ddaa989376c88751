"""Measure what --taste does for simulated listeners, against the same list without it.

    python -m benchmarks.taste LIBRARY --field genre --seeds 5 --first-seed 5

Settings were chosen on the seeds 0 to 4. With --hide, the library does not know the field: then
only the sound can show a taste for a label.

A listener likes the tracks of one label, of one artist, or of one range of tempo, and skips all
others. From a random track of the library, the listener judges the 20 nearest tracks. Then the
hits among the next 20 count: "without" are the next 20 of the same list, "with" the first 20 others
of the list with --taste. A contradictory listener likes or skips by the toss of a coin. This
listener, and the one who likes one artist, start from a track that counts as a hit. The library is
copied first.
"""

import argparse
import itertools
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from benchmarks.vectors.contenders import report
from index.library import Library
from index.taste.request import EventRequest

N_JUDGED, N_NEXT = 20, 20
MIN_TRACKS = 20
"""A listener's taste has at least this many tracks, except for an artist."""
STARTS = 4
"""A listener of a seed starts from this many tracks."""
MIN_OF_ARTIST = 4
MAX_ARTISTS = 6
FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Listener:
    """A simulated listener, with the tracks that they like."""

    kind: str
    name: str
    likes: frozenset[int]


def main() -> int:
    """Measure every kind of listener; returns 1 if taste does too little for one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("--field", default="genre", help="the field with the labels")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--hide", action="store_true", help="delete the field from the library")
    parser.add_argument("--taste", type=float, default=1.0)
    options = parser.parse_args()
    is_good = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "library"
        shutil.copytree(options.library, folder)
        with Library.open(folder) as library:
            listeners = listeners_of(library, options.field)
            if options.hide:
                hide(library, options.field)
            for kind in dict.fromkeys(listener.kind for listener in listeners):
                some = [listener for listener in listeners if listener.kind == kind]
                for has_opinion in (True, False) if kind == options.field else (True,):
                    hits = np.array(
                        [
                            [
                                hits_of(library, each, seed, options.taste, has_opinion=has_opinion)
                                for each in some
                            ]
                            for seed in range(
                                options.first_seed, options.first_seed + options.seeds
                            )
                        ]
                    ).mean(axis=1)
                    is_good &= tell(kind, len(some), hits, has_opinion=has_opinion)
    return 0 if is_good else 1


def listeners_of(library: Library, field: str) -> list[Listener]:
    """The listeners that a library has tracks for."""
    listeners = []
    values = library.catalogue.field_values(field)
    for label in sorted({some[0] for some in values.values()}):
        ids = frozenset(track for track, some in values.items() if label in some)
        if len(ids) >= MIN_TRACKS:
            listeners.append(Listener(field, label, ids))
    tempi = {
        track: float(some[0]) for track, some in library.catalogue.field_values("tempo").items()
    }
    if len(tempi) >= 3 * MIN_TRACKS:
        bounds = np.quantile(list(tempi.values()), [0, 1 / 3, 2 / 3, 1])
        for low, high in itertools.pairwise(bounds):
            ids = frozenset(track for track, tempo in tempi.items() if low <= tempo <= high)
            listeners.append(Listener("tempo", f"{low:.0f} to {high:.0f}", ids))
    artists = Counter(track.artist for track in library.all_tracks() if track.artist)
    for artist, n_tracks in artists.most_common(MAX_ARTISTS):
        if n_tracks >= MIN_OF_ARTIST:
            ids = frozenset(track.id for track in library.all_tracks() if track.artist == artist)
            listeners.append(Listener("artist", artist, ids))
    return listeners


def hide(library: Library, field: str) -> None:
    """Delete a field of every track."""
    with library.writing() as catalogue, catalogue.database.transaction():
        for table in ("labels", "tags"):
            catalogue.database.run(f"DELETE FROM {table} WHERE field = ?", (field,))  # noqa: S608 - our names


def hits_of(
    library: Library, listener: Listener, seed: int, taste: float, *, has_opinion: bool
) -> tuple[float, float]:
    """The share of hits among the next tracks without taste and with it, over some starts."""
    generator = np.random.default_rng([seed, *listener.name.encode()])
    shares = []
    for _ in range(STARTS):
        is_inside = listener.kind == "artist" or not has_opinion
        starts = sorted(listener.likes) if is_inside else library.store.ids()
        start = str(int(generator.choice(starts)))
        plain = [n.track.id for n in library.search(start, k=N_JUDGED + N_NEXT).neighbours]
        judged, without = plain[:N_JUDGED], plain[N_JUDGED:]
        library.taste.forget()
        library.taste.record(
            EventRequest(track, "like" if is_liked else "skip")
            for track in judged
            for is_liked in [track in listener.likes if has_opinion else generator.integers(2)]
        )
        result = library.search(start, k=N_JUDGED + N_NEXT, taste=taste)
        after = [n.track.id for n in result.neighbours if n.track.id not in judged][:N_NEXT]
        shares.append([np.mean([t in listener.likes for t in some]) for some in (without, after)])
    without_taste, with_taste = np.mean(shares, axis=0)
    return float(without_taste), float(with_taste)


def tell(kind: str, n_listeners: int, hits: np.ndarray, *, has_opinion: bool) -> bool:
    """Print the hits [seeds, 2] of one kind of listener; returns whether taste does enough."""
    without, after = hits.mean(axis=0)
    half = student.ppf(0.975, len(hits) - 1) * hits.std(axis=0, ddof=1) / np.sqrt(len(hits))
    what = f"{kind if has_opinion else f'{kind}, contradictory'}, {n_listeners} listeners"
    difference = hits[:, 1] - hits[:, 0]
    slack = student.ppf(0.975, len(hits) - 1) * difference.std(ddof=1) / np.sqrt(len(hits))
    figures = f"{without:.3f} ± {half[0]:.3f} without, {after:.3f} ± {half[1]:.3f} with taste"
    if has_opinion:
        report(f"{what}: {figures}", f"{after / max(without, 1e-9):.2f}", f">= {FACTOR}")
        return bool(after >= FACTOR * without)
    report(f"{what}: {figures}", f"{difference.mean():+.3f} ± {slack:.3f}", "no worse")
    return bool(difference.mean() + slack >= 0)


if __name__ == "__main__":
    raise SystemExit(main())
