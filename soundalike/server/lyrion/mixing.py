"""Mixes and lists by sound, with the limits of bliss-mixer.

named tracks ─▶ nearest tracks ─▶ limits ─▶ repeats ─▶ shuffled, if wished ─▶ count
                      ▲                        │
                      └── more, while few ─────┘
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date

import numpy as np

from index.catalogue.records import TrackRecord
from index.library import Library
from index.search.request import SearchRequest
from soundalike.server.lyrion.facts import Facts, facts_of
from soundalike.server.lyrion.genres import GenreGroups
from soundalike.server.lyrion.repeats import Repeats
from soundalike.server.lyrion.requests import Limits, ListQuestion, MixQuestion

FEW_WANTED = 20
SHUFFLED_FROM = 5
"""With shuffling, a short mix is drawn from so many times more tracks."""
FEWEST = 2
"""Rather than fewer tracks, an artist, album or title comes again."""
FIRST_BATCH = 200
GROWTH = 5
MOST_LOOKED_AT = 25_000
MayCome = Callable[[TrackRecord], bool]
"""Whether Lyrion knows a track."""
CHRISTMAS = "christmas"
DECEMBER = 12


def mixed(
    library: Library,
    seeds: Sequence[TrackRecord],
    previous: Sequence[TrackRecord],
    question: MixQuestion,
    *,
    may_come: MayCome,
    chance: random.Random,
) -> list[TrackRecord]:
    """Tracks that go on from `seeds`; `previous` is what was queued, the latest first."""
    if not seeds:
        return []
    seed_facts, previous_facts = facts_of(library, seeds), facts_of(library, previous)
    is_allowed = _limits(question, seed_facts, previous_facts)
    repeats = Repeats(question, seed_facts, previous_facts)
    n_wanted = question.n_tracks
    n_drawn = n_wanted * (SHUFFLED_FROM if question.shuffle == 1 and n_wanted < FEW_WANTED else 1)
    chosen: list[TrackRecord] = []
    repeated: list[TrackRecord] = []
    for candidate in _nearest(library, [seed.id for seed in seeds]):
        if repeats.is_known(candidate) or not is_allowed(candidate):
            continue
        if not may_come(candidate.track):
            continue
        if repeats.has(candidate):
            repeated.append(candidate.track)
            continue
        repeats.add(candidate)
        chosen.append(candidate.track)
        if len(chosen) == n_drawn:
            break
    n_missing = min(FEWEST, n_wanted) - len(chosen)
    chosen += repeated[: max(n_missing, 0)]
    if question.shuffle == 1:
        chance.shuffle(chosen)
    return chosen[:n_wanted]


def listed(
    library: Library, seed: TrackRecord, question: ListQuestion, *, may_come: MayCome
) -> list[TrackRecord]:
    """The tracks nearest to one, each title once."""
    (seed_facts,) = facts_of(library, [seed])
    is_allowed = _limits(question, [seed_facts], [])
    titles = {seed_facts.title}
    tracks: list[TrackRecord] = []
    by_artist = question.byartist == 1
    for candidate in _of_artist(library, seed_facts) if by_artist else _nearest(library, [seed.id]):
        if not is_allowed(candidate) or (candidate.title and candidate.title in titles):
            continue
        if not may_come(candidate.track):
            continue
        titles.add(candidate.title)
        tracks.append(candidate.track)
        if len(tracks) == question.n_tracks:
            break
    return tracks


def _nearest(library: Library, ids: Sequence[int]) -> Iterator[Facts]:
    """Tracks by nearness to the mean of some, without copies of these; more as they are needed."""
    known_ids: set[int] = set()
    k = FIRST_BATCH
    while True:
        request = SearchRequest(tuple(map(str, ids)), k=k, with_duplicates=False)
        neighbours = library.search(request).neighbours
        tracks = [near.track for near in neighbours if near.track.id not in known_ids]
        known_ids |= {track.id for track in tracks}
        yield from facts_of(library, tracks)
        if len(neighbours) < k or k >= MOST_LOOKED_AT:
            return
        k *= GROWTH


def _of_artist(library: Library, seed: Facts) -> list[Facts]:
    """The other tracks of an artist, the nearest first."""
    tracks = list(library.all_tracks())
    artists = library.artists.of(tracks)
    ids = [
        track.id
        for track, names in zip(tracks, artists, strict=True)
        if names & seed.artists and track.recording != seed.track.recording
    ]
    if not ids:
        return []
    query = library.vectors([seed.track.id])
    _, nearest_ids = library.nearest(query, len(ids), allowed_ids=np.array(ids, dtype=np.int64))
    return facts_of(library, library.tracks(nearest_ids[0]))


def _limits(
    question: Limits, seeds: Sequence[Facts], previous: Sequence[Facts]
) -> Callable[[Facts], bool]:
    """Whether a track is within the limits of a question."""
    groups = GenreGroups(question.genregroups, needs_all=question.allgenres > 0)
    for facts in (*seeds, *previous):
        groups.accept(facts.genres)
    tempos = [facts.tempo for facts in seeds if facts.tempo]
    margin = question.maxbpmdiff
    has_tempo_limit = margin > 0 and bool(tempos)
    slowest, fastest = min(tempos, default=0) - margin, max(tempos, default=0) + margin
    is_december = date.today().month == DECEMBER
    without_christmas = question.filterxmas == 1 and not is_december

    def is_allowed(facts: Facts) -> bool:
        seconds = facts.track.duration_seconds or 0
        if (question.min and seconds < question.min) or (question.max and seconds > question.max):
            return False
        if has_tempo_limit and facts.tempo and not slowest <= facts.tempo <= fastest:
            return False
        if without_christmas and CHRISTMAS in facts.genres:
            return False
        return question.filtergenre != 1 or groups.allow(facts.genres)

    return is_allowed
