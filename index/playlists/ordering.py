"""Orders for mixing: of the tracks of a new playlist, and of an existing list.

An existing list keeps all its entries. Those that the library does not know come last, in their
old order.
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
from index.playlists.ways.mixing import MIX_FIELDS, MixValues, best_path, step_costs
from index.vectors.distances import FloatMatrix, distances_between, stepwise

SAME_ARTIST = 1.0
"""The cost of an artist's next track right after the last one."""
MAX_ORDERED = 2000


def mixed(attempt: Attempt) -> Attempt:
    """The same tracks in an order for mixing; a given first track stays first."""
    rows, places = attempt.order.rows, attempt.order.places
    if len(rows) < 3:
        return attempt
    tracks = [attempt.pool.tracks[row] for row in rows]
    first = 0 if places[0] in attempt.course.given else None
    path = _mixed_path(attempt.task.library, tracks, attempt.pool.vectors[list(rows)], first=first)
    order = Order(
        tuple(rows[at] for at in path), tuple(places[at] for at in path), attempt.order.dropped
    )
    return replace(attempt, order=order)


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
