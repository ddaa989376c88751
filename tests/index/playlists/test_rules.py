"""The rules of playlists, each compared with a simple checker."""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.errors import UsageError
from index.catalogue.records import TrackRecord
from index.playlists.solver.best import best_order
from index.playlists.solver.candidates import Pool
from index.playlists.solver.greedy import blocked_at_end, solve
from index.playlists.solver.problem import Course, Guides
from index.playlists.solver.rules import Marks, Rules
from index.playlists.solver.versions import main_artist, song_of
from index.vectors.distances import Space

TITLES = ("Moon", "Moon (Live)", "Moon - 2011 Remaster", "Sun", "Sun [Radio Edit]", "Rain", "")
TRACKS = st.builds(
    TrackRecord,
    id=st.just(1),
    path=st.sampled_from(["/a/1", "/a/2", "/a/3", "/b/1", "/b/2", "/b/3"]),
    title=st.sampled_from(TITLES),
    artist=st.sampled_from(["Ann", "Bob", "Cy", "Ann & Bob", ""]),
    album=st.sampled_from(["One", "Two", ""]),
    audio_digest=st.sampled_from(["", "11", "22", "33", "44", "55", "66"]),
)
LIMITS = st.one_of(st.none(), st.integers(1, 3))
RULES = st.builds(
    Rules,
    per_artist=LIMITS,
    per_album=LIMITS,
    spacing=st.integers(0, 3),
    allow_versions=st.booleans(),
)
PLAIN = {"Moon (Live)": "Moon", "Moon - 2011 Remaster": "Moon", "Sun [Radio Edit]": "Sun"}


def holds(order: Sequence[TrackRecord], rules: Rules) -> bool:
    """Whether an order keeps all rules, by looking at every pair and every group."""
    artists = Counter(artist for track in order for artist in artists_of([track])[0])
    albums = Counter(track.album for track in order if track.album)
    if rules.per_artist is not None and max(artists.values(), default=0) > rules.per_artist:
        return False
    if rules.per_album is not None and max(albums.values(), default=0) > rules.per_album:
        return False
    for (i, first), (j, second) in itertools.combinations(enumerate(order), 2):
        if (first.audio_digest or first.path) == (second.audio_digest or second.path):
            return False
        if not rules.allow_versions and is_version(first, second):
            return False
        if j - i <= rules.spacing and is_same_source(first, second):
            return False
    return True


def is_version(first: TrackRecord, second: TrackRecord) -> bool:
    titles = [PLAIN.get(track.title, track.title) for track in (first, second)]
    return first.artist == second.artist != "" and titles[0] == titles[1] != ""


def is_same_source(first: TrackRecord, second: TrackRecord) -> bool:
    first_artists, second_artists = artists_of([first, second])
    return bool(first_artists & second_artists) or first.album == second.album != ""


def artists_of(tracks: Sequence[TrackRecord]) -> list[frozenset[str]]:
    return [frozenset(filter(None, track.artist.split(" & "))) for track in tracks]


def pool_of(tracks: list[TrackRecord], seed: int) -> Pool:
    rng = np.random.default_rng(seed)
    vectors = Space().to_unit(rng.standard_normal((len(tracks), 3)))
    return Pool(tracks, vectors, Marks(tracks, artists_of), is_whole=True)  # type: ignore[arg-type]  # a list


def course_over(pool: Pool, n_places: int, **given_fields: object) -> Course:
    costs = np.random.default_rng(len(pool)).random((1, len(pool)), dtype=np.float32)
    rows = np.zeros(n_places, dtype=np.int64)
    return Course(costs, rows, pool.vectors, Space(), smoothness=0.3, **given_fields)  # type: ignore[arg-type]  # the fields under test


@settings(max_examples=300, deadline=None)
@given(tracks=st.lists(TRACKS, min_size=1, max_size=14), rules=RULES, n=st.integers(1, 14))
def test_an_order_holds_to_every_rule(tracks: list[TrackRecord], rules: Rules, n: int) -> None:
    """Whatever the tracks and rules are: no rule is broken, and nothing comes twice."""
    pool = pool_of(tracks, 0)
    order = solve(course_over(pool, n), pool.marks, rules)
    assert len(set(order.rows)) == len(order) <= n
    assert holds([tracks[row] for row in order.rows], rules)
    assert not set(order.dropped) & set(order.rows)


@settings(max_examples=150, deadline=None)
@given(tracks=st.lists(TRACKS, min_size=1, max_size=6), rules=RULES, n=st.integers(1, 6))
def test_an_order_is_as_long_as_rules_allow(
    tracks: list[TrackRecord], rules: Rules, n: int
) -> None:
    """Of few tracks, an order is short only if every other order is."""
    pool = pool_of(tracks, 0)
    _, order = best_order([course_over(pool, n)], pool, rules, legs=())
    assert holds([tracks[row] for row in order.rows], rules)
    longer = itertools.permutations(tracks, len(order) + 1)
    assert len(order) == n or not any(holds(other, rules) for other in longer)


