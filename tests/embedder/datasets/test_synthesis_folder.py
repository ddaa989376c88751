"""Folders of synthesised songs: tagged, written whole, and never in place of other files."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest

from embedder.audio.decoding import probe, read_whole
from embedder.datasets.synthesis.folder import FORMATS, SongFile, write_music_folder
from embedder.datasets.synthesis.manifest import FINISHED, UNFINISHED
from embedder.datasets.synthesis.songs import synthesise_song
from embedder.datasets.synthesis.summary import summarise
from embedder.errors import CorruptArtefact, OutputExists, UnknownChoice, UsageError

SMALL: dict[str, Any] = {
    "styles": ("piano", "chiptune"),
    "artists_per_style": 1,
    "seconds": 2.0,
    "sample_rate": 16000,
}


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[SongFile]:
    """A folder with all five formats."""
    return write_music_folder(
        tmp_path_factory.mktemp("music"), **(SMALL | {"artists_per_style": 2})
    )


def test_the_folder_has_artists_and_albums(songs: list[SongFile]) -> None:
    """The path has artist, album and numbered title, and all five formats occur."""
    for song in songs:
        assert song.path.is_file()
        assert song.path.parent.name == song.album
        assert song.path.parent.parent.name == song.artist
        assert song.path.stem == f"{song.track_number:02d} {song.title}"
    assert {song.path.suffix for song in songs} == set(FORMATS)
    assert len({song.path for song in songs}) == len(songs) == 2 * 2 * 2 * 2


def test_tags_can_be_read_in_every_format(songs: list[SongFile]) -> None:
    """Title, artist, album, genre, year, number and mood are in the usual tags."""
    for song in songs:
        file_tags = _tags_of(song.path)
        assert file_tags == {
            "title": song.title,
            "artist": song.artist,
            "album": song.album,
            "genre": song.genre,
            "date": str(song.year),
            "track": song.track_number,
            "mood": song.mood,
        }, song.path


def test_every_format_decodes_to_its_length_and_sound(songs: list[SongFile]) -> None:
    """The decoded audio has the length and level of the song."""
    for song in songs:
        assert probe(song.path).duration_seconds == pytest.approx(2.0, abs=0.15)
        waveform = read_whole(song.path)
        assert len(waveform.samples) / waveform.sample_rate == pytest.approx(2.0, abs=0.15)
        samples = synthesise_song(
            song.genre,
            artist=song.artist_number,
            song=song.song_number,
            seconds=2.0,
            sample_rate=16000,
        ).mean(axis=0)
        assert _rms(waveform.samples) == pytest.approx(_rms(samples), rel=0.15)


def test_a_second_call_does_nothing(songs: list[SongFile]) -> None:
    """A finished folder is not written again."""
    folder = songs[0].path.parents[2]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    new_songs: list[SongFile] = []
    again = write_music_folder(
        folder, **(SMALL | {"artists_per_style": 2}), on_song=new_songs.append
    )
    assert again == songs
    assert new_songs == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_song_does_not_depend_on_the_folders_size(songs: list[SongFile], tmp_path: Path) -> None:
    """A smaller folder holds the same bytes under the same names."""
    folder = songs[0].path.parents[2]
    fewer = write_music_folder(tmp_path, **(SMALL | {"styles": ("chiptune",)}))
    for song in fewer:
        assert song.path.read_bytes() == (folder / song.path.relative_to(tmp_path)).read_bytes()


def test_a_song_that_is_missing_is_written_again(tmp_path: Path) -> None:
    """Only the missing file is written, with the same bytes."""
    first, *other_songs = write_music_folder(tmp_path, **SMALL)
    times_before = {song.path: song.path.stat().st_mtime_ns for song in other_songs}
    data = first.path.read_bytes()
    first.path.unlink()
    write_music_folder(tmp_path, **SMALL)
    assert first.path.read_bytes() == data
    assert {song.path: song.path.stat().st_mtime_ns for song in other_songs} == times_before
    assert (tmp_path / FINISHED).exists()


def test_a_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    """After a kill no partial file has a song's name, and the next call writes the rest."""
    folder = tmp_path / "music"
    code = (
        "import sys; from pathlib import Path\n"
        "from embedder.datasets.synthesis.folder import write_music_folder\n"
        "write_music_folder(Path(sys.argv[1]), workers=1, seconds=4.0, sample_rate=16000,\n"
        "    artists_per_style=1, styles=('folk', 'piano', 'rock', 'chiptune'))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)])
    deadline = time.monotonic() + 60
    while len(_music_in(folder)) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / FINISHED).exists()
    assert (folder / UNFINISHED).exists()
    present = _music_in(folder)
    assert len(present) >= 3
    for path in present:
        assert probe(path).duration_seconds == pytest.approx(4.0, abs=0.15)
        assert _tags_of(path)["title"]
    songs = write_music_folder(
        folder,
        seconds=4.0,
        sample_rate=16000,
        artists_per_style=1,
        styles=("folk", "piano", "rock", "chiptune"),
    )
    assert (folder / FINISHED).exists()
    assert not (folder / UNFINISHED).exists()
    assert _music_in(folder) == {song.path for song in songs}


