"""Playlists of a library: each kind keeps its promise, repeats with its seed, and has notes."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from index.library import Library
from index.playlists.request import Arc
from tests.index.playlists.asking import END, MIDDLE, START, N, ids, playlist_of, tracks
from tests.index.playlists.playlist_library import Song, line_of_styles, progress, write_library


def test_a_seed_opens_a_playlist_of_what_is_like_it(library: Library) -> None:
    """The others are nearer to the seed than most of the library, and no track comes twice."""
    playlist = playlist_of(library, START, length=15)
    assert ids(playlist)[0] == int(START)
    assert len(set(ids(playlist))) == 15
    vectors = library.vectors(list(range(1, N + 1)))
    similarity = vectors @ vectors[int(START) - 1]
    usual = np.sort(similarity)[-N // 4]
    assert all(similarity[track_id - 1] > usual for track_id in ids(playlist))


def test_no_artist_floods_a_playlist(library: Library) -> None:
    """By default, no artist has more than every eighth place, or two in a row."""
    playlist = playlist_of(library, START, length=24)
    artists = [track.artist for track in tracks(playlist)]
    assert max(map(artists.count, artists)) <= 3
    assert all(artist != next_artist for artist, next_artist in pairwise(artists))


def test_a_seed_repeats_and_none_varies(library: Library) -> None:
    """The seed that a playlist reports makes it again; without one, playlists differ."""
    first = playlist_of(library, START, seed=None)
    assert ids(playlist_of(library, START, seed=first.seed)) == ids(first)
    assert len({tuple(ids(playlist_of(library, START, seed=None))) for _ in range(4)}) > 1


def test_drift_wanders_at_its_pace(library: Library) -> None:
    """A fast drift ends farther from its start than a slow one, on average over seeds."""

    def farthest(pace: float) -> float:
        ends = [
            ids(playlist_of(library, MIDDLE, drift=pace, length=12, seed=seed))[-4:]
            for seed in range(8)
        ]
        start = library.vectors([int(MIDDLE)])
        return float(np.mean([1 - library.vectors(end) @ start[0] for end in ends]))

    assert farthest(0.0) < farthest(0.05) < farthest(0.3)


@pytest.mark.parametrize("shape", ["rise", "fall", "peak", "valley"])
def test_an_arc_goes_its_way(library: Library, shape: str) -> None:
    """The values of the tag follow the shape, and span most of the range."""
    playlist = playlist_of(library, where="genre=rock", arc=Arc.parse(f"bpm:{shape}"), length=11)
    values = np.array([place.value for place in playlist.tracks], dtype=float)
    assert len(values) == 11
    halves = {
        "rise": (1, 1), "fall": (-1, -1), "peak": (1, -1), "valley": (-1, 1),
    }[shape]  # fmt: skip
    steps = np.diff(values)
    assert (steps[:5] * halves[0] >= 0).all()
    assert (steps[6:] * halves[1] >= 0).all()
    assert np.ptp(values) > 30


def test_a_filter_alone_makes_a_playlist(library: Library) -> None:
    """Only matching tracks come, and the number of others is reported."""
    playlist = playlist_of(library, where="genre=rock", length=10)
    assert {track.genre for track in tracks(playlist)} == {"rock"}
    n_rock = len(library.catalogue.ids_matching("genre = 'rock'"))
    assert playlist.dropped["where"] == N - n_rock


@pytest.mark.parametrize("minutes", [1, 10, 45, 120])
@pytest.mark.parametrize("kind", [{}, {"to": END}, {"drift": 0.1}])
def test_minutes_are_kept_within_a_track(library: Library, minutes: int, kind: dict) -> None:
    """The list is longer or shorter by no more than one of its tracks."""
    if kind.get("to") and minutes == 1:
        return  # the two ends alone are longer
    playlist = playlist_of(library, START, minutes=minutes, **kind)
    longest = max(track.duration_seconds or 0 for track in tracks(playlist))
    assert abs(playlist.seconds - 60 * minutes) <= longest
    assert playlist.seconds == sum(track.duration_seconds or 0 for track in tracks(playlist))


@pytest.mark.parametrize("kind", [{}, {"to": END}, {"drift": 0.2}, {"arc": Arc("bpm", "rise")}])
def test_limits_hold_in_every_kind(library: Library, kind: dict) -> None:
    """With limits of one, no artist and no album comes twice."""
    playlist = playlist_of(library, START, length=12, per_artist=1, per_album=1, **kind)
    for names in ([t.artist for t in tracks(playlist)], [t.album for t in tracks(playlist)]):
        assert len(set(names)) == len(names)


def test_what_blocks_is_named(library: Library) -> None:
    """Thirty tracks of one artist at two an artist: the rule, and how many it took away."""
    playlist = playlist_of(library, where='artist="Artist 3"', per_artist=2, spacing=0, length=30)
    n_all = len(library.catalogue.ids_matching("artist = 'Artist 3'"))
    assert len(playlist.tracks) == 2
    assert playlist.blocked_by is not None
    assert playlist.blocked_by.to_json() == {"rule": "per-artist", "removed": n_all - 2}
    assert playlist.dropped["per-artist"] == n_all - 2
    assert any(f"per-artist keeps {n_all - 2} tracks out" in note for note in playlist.notes)


def test_rules_that_nobody_asked_for_give_way(library: Library) -> None:
    """A library of one artist still gives a playlist, and a note names the ignored rule."""
    playlist = playlist_of(library, where='artist="Artist 3"', length=10)
    assert len(playlist.tracks) == 10
    assert any("ignored" in note for note in playlist.notes)


def test_excluded_and_recent_tracks_do_not_come(library: Library, tmp_path: Path) -> None:
    """By name, and by a file of paths of another machine; both are counted."""
    first = playlist_of(library, START, length=10)
    recent_paths = [track.path for track in tracks(first)[1:6]]
    recent = tmp_path / "recent.txt"
    recent.write_text("".join(f"D:{path}\r\n".replace("/", "\\") for path in recent_paths))
    again = playlist_of(library, START, length=10, recent=recent, exclude=(str(ids(first)[7]),))
    assert not {*ids(first)[1:6], ids(first)[7]} & {*ids(again)}
    assert again.dropped["recent"] == 5
    assert again.dropped["exclude"] == 1


def test_a_least_score_holds(library: Library) -> None:
    """No track has a lower score; the playlist is short, and the rule is counted."""
    playlist = playlist_of(library, START, min_score=0.9, length=60)
    assert all(place.score is not None and place.score >= 0.9 for place in playlist.tracks)
    assert len(playlist.tracks) < 60
    assert playlist.dropped["min-score"] > 0


def test_versions_come_once_unless_allowed(tmp_path: Path) -> None:
    """The live take and the copy of a song stay out, and are counted."""
    titles = ("Moon", "Moon (Live)", "Moon - 2011 Remaster", "Sun", "Rain")
    songs = [Song(title, artist="Ann") for title in titles]
    songs.append(replace(songs[3], path="/music/copy.flac", digest=(4).to_bytes(16, "big")))
    vectors = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    with write_library(tmp_path / "library", songs, vectors) as library:
        plain = playlist_of(library, "1", per_artist=9, spacing=0, length=6)
        every = playlist_of(library, "1", per_artist=9, spacing=0, length=6, allow_versions=True)
    assert min(ids(plain)) == 1
    assert len(plain.tracks) == 3
    assert (plain.dropped["version"], plain.dropped["duplicate"]) == (2, 1)
    assert len(every.tracks) == 5


@pytest.mark.parametrize("geometry", ["euclidean", "poincare"])
def test_every_geometry_makes_playlists(tmp_path: Path, geometry: str) -> None:
    """Playlists and paths work in every geometry."""
    songs, vectors = line_of_styles(120)
    with write_library(tmp_path / "library", songs, 0.5 * vectors, geometry=geometry) as library:
        assert len(playlist_of(library, "10", length=8).tracks) == 8
        assert len(playlist_of(library, "10", drift=0.2, length=8).tracks) == 8
        path = playlist_of(library, "10", to="110", length=8)
        assert ids(path)[-1] == 110
        assert np.diff(progress(library, ids(path))).min() > -0.1


def test_a_playlist_needs_no_torch(library: Library) -> None:
    """Tracks of the library have their vectors: no model is loaded."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom index.library import Library\n"
        "from index.playlists.request import PlaylistRequest\n"
        f"library = Library.open(Path({str(library.folder)!r}))\n"
        "library.playlist(PlaylistRequest(('1',), to='90'))\n"
        "print({'torch', 'pandas', 'umap'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
