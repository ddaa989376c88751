"""Orders for mixing: of a new playlist, whose tracks are chosen with it, and of an existing list.

A playlist of some minutes, and one with several given tracks, keeps the tracks that were chosen for
it; only their order changes. An existing list keeps all its entries. Those that the library does
not know come last, in their old order.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedder.errors import BadInput, printable_path
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.playlists.attempt import Attempt
from index.playlists.entry_tracks import tracks_of_entries
from index.playlists.files.entries import PlaylistEntry
from index.playlists.files.files import read_playlist
from index.playlists.mix_values import NOT_MEASURED, mix_values
from index.playlists.results import Playlist, PlaylistTrack
from index.playlists.solver.greedy import Order
from index.playlists.ways.mix_search import CLASH_COST, MixChoice, search_mix
from index.playlists.ways.mixing import (
    LARGEST_TEMPO_STEP,
    MIX_FIELDS,
    MixValues,
    best_path,
    step_costs,
    tempo_gaps,
)
from index.vectors.distances import FloatMatrix, distances_between, stepwise

SAME_ARTIST = 1.0
"""The cost of an artist's next track right after the last one."""
MAX_ORDERED = 2000
FIT_WEIGHT = 1.0
"""The cost of the farthest track that a list in no order would take; a clash of keys costs 1."""
MIX_CHOICE, MIN_MIX_CHOICE = 4, 60
"""So many other tracks for each place, and at least, are candidates of a mix."""


def mixed(attempt: Attempt) -> tuple[Attempt, list[str]]:
    """An order for mixing, and notes on what it could not keep; a given first track stays first."""
    rows, places = attempt.order.rows, attempt.order.places
    if len(rows) < 3:
        return attempt, []
    given = attempt.course.given
    is_fixed = attempt.task.request.minutes is not None or len(given) > 1
    choice, values = _choice(attempt, rows if is_fixed else _candidates(attempt))
    first = 0 if places[0] in given else None
    chosen = list(range(len(rows)))
    turned = _best_path(choice, chosen, first=first)
    searched = search_mix(choice, n_places=len(rows), first=first)
    orders = [turned, searched, _best_path(choice, searched, first=first)]
    best = min((order for order in orders if len(order) == len(rows)), key=choice.cost)
    new_rows = tuple(choice.rows[at] for at in best)
    dropped = {row: why for row, why in attempt.order.dropped.items() if row not in new_rows}
    order = Order(new_rows, tuple(range(len(best))), dropped)
    return replace(attempt, order=order), _not_kept(choice, best, values)


def _candidates(attempt: Attempt) -> list[int]:
    """The rows of the pool to choose from: those of the order first, then the best others."""
    own = list(attempt.order.rows)
    fits = attempt.course.costs.min(axis=0)
    others = [row for row in np.argsort(fits, kind="stable").tolist() if row not in set(own)]
    n_others = max(MIX_CHOICE * len(own), MIN_MIX_CHOICE)
    return [*own, *(row for row in others[:n_others] if np.isfinite(fits[row]))]


def _choice(attempt: Attempt, rows: Sequence[int]) -> tuple[MixChoice, MixValues]:
    library, pool = attempt.task.library, attempt.pool
    values = MixValues.read(library.catalogue, [pool.tracks[row].id for row in rows])
    vectors = pool.vectors[list(rows)]
    apart = distances_between(library.space, vectors, vectors).astype(np.float64)
    fits = attempt.course.costs.min(axis=0)[list(rows)].astype(np.float64)
    farthest = np.sort(fits)[min(len(attempt.order), len(fits)) - 1]
    fits = FIT_WEIGHT * (fits - fits.min()) / max(float(farthest - fits.min()), 1e-9)
    gaps = tempo_gaps(values.tempi)
    clashes = ~(gaps <= np.log2(1 + LARGEST_TEMPO_STEP))
    costs = step_costs(values, apart)
    choice = MixChoice(tuple(rows), fits, costs, clashes, pool.marks, attempt.task.rules)
    return choice, values