def test_other_settings_replace_a_folder_only_by_force(tmp_path: Path) -> None:
    """Without force the folder is unchanged; with force no old song is left."""
    old = write_music_folder(tmp_path, **SMALL)
    with pytest.raises(OutputExists, match="--force"):
        write_music_folder(tmp_path, **SMALL, seed=1)
    assert all(song.path.is_file() for song in old)
    new = write_music_folder(tmp_path, **SMALL, seed=1, force=True)
    assert _music_in(tmp_path) == {song.path for song in new}


def test_force_leaves_files_of_others_alone(tmp_path: Path) -> None:
    """Other files in the folder are kept."""
    old = write_music_folder(tmp_path, **SMALL)
    cover = old[0].path.with_name("cover.png")
    cover.write_bytes(b"picture")
    write_music_folder(tmp_path, **SMALL, seed=1, force=True)
    assert cover.read_bytes() == b"picture"


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder with other files is refused, also with force."""
    (tmp_path / "my song.mp3").write_bytes(b"")
    with pytest.raises(UsageError, match="other files"):
        write_music_folder(tmp_path, **SMALL, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["my song.mp3"]


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    """The error names the manifest, and nothing is removed."""
    (tmp_path / FINISHED).write_text("{")
    with pytest.raises(CorruptArtefact, match=FINISHED):
        write_music_folder(tmp_path, **SMALL)


def test_a_manifest_cannot_reach_outside_its_folder(tmp_path: Path) -> None:
    """A manifest with a path outside the folder is refused before anything is removed."""
    folder, outside = tmp_path / "music", tmp_path / "diary.txt"
    outside.write_text("mine")
    write_music_folder(folder, **SMALL)
    manifest = folder / FINISHED
    manifest.write_text(manifest.read_text().replace('"files": [', '"files": ["../diary.txt",'))
    with pytest.raises(CorruptArtefact, match=r"diary\.txt"):
        write_music_folder(folder, **SMALL, seed=1, force=True)
    assert outside.read_text() == "mine"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"styles": ("piano", "roc")}, "Did you mean rock"),
        ({"styles": ()}, "at least one"),
        ({"formats": (".aiff",)}, r"\.flac"),
        ({"songs_per_album": 0}, "songs_per_album is 0"),
        ({"songs_per_album": 101}, "100 or less"),
        ({"seconds": 0.0}, "1.0 s or more"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    """The message has the value or the valid names, and no folder is created."""
    with pytest.raises((UnknownChoice, UsageError), match=message):
        write_music_folder(tmp_path / "music", **(SMALL | changed))
    assert not (tmp_path / "music").exists()


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    """A path of a file is a UsageError."""
    place = tmp_path / "music"
    place.write_text("text")
    with pytest.raises(UsageError, match=r"is a file\. Name a folder"):
        write_music_folder(place, **SMALL)


def test_leftovers_of_killed_runs_are_cleared_away(tmp_path: Path) -> None:
    """Old unfinished files are removed; new ones may belong to a running writer and stay."""
    first = write_music_folder(tmp_path, **SMALL)[0]
    old, fresh = (first.path.with_name(f".writing-{age}.wav") for age in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"half a song")
    os.utime(old, (0, 0))
    first.path.unlink()
    write_music_folder(tmp_path, **SMALL)
    assert not old.exists()
    assert fresh.exists()


def test_the_summary_counts_every_song_once(songs: list[SongFile]) -> None:
    """Songs, artists, albums and minutes add up."""
    styles = summarise([replace(song, duration_seconds=90.0) for song in songs])
    assert [summary.style for summary in styles] == ["piano", "chiptune"]
    assert sum(summary.songs for summary in styles) == len(songs)
    assert [(summary.artists, summary.albums) for summary in styles] == [(2, 4), (2, 4)]
    assert styles[0].minutes == pytest.approx(12.0)


def _music_in(folder: Path) -> set[Path]:
    return {
        path
        for path in folder.rglob("*")
        if path.suffix in FORMATS and not path.name.startswith(".")
    }


def _tags_of(path: Path) -> dict[str, Any]:
    tags: Any = mutagen.File(path).tags
    if path.suffix in {".mp3", ".wav"}:
        names = ("TIT2", "TPE1", "TALB", "TCON", "TDRC", "TRCK", "TMOO")
        title, artist, album, genre, date, place, mood = (str(tags[name]) for name in names)
        track = int(place.split("/")[0])
    elif path.suffix == ".m4a":
        atoms = ("\xa9nam", "\xa9ART", "\xa9alb", "\xa9gen", "\xa9day")
        title, artist, album, genre, date = (tags[name][0] for name in atoms)
        track = tags["trkn"][0][0]
        mood = bytes(tags["----:com.apple.iTunes:MOOD"][0]).decode()
    else:
        names = ("title", "artist", "album", "genre", "date", "tracknumber", "mood")
        title, artist, album, genre, date, place, mood = (tags[name][0] for name in names)
        track = int(place)
    return {
        "title": title,
        "artist": artist,
        "album": album,
        "genre": genre,
        "date": date,
        "track": track,
        "mood": mood,
    }


def _rms(samples: Any) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
