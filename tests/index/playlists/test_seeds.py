"""What a playlist starts from: tracks, folders, playlists, and lists that were judged."""

from pathlib import Path

import numpy as np
import pytest

from embedder.errors import NotFound, UsageError
from index.library import Library
from index.playlists.seeds import Seeds
from tests.index.playlists.asking import END, START, N, ids, playlist_of
from tests.index.playlists.playlist_library import Song, write_library


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


def test_a_playlist_and_a_folder_are_seeds(library: Library, tmp_path: Path) -> None:
    """A file of paths stands for its tracks; paths without a track are reported."""
    paths = [track.path for track in library.tracks([50, 55, 60])]
    mixed = tmp_path / "mixed.m3u8"
    mixed.write_text("\n".join([*paths, "/nowhere/a.mp3"]))
    playlist = playlist_of(library, str(mixed), length=8)
    assert not {50, 55, 60} & {*ids(playlist)}
    assert any("1 of 4 tracks are not in the library" in note for note in playlist.notes)
    mixed.write_text("/nowhere/a.mp3")
    with pytest.raises(NotFound, match="none of its tracks"):
        playlist_of(library, str(mixed))
    with pytest.raises(UsageError, match="no track of the library is in this folder"):
        playlist_of(library, str(tmp_path))


def test_a_folder_of_everything_is_played_itself(library: Library) -> None:
    """If the seeds are all tracks, the list is made of them, and a note says so."""
    everything = tuple(str(track_id) for track_id in range(1, N + 1))
    playlist = playlist_of(library, *everything, length=10)
    assert len(playlist.tracks) == 10
    assert any("includes the tracks you named" in note for note in playlist.notes)


def test_many_seeds_are_all_heard_from(library: Library) -> None:
    """Seeds at both ends: each gets its share, and the seeds themselves do not come."""
    playlist = playlist_of(library, START, END, length=12)
    n_near_start = sum(track_id < N // 2 for track_id in ids(playlist))
    assert n_near_start == 6
    assert not {int(START), int(END)} & {*ids(playlist)}


def test_judged_tracks_pull_and_push(library: Library, tmp_path: Path) -> None:
    """Kept tracks attract the next list; dropped ones are left out and push similar tracks away."""
    judged = tmp_path / "judged.m3u8"
    both = library.tracks([100, 500])
    judged.write_text("\n".join(track.path for track in both))
    for keep, drop, stays, goes in (((1,), (2,), 100, 500), ((2,), (1,), 500, 100)):
        playlist = playlist_of(library, judged=judged, keep=keep, drop=drop, length=10)
        assert ids(playlist)[0] == stays
        assert goes not in ids(playlist)
        assert all(abs(number - stays) < abs(number - goes) for number in ids(playlist))
    with pytest.raises(UsageError, match="places 1 to 2"):
        playlist_of(library, judged=judged, keep=(3,))
    with pytest.raises(UsageError, match="both kept and dropped"):
        playlist_of(library, judged=judged, keep=(1,), drop=(1,))
