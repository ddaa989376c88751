"""Playlists that start from the listener's events: `rediscover` and `daily-mix`.

rediscover   tracks that you liked, or played at least twice, without an event for a year
daily-mix    near to three tracks that you like, another three each day; without tracks that you
             dislike or that you played in the last week
"""

import time
from dataclasses import replace
from datetime import date

import numpy as np

from embedder.errors import BadInput
from index.library_folder.open_library import OpenLibrary
from index.playlists.request import PlaylistRequest
from index.taste.judging import judged_tracks
from index.vectors.store import IdArray

DAY = 86_400
QUIET_SECONDS = 365 * DAY
RECENT_SECONDS = 7 * DAY
N_SEEDS = 3
MIX_TASTE = 0.5
TWO_PLAYS = 0.79
"""The evidence of two plays, just below `0.5 * log2(3)`."""


def of_kind(library: OpenLibrary, request: PlaylistRequest) -> tuple[PlaylistRequest, IdArray]:
    """The request with what its kind adds, and the tracks that the kind allows, ascending."""
    now = time.time()
    judged = judged_tracks(library.catalogue.events.all())
    ids = library.catalogue.searchable_ids()
    liked = [t for t in judged if t.value > 0 and t.amount >= TWO_PLAYS]
    if request.kind == "rediscover":
        quiet = [track.track_id for track in liked if track.last < now - QUIET_SECONDS]
        allowed = ids[np.isin(ids, quiet)]
        if not len(allowed):
            raise BadInput(
                "--kind rediscover: no track that you liked or played twice has been without an "
                "event for a year; see 'soundalike taste show'."
            )
        return request, allowed
    seed = date.today().toordinal() if request.seed is None else request.seed
    played = library.catalogue.events.last_times("play")
    left_out = {track.track_id for track in judged if track.value < 0}
    left_out |= {track_id for track_id, last in played.items() if last > now - RECENT_SECONDS}
    choices = np.intersect1d(ids, [track.track_id for track in liked])
    if not len(choices):
        raise BadInput(
            "--kind daily-mix: you have not liked a track yet, or played one twice; see "
            "'soundalike taste show'."
        )
    generator = np.random.default_rng(seed)
    seeds = generator.choice(choices, size=min(N_SEEDS, len(choices)), replace=False)
    names = tuple(str(track_id) for track_id in sorted(seeds.tolist()))
    mix = replace(
        request,
        seeds=(*request.seeds, *names),
        seed=seed,
        taste=request.taste or MIX_TASTE,
    )
    return mix, ids[~np.isin(ids, list(left_out))]
