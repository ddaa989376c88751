"""Counts of a music folder for each style."""

from collections.abc import Sequence
from dataclasses import dataclass

from embedder.datasets.synthesis.folder import SongFile


@dataclass(frozen=True, slots=True)
class StyleSummary:
    """The songs of one style."""

    style: str
    artists: int
    albums: int
    songs: int
    minutes: float
    formats: tuple[str, ...]


def summarise(songs: Sequence[SongFile]) -> list[StyleSummary]:
    """One record for each style, in the order in which styles first appear."""
    summaries = []
    for style in dict.fromkeys(song.genre for song in songs):
        style_songs = [song for song in songs if song.genre == style]
        summaries.append(
            StyleSummary(
                style=style,
                artists=len({song.artist for song in style_songs}),
                albums=len({(song.artist, song.album) for song in style_songs}),
                songs=len(style_songs),
                minutes=round(sum(song.duration_seconds for song in style_songs) / 60, 1),
                formats=tuple(sorted({song.path.suffix.lstrip(".") for song in style_songs})),
            )
        )
    return summaries


def first_of_each_style(songs: Sequence[SongFile]) -> list[SongFile]:
    """One song of each style, as examples."""
    firsts: dict[str, SongFile] = {}
    for song in songs:
        firsts.setdefault(song.genre, song)
    return list(firsts.values())