@settings(max_examples=150, deadline=None)
@given(
    tracks=st.lists(TRACKS, min_size=3, max_size=12),
    rules=RULES,
    n=st.integers(3, 10),
    place=st.integers(1, 9),
)
def test_given_tracks_stand_where_they_were_put(
    tracks: list[TrackRecord], rules: Rules, n: int, place: int
) -> None:
    """The first and a later track are given; what is chosen keeps the rules beside them."""
    pool = pool_of(tracks, 0)
    course = course_over(pool, n, given={0: 0, min(place, n - 1): 1})
    _, order = best_order([course], pool, rules, legs=())
    assert order.rows[0] == 0
    assert 1 in order.rows
    for at, row in enumerate(order.rows):
        if row in (0, 1):
            continue
        for before, other in enumerate(order.rows):
            if before != at:
                pair = [tracks[row], tracks[other]]
                spacing = rules.spacing if abs(at - before) <= rules.spacing else 0
                assert holds(pair, Rules(None, None, min(spacing, 1), rules.allow_versions))


@settings(max_examples=150, deadline=None)
@given(
    tracks=st.lists(TRACKS, min_size=1, max_size=14),
    rules=RULES,
    n=st.integers(1, 10),
    seed=st.integers(0, 5),
)
def test_guides_never_go_back(tracks: list[TrackRecord], rules: Rules, n: int, seed: int) -> None:
    """A number that may only rise, and then only fall, does so; rules hold as well."""
    pool = pool_of(tracks, seed)
    values = np.random.default_rng(seed).random((1, len(tracks)), dtype=np.float32)
    directions = np.where(np.arange(n) <= n // 2, 1, -1).astype(np.int8)[:, None]
    _, order = best_order(
        [course_over(pool, n, guides=Guides(values, directions))], pool, rules, legs=()
    )
    assert holds([tracks[row] for row in order.rows], rules)
    played_values = values[0][list(order.rows)]
    for at, step in enumerate(np.diff(played_values)):
        assert step * directions[order.places[at + 1], 0] >= -1e-6


@settings(max_examples=150, deadline=None)
@given(tracks=st.lists(TRACKS, min_size=1, max_size=12), rules=RULES)
def test_every_track_came_or_has_a_reason(tracks: list[TrackRecord], rules: Rules) -> None:
    """When an order ends early, each other track breaks just the rules that are named."""
    pool = pool_of(tracks, 0)
    course = course_over(pool, len(tracks) + 1)
    order = solve(course, pool.marks, rules)
    reasons, alone = blocked_at_end(order, course, pool.marks, rules=rules)
    assert set(reasons) | set(order.rows) == set(range(len(tracks)))
    played = [tracks[row] for row in order.rows]
    for row in reasons:
        assert not holds([*played, tracks[row]], rules)
    free = {
        "per-artist": Rules(None, rules.per_album, rules.spacing, rules.allow_versions),
        "per-album": Rules(rules.per_artist, None, rules.spacing, rules.allow_versions),
        "spacing": Rules(rules.per_artist, rules.per_album, 0, rules.allow_versions),
        "version": Rules(rules.per_artist, rules.per_album, rules.spacing, True),
    }
    for reason, other_rules in free.items():
        freed = [row for row in reasons if holds_after(played, tracks[row], other_rules, rules)]
        assert alone[reason] == len(freed)


def holds_after(played: list[TrackRecord], track: TrackRecord, rules: Rules, strict: Rules) -> bool:
    """Whether a track could follow under rules, and not under the strict ones."""
    return holds([*played, track], rules) and not holds([*played, track], strict)


@pytest.mark.parametrize(
    "title",
    [
        "Moon (Live at the Hall)", "Moon - Remastered 2011", "Moon - 2011 Remaster",
        "Moon [Radio Edit]", "Moon (feat. Bob)", "Moon (feat. Bob) [Cy Remix]", "MOON",
        "Moon (12\" Mix)", "Moon – Acoustic Version", "Moon remastered 2009", "Moon (Demo)",
        "Moon (Mono)", "Möon", "Moon feat. Bob", "Moon (Single Version) (Live)",
    ],
)  # fmt: skip
def test_a_version_is_the_same_song(title: str) -> None:
    """Live takes, remasters, remixes, edits and guests make no other song."""
    assert song_of(title) == song_of("Moon")


@pytest.mark.parametrize(
    "title",
    ["Moon (Part 2)", "Moon, Pt. 2", "Moon (Reprise)", "Moon Live Wire", "Half Moon", "Moons"],
)
def test_another_song_stays_another(title: str) -> None:
    """What only looks like a version keeps its own name."""
    assert song_of(title) != song_of("Moon")


@pytest.mark.parametrize("title", ["Live", "(Live)", "Remix", "???", "Trail Mix", "日本", "1999"])
def test_a_title_of_nothing_but_version_words_is_a_song(title: str) -> None:
    """Nothing is stripped to nothing."""
    assert song_of(title)


def test_guests_make_no_other_artist() -> None:
    """An artist's limit holds for what they do with guests."""
    assert main_artist("Ann feat. Bob") == main_artist("ANN (ft. Cy)") == main_artist("Ann")
    assert main_artist("AC/DC") != main_artist("AC")


@pytest.mark.parametrize("wrong", [{"per_artist": 0}, {"per_album": 0}, {"spacing": -1}])
def test_impossible_rules_are_refused(wrong: dict[str, int]) -> None:
    """The message names the rule."""
    with pytest.raises(UsageError, match=next(iter(wrong)).replace("_", "-")):
        Rules(**wrong)  # type: ignore[arg-type]  # numbers all
