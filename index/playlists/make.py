"""From a request to a playlist: resolve the tracks, gather candidates, run the solver.

    request ─▶ given tracks, bans ─▶ route ─▶ pool ─▶ course ─▶ order ─▶ playlist
                                                ▲                  │
                                                └── more candidates, or fewer default rules,
                                                    while the playlist is too short

This module does not distinguish kinds of playlists: a kind is a route.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from embedder.errors import BadInput, UsageError, printable_path
from index.library_folder.open_library import OpenLibrary
from index.playlists.attempt import Attempt, Task, solve_task
from index.playlists.ordering import mixed, ordered_list
from index.playlists.request import DEFAULT_LENGTH, PlaylistRequest
from index.playlists.results import Playlist
from index.playlists.seeds import Seeds
from index.playlists.solver.rules import Rules
from index.playlists.telling import as_playlist
from index.playlists.ways.arcs import check_field
from index.search.asked import QueryTrack
from index.taste.judging import NO_TASTE, preference_in
from index.vectors.distances import FloatMatrix
from index.vectors.store import IdArray

DEFAULT_SPACING = 3
TRACKS_PER_ARTIST_SLOT = 8
"""The default limit: one track per artist for every eight places."""
MINUTES_TRIES = 12
SEEDS_COME = "There are too few other tracks, so the playlist includes the tracks you named."


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """The tracks that a request names."""

    given: list[QueryTrack]
    """Tracks that must be in the playlist, in this order."""
    likes: list[QueryTrack]
    dislikes: list[QueryTrack]
    banned: dict[int, str]
    """Tracks that must not be in the playlist, and why."""


def make_playlist(library: OpenLibrary, request: PlaylistRequest) -> Playlist:
    """The playlist that a request asks for."""
    library.require_tracks()
    if request.order is not None:
        return ordered_list(library, request.order)
    kind_ids = None
    if request.kind:
        from index.playlists.kinds import of_kind

        request, kind_ids = of_kind(library, request)
    seed = secrets.randbits(31) if request.seed is None else request.seed
    seeds = Seeds(library)
    task = _task(library, request, seeds, seed, kind_ids=kind_ids)
    best: Attempt | None = None
    notes = seeds.notes
    for rules, relaxed in _rules_to_try(request, task):
        attempt = _of_requested_length(replace(task, rules=rules))
        if best is None or len(attempt.order) > len(best.order):
            best, notes = attempt, [*seeds.notes, *relaxed]
        if not attempt.is_short or not _is_limited(attempt, rules):
            break
    if best is not None and best.is_short and "seed" in task.banned.values():
        # The seeds may be nearly all of the library: then allow them.
        banned = {track: why for track, why in task.banned.items() if why != "seed"}
        attempt = _of_requested_length(replace(best.task, banned=banned, variant=0))
        if len(attempt.order) > len(best.order):
            best, notes = attempt, [*notes, SEEDS_COME]
    if best is None:
        raise UsageError("no rules to try")  # cannot happen: the loop runs at least once
    if request.mix:
        best, not_kept = mixed(best)
        notes = [*notes, *not_kept]
    return as_playlist(best, seed=seed, notes=notes)


def _task(
    library: OpenLibrary,
    request: PlaylistRequest,
    seeds: Seeds,
    seed: int,
    *,
    kind_ids: IdArray | None,
) -> Task:
    named = _named(library, request, seeds)
    allowed = kind_ids
    if request.where:
        from index.catalogue.where_sql import ids_where

        allowed = ids_where(library.catalogue, request.where)
        if kind_ids is not None:
            allowed = np.intersect1d(allowed, kind_ids)
        if not len(allowed):
            raise BadInput(f"--where {request.where!r}: no track matches")
    if request.arc is not None:
        check_field(library.catalogue, request.arc.field)
    preference = preference_in(library) if request.taste else None
    if request.taste and preference is None:
        seeds.notes.append(NO_TASTE)
    size = library.model.embedding_size
    return Task(
        library=library,
        request=request,
        given=named.given,
        likes=_vectors(named.likes, size),
        dislikes=_vectors(named.dislikes, size),
        banned=named.banned,
        allowed=allowed,
        n_wanted=max(request.length or DEFAULT_LENGTH, len(named.given)),
        rules=Rules(),
        seed=seed,
        preference=preference,
    )


def _named(library: OpenLibrary, request: PlaylistRequest, seeds: Seeds) -> Named:
    banned: dict[int, str] = {}
    if request.recent is not None:
        banned |= dict.fromkeys(seeds.ids_listed(request.recent), "recent")
    for excluded in seeds.named(request.exclude):
        copies = library.catalogue.tracks_of_recording(excluded.record.recording or "00")
        banned |= {track.id: "exclude" for track in [excluded.record, *copies] if track.id}
    kept_tracks, dropped_tracks = _judged(request, seeds)
    banned |= {track.record.id: "judged" for track in dropped_tracks}
    starts = seeds.named(request.seeds)
    if request.to is not None:
        stops = [starts[0], *(seeds.first(text) for text in request.via), seeds.first(request.to)]
        _refuse_repeats(stops)
        return Named(stops, stops, [], banned)
    if request.judged is not None:
        return Named(kept_tracks, [*kept_tracks, *starts], dropped_tracks, banned)
    likes = starts
    # Seeds are not in the playlist, but a single seed is its first track.
    is_opening = len(likes) == 1 and request.arc is None
    given = likes if is_opening else []
    if not is_opening:
        banned |= {track.record.id: "seed" for track in likes if track.record.id not in banned}
    return Named(given, likes, [], banned)


def _judged(request: PlaylistRequest, seeds: Seeds) -> tuple[list[QueryTrack], list[QueryTrack]]:
    """The kept and the dropped tracks of a playlist; without --keep, all others are kept."""
    if request.judged is None:
        return [], []
    records = seeds.judged(request.judged)
    for name, places in (("keep", request.keep), ("drop", request.drop)):
        wrong = [place for place in places if not 1 <= place <= len(records)]
        if wrong:
            raise UsageError(
                f"--{name} {wrong[0]}: {printable_path(request.judged)} has the places "
                f"1 to {len(records)}"
            )
    both = set(request.keep) & set(request.drop)
    if both:
        raise UsageError(f"track {min(both)} is both kept and dropped")
    keep = request.keep or [
        place for place in range(1, len(records) + 1) if place not in request.drop
    ]
    kept_records = [record for place in keep if (record := records[place - 1]) is not None]
    dropped_records = [
        record for place in request.drop if (record := records[place - 1]) is not None
    ]
    if not kept_records and not request.seeds:
        raise BadInput(
            f"{printable_path(request.judged)}: no kept track is in the library, so there is no "
            "track to start from. Keep another one, or name a track."
        )
    return seeds.with_vectors(kept_records), seeds.with_vectors(dropped_records)


def _refuse_repeats(stops: list[QueryTrack]) -> None:
    seen: set[int | str] = set()
    for stop in stops:
        key = stop.record.id or stop.record.path
        if key in seen:
            raise UsageError(
                f"{printable_path(stop.record.path)}: it is named twice. A path goes from one "
                "track to another."
            )
        seen.add(key)


def _rules_to_try(request: PlaylistRequest, task: Task) -> Iterator[tuple[Rules, list[str]]]:
    """The requested and default rules; then without the default ones, with a note."""
    n_tracks = task.n_wanted
    if request.minutes is not None:
        n_tracks = max(1, round(request.minutes / 4))  # a song takes about four minutes
    per_artist = request.per_artist or max(1, round(n_tracks / TRACKS_PER_ARTIST_SLOT))
    spacing = DEFAULT_SPACING if request.spacing is None else request.spacing
    rules = Rules(per_artist, request.per_album, spacing, request.allow_versions)
    yield rules, []
    relaxed: list[str] = []
    if request.per_artist is None:
        relaxed.append(f"the default limit of {per_artist} per artist")
        rules = replace(rules, per_artist=None)
        yield rules, [_note_on(relaxed)]
    if request.spacing is None:
        relaxed.append(f"the default spacing of {spacing} tracks")
        yield replace(rules, spacing=0), [_note_on(relaxed)]


def _is_limited(attempt: Attempt, rules: Rules) -> bool:
    """Whether the limit per artist or the spacing kept any track out."""
    reasons = set(attempt.order.dropped.values())
    is_limited = rules.per_artist is not None and "per-artist" in reasons
    return is_limited or (rules.spacing > 0 and "spacing" in reasons)


def _note_on(relaxed: list[str]) -> str:
    verb = "was" if len(relaxed) == 1 else "were"
    return f"There are too few tracks, so {' and '.join(relaxed)} {verb} ignored."


def _of_requested_length(task: Task) -> Attempt:
    """An attempt with the requested number of tracks or minutes."""
    minutes = task.request.minutes
    if minutes is None:
        return solve_task(task)
    target_seconds = 60 * minutes
    n_places = max(round(minutes / 4), len(task.given), 1)
    best: Attempt | None = None
    tried: Counter[int] = Counter()
    for _ in range(MINUTES_TRIES):
        # A path may need the same number of places again; then the variant changes the tracks.
        variant = replace(task, n_wanted=n_places, variant=tried[n_places])
        tried[n_places] += 1
        attempt = solve_task(variant).cut_to(target_seconds)
        if best is None or abs(attempt.seconds - target_seconds) < abs(
            best.seconds - target_seconds
        ):
            best = attempt
        missing = target_seconds - attempt.seconds
        mean_seconds = attempt.mean_seconds
        is_at_its_end = attempt.is_short and missing > 0 and attempt.course.guides is None
        if abs(missing) <= mean_seconds / 2 or is_at_its_end:
            break
        n_places += round(missing / mean_seconds)
        n_places = max(n_places, len(task.given), 1)
    if best is None:
        raise UsageError(f"minutes {minutes:g}: no playlist of this length")
    is_short = best.seconds < target_seconds - best.longest_seconds
    return replace(best, is_short=is_short)


def _vectors(tracks: list[QueryTrack], size: int) -> FloatMatrix:
    if not tracks:
        return np.empty((0, size), dtype=np.float32)
    return np.stack([track.vector for track in tracks]).astype(np.float32)