def _best_path(choice: MixChoice, among: list[int], *, first: int | None) -> list[int]:
    """The same candidates in an order of small steps, where few clash."""
    costs = choice.steps + CLASH_COST * choice.clashes
    inside = costs[np.ix_(among, among)]
    start = None if first is None else among.index(first)
    return [among[at] for at in best_path(inside, first=start)]


def _not_kept(choice: MixChoice, order: list[int], values: MixValues) -> list[str]:
    notes = []
    _, n_too_near, n_clashes, _ = choice.cost(order)
    if n_clashes and np.isfinite(values.tempi).any():
        n_unknown = int(np.isnan(values.tempi[order]).sum())
        unknown = f" (the tempo of {n_unknown} is not known)" if n_unknown else ""
        change = "changes" if n_clashes == 1 else "change"
        notes.append(
            f"{n_clashes} of {len(order) - 1} steps {change} the tempo by more than "
            f"{LARGEST_TEMPO_STEP:.0%}{unknown}: no other track nearby fits."
        )
    if n_too_near:
        notes.append(
            f"The spacing of {choice.rules.spacing} tracks does not hold for {n_too_near} of "
            f"{len(order)} tracks in this order."
        )
    return notes


def ordered_list(library: OpenLibrary, path: Path) -> Playlist:
    """The entries of a playlist file, all of them, in their best order."""
    entries = read_playlist(path)
    if not entries:
        raise BadInput(f"{printable_path(path)}: it lists no track")
    if len(entries) > MAX_ORDERED:
        raise BadInput(
            f"{printable_path(path)}: it lists {len(entries)} tracks, and at most {MAX_ORDERED} "
            "are put in order"
        )
    records = tracks_of_entries(library.catalogue, entries)
    placed = [at for at, record in enumerate(records) if record is not None]
    tracks = [record for record in records if record is not None]
    vectors = library.vectors([track.id for track in tracks])
    route = [placed[at] for at in _mixed_path(library, tracks, vectors)]
    unknown = [at for at, record in enumerate(records) if record is None]
    notes = []
    if unknown:
        notes.append(
            f"{printable_path(path)}: {len(unknown)} of {len(entries)} entries are not in the "
            f"library, such as {printable_path(entries[unknown[0]].path)}. They come last."
        )
    in_order = [records[at] or _record_of(entries[at]) for at in [*route, *unknown]]
    rows = [placed.index(at) for at in route]
    steps = _steps(library, vectors[rows]) + [None] * len(unknown)
    values = mix_values(library, in_order)
    if not any(values):
        notes.append(NOT_MEASURED)
    return Playlist(
        tuple(
            PlaylistTrack(track, position, step=step, is_given=True, measured=measured)
            for position, (track, step, measured) in enumerate(
                zip(in_order, steps, values, strict=True), start=1
            )
        ),
        {},
        None,
        tuple(notes),
        value_fields=MIX_FIELDS,
        score_target="",
    )


def _mixed_path(
    library: OpenLibrary,
    tracks: Sequence[TrackRecord],
    vectors: FloatMatrix,
    *,
    first: int | None = None,
) -> list[int]:
    if not tracks:
        return []
    values = MixValues.read(library.catalogue, [track.id for track in tracks])
    apart = distances_between(library.space, vectors, vectors).astype(np.float64)
    costs = step_costs(values, apart)
    artists = library.artists.of(tracks)
    for at, own in enumerate(artists):
        shares = [not own.isdisjoint(other) for other in artists]
        costs[at] += SAME_ARTIST * np.array(shares)
    return best_path(costs, first=first)


def _steps(library: OpenLibrary, vectors: FloatMatrix) -> list[float | None]:
    return [None, *stepwise(library.space, vectors).tolist()] if len(vectors) else []


def _record_of(entry: PlaylistEntry) -> TrackRecord:
    return TrackRecord(
        0,
        entry.path,
        entry.title,
        entry.artist,
        entry.album,
        duration_seconds=entry.duration_seconds,
        start_seconds=entry.start_seconds,
        end_seconds=entry.end_seconds,
    )
