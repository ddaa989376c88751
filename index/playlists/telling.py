"""The report on a playlist: tracks dropped by each rule, the blocking rule, long steps."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from index.catalogue.records import TrackRecord
from index.playlists.attempt import Attempt
from index.playlists.mix_values import NOT_MEASURED, mix_values
from index.playlists.request import PlaylistRequest
from index.playlists.results import Block, Playlist, PlaylistTrack
from index.playlists.solver.greedy import blocked_at_end
from index.playlists.solver.steps import far_apart
from index.playlists.ways.mixing import MIX_FIELDS
from index.vectors.distances import distances_between, stepwise

MAX_LONG_STEPS_NAMED = 3


def as_playlist(attempt: Attempt, *, seed: int, notes: list[str]) -> Playlist:
    """The playlist of an attempt: tracks, counts of dropped tracks, and notes."""
    task = attempt.task
    dropped = dict(attempt.order.dropped)
    at_end: Mapping[int, str] = {}
    alone: Mapping[str, int] = {}
    if attempt.is_short:
        at_end, alone = blocked_at_end(
            attempt.order, attempt.course, attempt.pool.marks, rules=task.rules
        )
        dropped = {**at_end, **dropped}
    counts: dict[str, int] = dict(Counter(dropped.values()))
    if task.allowed is not None:
        counts["where"] = len(task.library) - len(task.allowed)
    for reason in task.banned.values():
        counts[reason] = counts.get(reason, 0) + 1
    counts |= attempt.left_out
    block = None
    notes = list(notes)
    if attempt.is_short:
        block = _block(alone, Counter(at_end.values()), counts)
        notes.append(_short(attempt, block))
    elif task.request.minutes and attempt.seconds > 60 * task.request.minutes + (
        attempt.longest_seconds
    ):
        notes.append(f"{attempt.seconds / 60:.1f} minutes: the tracks you named take this long.")
    tracks = _tracks(attempt)
    notes += _notes_on_steps(tracks)
    request = task.request
    if request.mix:
        values = mix_values(task.library, [place.track for place in tracks])
        tracks = tuple(
            replace(place, measured=measured)
            for place, measured in zip(tracks, values, strict=True)
        )
        if not any(values):
            notes.append(NOT_MEASURED)
    return Playlist(
        tracks,
        counts,
        seed,
        tuple(notes),
        block,
        value_fields=MIX_FIELDS if request.mix else (request.arc.field,) if request.arc else (),
        score_target=_score_target(request, attempt),
    )


def _score_target(request: PlaylistRequest, attempt: Attempt) -> str:
    """What the scores are measured to, in a word."""
    if not len(attempt.route.targets):
        return ""
    if request.to is not None:
        return "way"
    if request.drift is not None:
        return "walk"
    return "kept" if request.judged is not None else "seed"


def _tracks(attempt: Attempt) -> tuple[PlaylistTrack, ...]:
    rows = list(attempt.order.rows)
    if not rows:
        return ()
    space, vectors = attempt.task.library.space, attempt.pool.vectors[rows]
    steps: list[float | None] = [None, *stepwise(space, vectors).tolist()]
    scores = _scores(attempt)
    long_steps = set(_long_steps(attempt))
    tracks = []
    for position, (row, place) in enumerate(zip(rows, attempt.order.places, strict=True)):
        track = attempt.pool.tracks[row]
        tracks.append(
            PlaylistTrack(
                track=track,
                position=position + 1,
                score=scores[position],
                step=steps[position],
                value=attempt.numbers.get(track.id),
                is_given=place in attempt.course.given,
                is_long_step=position in long_steps,
            )
        )
    return tuple(tracks)


def _scores(attempt: Attempt) -> list[float | None]:
    """How near each track is to the target of its place."""
    targets = attempt.route.targets
    rows, places = list(attempt.order.rows), list(attempt.order.places)
    if not len(targets):
        return [None] * len(rows)
    apart = distances_between(attempt.task.library.space, targets, attempt.pool.vectors[rows])
    if attempt.task.request.arc is None:
        target_rows = attempt.route.rows[places]
        near = apart[target_rows, np.arange(len(rows))]
    else:
        near = apart.min(axis=0)
    scores: list[float | None] = attempt.task.library.scoring.scores(near).tolist()
    return scores


def _block(*by_rule: Mapping[str, int]) -> Block | None:
    """The rule that keeps most tracks out; the first of the counts that has any decides."""
    for counts in by_rule:
        rule = max(counts, key=lambda name: counts[name], default=None)
        if rule is not None and counts[rule]:
            return Block(rule, counts[rule])
    return None


def _short(attempt: Attempt, block: Block | None) -> str:
    task = attempt.task
    minutes = task.request.minutes
    if minutes is None:
        length = f"{len(attempt.order)} of {task.n_wanted} tracks"
    else:
        length = f"{attempt.seconds / 60:.1f} of {minutes:g} minutes"
    if block is None:
        return f"Only {length}: the library has no more."
    tracks = "track" if block.n_removed == 1 else "tracks"
    return f"Only {length}: {block.rule} keeps {block.n_removed} {tracks} out."


def _long_steps(attempt: Attempt) -> list[int]:
    """The positions in a path, from 0, of the tracks that long steps lead to."""
    vectors, space = attempt.pool.vectors, attempt.task.library.space
    if not attempt.route.legs:
        return []
    return [step + 1 for step in attempt.steps.long(far_apart(vectors, space))]


def _notes_on_steps(tracks: Sequence[PlaylistTrack]) -> list[str]:
    """Notes on the long steps of a path, the longest first."""
    median = statistics.median([track.step for track in tracks if track.step is not None] or [0.0])
    jumps = [pair for pair in pairwise(tracks) if pair[1].is_long_step]
    jumps.sort(key=lambda pair: -(pair[1].step or 0.0))
    notes = [
        f"The step from {_name(before.track)} to {_name(after.track)} is long: {after.step:.2f}; "
        f"the median is {median:.2f}. The library has few allowed tracks between the two."
        for before, after in jumps[:MAX_LONG_STEPS_NAMED]
    ]
    rest = sorted(after.position for _, after in jumps[MAX_LONG_STEPS_NAMED:])
    if rest:
        positions = ", ".join(map(str, rest))
        notes.append(f"The steps to {positions} are long as well.")
    return notes


def _name(track: TrackRecord) -> str:
    return f"“{track.title}”" if track.title else track.path.rpartition("/")[2]
