"""Playlists of a library: each kind goes where it says, repeats by its seed, and tells all."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import BadInput, NotFound, UnknownChoice, UsageError
from index.catalogue.records import TrackRecord
from index.library import Library
from index.playlists.request import Arc, PlaylistRequest
from index.playlists.results import Playlist
from index.playlists.seeds import Seeds
from tests.index.playlists.playlist_library import Song, line_of_styles, progress, write_library
from tests.index.vector_library import library_of, unit_vectors

N = 600
START, MIDDLE, END = "60", "300", "540"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Six hundred tracks along a bow from one style to another; ids go along it."""
    songs, vectors = line_of_styles(N)
    with write_library(tmp_path_factory.mktemp("bow") / "library", songs, vectors) as library:
        yield library


def made(library: Library, *seeds: str, **asked: object) -> Playlist:
    return library.playlist(PlaylistRequest(seeds, **({"seed": 1} | asked)))  # type: ignore[arg-type]  # the options under test


def ids(playlist: Playlist) -> list[int]:
    return [one.track.id for one in playlist.tracks]


def tracks(playlist: Playlist) -> list[TrackRecord]:
    return [one.track for one in playlist.tracks]


def test_a_seed_opens_a_playlist_of_what_is_like_it(library: Library) -> None:
    """The rest is nearer to it than most of the library, and nothing comes twice."""
    playlist = made(library, START, length=15)
    assert ids(playlist)[0] == int(START)
    assert len(set(ids(playlist))) == 15
    vectors = library.vectors(list(range(1, N + 1)))
    similarity = vectors @ vectors[int(START) - 1]
    usual = np.sort(similarity)[-N // 4]
    assert all(similarity[track_id - 1] > usual for track_id in ids(playlist))


def test_no_artist_floods_a_playlist(library: Library) -> None:
    """Without a word on artists, none has more than every eighth place, nor two in a row."""
    playlist = made(library, START, length=24)
    artists = [track.artist for track in tracks(playlist)]
    assert max(map(artists.count, artists)) <= 3
    assert all(one != other for one, other in pairwise(artists))


def test_a_seed_repeats_and_none_varies(library: Library) -> None:
    """The seed that a playlist reports makes it again; without one, playlists differ."""
    first = made(library, START, seed=None)
    assert ids(made(library, START, seed=first.seed)) == ids(first)
    assert len({tuple(ids(made(library, START, seed=None))) for _ in range(4)}) > 1


def test_drift_wanders_at_its_pace(library: Library) -> None:
    """A fast walk ends farther from its start than a slow one, on average over seeds."""

    def farthest(pace: float) -> float:
        ends = [
            ids(made(library, MIDDLE, drift=pace, length=12, seed=seed))[-4:] for seed in range(8)
        ]
        start = library.vectors([int(MIDDLE)])
        return float(np.mean([1 - library.vectors(end) @ start[0] for end in ends]))

    assert farthest(0.0) < farthest(0.05) < farthest(0.3)


@pytest.mark.parametrize("shape", ["rise", "fall", "peak", "valley"])
def test_an_arc_goes_its_way(library: Library, shape: str) -> None:
    """The numbers of a tag never step against the shape, and span most of what there is."""
    playlist = made(library, where="genre=rock", arc=Arc.parse(f"bpm:{shape}"), length=11)
    values = np.array([one.value for one in playlist.tracks], dtype=float)
    assert len(values) == 11
    halves = {
        "rise": (1, 1), "fall": (-1, -1), "peak": (1, -1), "valley": (-1, 1),
    }[shape]  # fmt: skip
    steps = np.diff(values)
    assert (steps[:5] * halves[0] >= 0).all()
    assert (steps[6:] * halves[1] >= 0).all()
    assert np.ptp(values) > 30


def test_a_filter_alone_makes_a_playlist(library: Library) -> None:
    """Only what fits comes, and what the filter kept out is counted."""
    playlist = made(library, where="genre=rock", length=10)
    assert {track.genre for track in tracks(playlist)} == {"rock"}
    n_rock = len(library.catalogue.ids_matching("genre = 'rock'"))
    assert playlist.dropped["where"] == N - n_rock


@pytest.mark.parametrize("minutes", [1, 10, 45, 120])
@pytest.mark.parametrize("kind", [{}, {"to": END}, {"drift": 0.1}])
def test_minutes_are_kept_within_a_track(library: Library, minutes: int, kind: dict) -> None:
    """The list is longer or shorter by no more than one of its tracks."""
    if kind.get("to") and minutes == 1:
        return  # the two ends alone are longer
    playlist = made(library, START, minutes=minutes, **kind)
    longest = max(track.duration_seconds or 0 for track in tracks(playlist))
    assert abs(playlist.seconds - 60 * minutes) <= longest
    assert playlist.seconds == sum(track.duration_seconds or 0 for track in tracks(playlist))


@pytest.mark.parametrize("kind", [{}, {"to": END}, {"drift": 0.2}, {"arc": Arc("bpm", "rise")}])
def test_limits_hold_in_every_kind(library: Library, kind: dict) -> None:
    """One track an artist, one an album."""
    playlist = made(library, START, length=12, per_artist=1, per_album=1, **kind)
    for names in ([t.artist for t in tracks(playlist)], [t.album for t in tracks(playlist)]):
        assert len(set(names)) == len(names)


def test_what_blocks_is_named(library: Library) -> None:
    """Thirty tracks of one artist at two an artist: the rule, and how many it took away."""
    playlist = made(library, where='artist="Artist 3"', per_artist=2, spacing=0, length=30)
    n_all = len(library.catalogue.ids_matching("artist = 'Artist 3'"))
    assert len(playlist.tracks) == 2
    assert playlist.blocked_by is not None
    assert playlist.blocked_by.to_json() == {"rule": "per-artist", "removed": n_all - 2}
    assert playlist.dropped["per-artist"] == n_all - 2
    assert any(f"per-artist keeps {n_all - 2} tracks out" in note for note in playlist.notes)


def test_rules_that_nobody_asked_for_give_way(library: Library) -> None:
    """A library of one artist still makes a playlist, which says what it gave up."""
    playlist = made(library, where='artist="Artist 3"', length=10)
    assert len(playlist.tracks) == 10
    assert any("ignored" in note for note in playlist.notes)


def test_excluded_and_recent_tracks_do_not_come(library: Library, tmp_path: Path) -> None:
    """By name, and by a file of paths of another machine; both are counted."""
    first = made(library, START, length=10)
    heard = [track.path for track in tracks(first)[1:6]]
    recent = tmp_path / "recent.txt"
    recent.write_text("".join(f"D:{path}\r\n".replace("/", "\\") for path in heard))
    again = made(library, START, length=10, recent=recent, exclude=(str(ids(first)[7]),))
    assert not {*ids(first)[1:6], ids(first)[7]} & {*ids(again)}
    assert again.dropped["recent"] == 5
    assert again.dropped["exclude"] == 1


def test_a_least_score_holds(library: Library) -> None:
    """Nothing below it comes, and the playlist is short and says why."""
    playlist = made(library, START, min_score=0.995, length=60)
    assert all(one.score is not None and one.score >= 0.995 for one in playlist.tracks)
    assert len(playlist.tracks) < 60
    assert playlist.dropped["min-score"] > 0


def test_many_seeds_are_all_heard_from(library: Library) -> None:
    """Seeds at both ends: each gets its share, and the seeds themselves do not come."""
    playlist = made(library, START, END, length=12)
    n_near_start = sum(track_id < N // 2 for track_id in ids(playlist))
    assert n_near_start == 6
    assert not {int(START), int(END)} & {*ids(playlist)}


def test_a_playlist_and_a_folder_are_seeds(library: Library, tmp_path: Path) -> None:
    """A file of paths stands for its tracks; paths without a track are reported."""
    paths = [track.path for track in library.tracks([50, 55, 60])]
    mixed = tmp_path / "mixed.m3u8"
    mixed.write_text("\n".join([*paths, "/nowhere/a.mp3"]))
    playlist = made(library, str(mixed), length=8)
    assert not {50, 55, 60} & {*ids(playlist)}
    assert any("1 of 4 tracks are not in the library" in note for note in playlist.notes)
    mixed.write_text("/nowhere/a.mp3")
    with pytest.raises(NotFound, match="none of its tracks"):
        made(library, str(mixed))
    with pytest.raises(UsageError, match="no track of the library is in this folder"):
        made(library, str(tmp_path))


def test_seeds_are_found_through_links(tmp_path: Path) -> None:
    """A folder and a playlist's entry that lead through a link name the tracks behind it."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    songs = [Song(name, path=str(real / f"{name}.flac")) for name in "abc"]
    listed = tmp_path / "list.m3u8"
    listed.write_text("link/../link/b.flac")
    with write_library(tmp_path / "library", songs, np.eye(3, dtype=np.float32)) as library:
        seeds = Seeds(library)
        assert [track.record.id for track in seeds.named([str(link)])] == [1, 2, 3]
        assert [track.record.id for track in seeds.named([str(listed)])] == [2]


def test_a_folder_of_everything_is_played_itself(library: Library) -> None:
    """If the seeds are all tracks, the list is made of them, and a note says so."""
    everything = tuple(str(track_id) for track_id in range(1, N + 1))
    playlist = made(library, *everything, length=10)
    assert len(playlist.tracks) == 10
    assert any("includes the tracks you named" in note for note in playlist.notes)


def test_judged_tracks_pull_and_push(library: Library, tmp_path: Path) -> None:
    """Kept tracks attract the next list; dropped ones are left out and push similar tracks away."""
    judged = tmp_path / "judged.m3u8"
    both = library.tracks([100, 500])
    judged.write_text("\n".join(track.path for track in both))
    for keep, drop, stays, goes in (((1,), (2,), 100, 500), ((2,), (1,), 500, 100)):
        playlist = made(library, judged=judged, keep=keep, drop=drop, length=10)
        assert ids(playlist)[0] == stays
        assert goes not in ids(playlist)
        assert all(abs(number - stays) < abs(number - goes) for number in ids(playlist))
    with pytest.raises(UsageError, match="places 1 to 2"):
        made(library, judged=judged, keep=(3,))
    with pytest.raises(UsageError, match="both kept and dropped"):
        made(library, judged=judged, keep=(1,), drop=(1,))


def test_versions_come_once_unless_allowed(tmp_path: Path) -> None:
    """The live take and the copy of a song stay out, and are counted."""
    titles = ("Moon", "Moon (Live)", "Moon - 2011 Remaster", "Sun", "Rain")
    songs = [Song(title, artist="Ann") for title in titles]
    songs.append(replace(songs[3], path="/music/copy.flac", digest=(4).to_bytes(16, "big")))
    vectors = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    with write_library(tmp_path / "library", songs, vectors) as library:
        plain = made(library, "1", per_artist=9, spacing=0, length=6)
        every = made(library, "1", per_artist=9, spacing=0, length=6, allow_versions=True)
    assert min(ids(plain)) == 1
    assert len(plain.tracks) == 3
    assert (plain.dropped["version"], plain.dropped["duplicate"]) == (2, 1)
    assert len(every.tracks) == 5


@pytest.mark.parametrize("geometry", ["euclidean", "poincare"])
def test_every_geometry_makes_playlists(tmp_path: Path, geometry: str) -> None:
    """Paths and others need distances alone."""
    songs, vectors = line_of_styles(120)
    with write_library(tmp_path / "library", songs, 0.5 * vectors, geometry=geometry) as library:
        assert len(made(library, "10", length=8).tracks) == 8
        assert len(made(library, "10", drift=0.2, length=8).tracks) == 8
        path = made(library, "10", to="110", length=8)
        assert ids(path)[-1] == 110
        assert np.diff(progress(library, ids(path))).min() > -0.1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "nothing to start from"),
        ({"seeds": ("1",), "length": 3, "minutes": 3.0}, "not both"),
        ({"seeds": ("1",), "via": ("2",)}, "--to"),
        ({"seeds": ("1", "2"), "to": "3"}, "from one track"),
        ({"seeds": ("1",), "to": "3", "drift": 0.1}, "not both"),
        ({"seeds": ("1",), "drift": 2.0}, "drift 2"),
        ({"seeds": ("1",), "keep": (1,)}, "--from"),
        ({"seeds": ("1",), "to": "2", "via": ("3",), "length": 2}, "3 tracks already"),
        ({"where": "genre=rock", "minutes": 0.0}, "minutes 0"),
    ],
)
def test_wrong_combinations_are_refused(asked: dict, message: str) -> None:
    """Before anything is looked up, with what to give instead."""
    with pytest.raises(UsageError, match=message):
        PlaylistRequest(**asked)


def test_wrong_names_are_refused(library: Library) -> None:
    """Unknown tracks, fields and shapes; a way from a track to itself; a filter that fits none."""
    with pytest.raises(NotFound, match="999999"):
        made(library, "999999")
    with pytest.raises(UnknownChoice, match="bpm"):
        made(library, START, arc=Arc("bpmm", "rise"))
    with pytest.raises(UnknownChoice, match="valley"):
        Arc.parse("bpm:up")
    with pytest.raises(UsageError, match="named twice"):
        made(library, START, to=START)
    with pytest.raises(BadInput, match=r"^--where 'genre=polka': no track matches$"):
        made(library, where="genre=polka")


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


def test_an_empty_library_has_no_playlist(tmp_path: Path) -> None:
    """The message says that the library is empty and what fills it."""
    library = library_of(tmp_path / "library", unit_vectors(2))
    library.remove(library.store.ids().tolist())
    with pytest.raises(NotFound, match=r"the library is empty.*soundalike index"):
        library.playlist(PlaylistRequest(("1",)))
