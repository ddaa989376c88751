"""What a music folder holds, style by style."""

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
        own = [song for song in songs if song.genre == style]
        summaries.append(
            StyleSummary(
                style=style,
                artists=len({song.artist for song in own}),
                albums=len({(song.artist, song.album) for song in own}),
                songs=len(own),
                minutes=round(sum(song.duration_seconds for song in own) / 60, 1),
                formats=tuple(sorted({song.path.suffix.lstrip(".") for song in own})),
            )
        )
    return summaries


def first_of_each_style(songs: Sequence[SongFile]) -> list[SongFile]:
    """One song a style, to show what sets the styles apart."""
    firsts: dict[str, SongFile] = {}
    for song in songs:
        firsts.setdefault(song.genre, song)
    return list(firsts.values())
