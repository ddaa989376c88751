"""A folder of synthesised and tagged songs in common formats.

    folder/
      music.json                         settings and files; written last
      Neon Circuit/
        Return to Golden Pulse/
          01 Burning Skyline.flac

A song gets its name only when it is complete. A folder with other files is refused.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from embedder.audio.writing import write_audio
from embedder.datasets.synthesis.artists import SONGS_PER_ALBUM_AT_MOST
from embedder.datasets.synthesis.file_tags import SongTags, write_tags
from embedder.datasets.synthesis.manifest import (
    FINISHED,
    UNFINISHED,
    Manifest,
    MusicSettings,
    mark_finished,
    read_manifest,
    write_unfinished,
)
from embedder.datasets.synthesis.naming import album_name, album_year, artist_name, title_of
from embedder.datasets.synthesis.songs import STYLES, refuse_bad_lengths, style_of, synthesise_song
from embedder.errors import OutputExists, UnknownChoice, UsageError
from embedder.whole_files import check_output_folder, errors_name

FORMATS = (".flac", ".mp3", ".ogg", ".m4a", ".wav")
_UNFINISHED_SONG = ".writing-"  # the prefix that embedder.audio.writing uses
_LEFT_OVER_SECONDS = 600.0  # no song takes that long, so the writer of an older file was killed


@dataclass(frozen=True, slots=True)
class SongFile:
    """A song of the folder, with the numbers to make it again."""

    path: Path
    title: str
    artist: str
    album: str
    genre: str
    mood: str
    year: int
    track_number: int
    duration_seconds: float
    artist_number: int
    song_number: int
    """`artist_number` and `song_number` are arguments of `synthesise_song`."""


def write_music_folder(
    folder: Path,
    *,
    seed: int = 0,
    styles: Sequence[str] | None = None,
    artists_per_style: int = 3,
    albums_per_artist: int = 2,
    songs_per_album: int = 2,
    seconds: float = 30.0,
    formats: Sequence[str] = FORMATS,
    sample_rate: int = 44100,
    force: bool = False,
    workers: int | None = None,
    on_song: Callable[[SongFile], None] | None = None,
) -> list[SongFile]:
    """Write the missing songs (default: of all styles), and return all songs.

    A finished folder with these settings is not changed. A folder with other settings is replaced
    only with `force`. `on_song` is called with each new song.
    """
    settings = MusicSettings(
        seed=seed,
        styles=tuple(STYLES if styles is None else dict.fromkeys(styles)),
        artists_per_style=artists_per_style,
        albums_per_artist=albums_per_artist,
        songs_per_album=songs_per_album,
        seconds=float(seconds),
        formats=tuple(formats),
        sample_rate=sample_rate,
    )
    _refuse_bad_settings(settings)
    check_output_folder(folder)
    songs = plan_songs(folder, settings)
    _clear_other_music(folder, settings, force=force)
    missing = [song for song in songs if not song.path.is_file()]
    if not missing and (folder / FINISHED).exists():
        return songs
    folder.mkdir(parents=True, exist_ok=True)
    names = tuple(song.path.relative_to(folder).as_posix() for song in songs)
    write_unfinished(folder, Manifest(settings, names))
    # Threads are enough: numpy and the audio encoders release the interpreter lock.
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for song in pool.map(lambda song: _write_song(song, settings), missing):
            if on_song is not None:
                on_song(song)
    _remove_left_overs(folder)
    mark_finished(folder)
    return songs


def plan_songs(folder: Path, settings: MusicSettings) -> list[SongFile]:
    """The songs of a folder with these settings, in the order of styles and artists."""
    return [
        _plan_song(folder, settings, name, artist, album, place)
        for name in settings.styles
        for artist in range(settings.artists_per_style)
        for album in range(settings.albums_per_artist)
        for place in range(settings.songs_per_album)
    ]


def _plan_song(
    folder: Path, settings: MusicSettings, style_name: str, artist: int, album: int, place: int
) -> SongFile:
    style, seed = style_of(style_name), settings.seed
    song = album * SONGS_PER_ALBUM_AT_MOST + place
    band = artist_name(style, seed=seed, artist=artist)
    record = album_name(style, seed=seed, artist=artist, album=album)
    title = title_of(style, seed=seed, artist=artist, song=song)
    # The format does not depend on the style: a model could learn one from the other.
    turn = list(STYLES).index(style_name) + 2 * artist + 2 * album + place
    suffix = settings.formats[turn % len(settings.formats)]
    return SongFile(
        path=folder / band / record / f"{place + 1:02d} {title}{suffix}",
        title=title,
        artist=band,
        album=record,
        genre=style.name,
        mood=style.mood,
        year=album_year(style, seed=seed, artist=artist, album=album),
        track_number=place + 1,
        duration_seconds=settings.seconds,
        artist_number=artist,
        song_number=song,
    )


def _write_song(song: SongFile, settings: MusicSettings) -> SongFile:
    samples = synthesise_song(
        song.genre,
        seed=settings.seed,
        artist=song.artist_number,
        song=song.song_number,
        seconds=song.duration_seconds,
        sample_rate=settings.sample_rate,
    )
    tags = SongTags(
        title=song.title,
        artist=song.artist,
        album=song.album,
        genre=song.genre,
        mood=song.mood,
        year=song.year,
        track_number=song.track_number,
        n_tracks=settings.songs_per_album,
    )
    song.path.parent.mkdir(parents=True, exist_ok=True)
    # The tags are written under a temporary name, so that no song is ever seen without tags.
    untagged = song.path.with_name(f"{_UNFINISHED_SONG}{os.getpid()}-{song.path.name}")
    with errors_name(song.path):
        try:
            write_audio(untagged, samples, settings.sample_rate)
            write_tags(untagged, tags)
            untagged.replace(song.path)
        finally:
            untagged.unlink(missing_ok=True)
    return song


def _refuse_bad_settings(settings: MusicSettings) -> None:
    for name in settings.styles:
        style_of(name)
    for suffix in settings.formats:
        if suffix not in FORMATS:
            raise UnknownChoice("format", suffix, FORMATS)
    if not settings.styles or not settings.formats:
        raise UsageError("no style or no format: give at least one of each")
    refuse_bad_lengths(settings.seconds, settings.sample_rate)
    counts = {
        "artists_per_style": settings.artists_per_style,
        "albums_per_artist": settings.albums_per_artist,
        "songs_per_album": settings.songs_per_album,
    }
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"{name} is {count}: give 1 or more")
    if settings.songs_per_album > SONGS_PER_ALBUM_AT_MOST:
        raise UsageError(
            f"songs_per_album is {settings.songs_per_album}: give {SONGS_PER_ALBUM_AT_MOST} or less"
        )


def _clear_other_music(folder: Path, settings: MusicSettings, *, force: bool) -> None:
    """Remove other songs from the folder, or refuse. Only files of its manifest are removed."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: this is a file. Name a folder")
    manifest = read_manifest(folder, FINISHED) or read_manifest(folder, UNFINISHED)
    if manifest is None:
        if any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise UsageError(f"{folder}: contains other files. Name an empty or new folder")
        return
    if manifest.settings == settings:
        return
    if not force and (folder / FINISHED).exists():
        raise OutputExists(folder)
    write_unfinished(folder, manifest)  # after an interruption, the next call continues here
    for name in manifest.files:
        path = folder / name
        path.unlink(missing_ok=True)
        for parent in (path.parent, path.parent.parent):
            if parent.is_dir() and parent != folder and not any(parent.iterdir()):
                parent.rmdir()


def _remove_left_overs(folder: Path) -> None:
    for path in folder.rglob(f"{_UNFINISHED_SONG}*"):
        if path.stat().st_mtime < time.time() - _LEFT_OVER_SECONDS:
            path.unlink(missing_ok=True)
