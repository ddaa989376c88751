"""One song: `synthesise_song("swing", seed=0, artist=1, song=2)` gives its samples.

    style ─▶ artist ─▶ sketch (key, tempo, sections, chords) ─▶ parts (notes) ─▶ mix ─▶ samples

The samples depend on these arguments alone, never on earlier calls.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.synthesis.artists import SONGS_PER_ALBUM_AT_MOST, Artist, Style, artist_of
from embedder.datasets.synthesis.form import lay_out
from embedder.datasets.synthesis.mixing import mix
from embedder.datasets.synthesis.randomness import generator_for
from embedder.datasets.synthesis.score import Sketch
from embedder.datasets.synthesis.styles import (
    ambient,
    chiptune,
    dance,
    folk,
    piano,
    reggae,
    rock,
    swing,
)
from embedder.errors import UnknownChoice, UsageError

STYLES: dict[str, Style] = {
    module.STYLE.name: module.STYLE
    for module in (dance, swing, rock, piano, ambient, reggae, folk, chiptune)
}
SHORTEST_SECONDS = 1.0
LOWEST_SAMPLE_RATE = 8000


def style_of(name: str) -> Style:
    """Return the style of that name."""
    if name not in STYLES:
        raise UnknownChoice("style of music", name, STYLES)
    return STYLES[name]


def synthesise_song(
    style: str,
    *,
    seed: int = 0,
    artist: int = 0,
    song: int = 0,
    seconds: float = 30.0,
    sample_rate: int = 44100,
) -> NDArray[np.float32]:
    """Return a song in stereo, `float32 [2, samples]`, all within ±1.

    Songs 0 to 99 are on the artist's first album, 100 to 199 on the second, and so on. Each album
    has its own production. With another length, the whole song differs, not just its end.
    """
    chosen_style = style_of(style)
    refuse_bad_lengths(seconds, sample_rate)
    if artist < 0 or song < 0:
        raise UsageError(f"artist {artist}, song {song}: count from 0")
    band = _on_album(artist_of(chosen_style, seed=seed, number=artist), seed, song)
    chance = generator_for("song", seed, style, artist, song)
    sketch = sketch_song(chosen_style, band, seconds=seconds, generator=chance)
    return mix(
        chosen_style.arrange(sketch, band, chance),
        sketch,
        production=band.production,
        n_samples=round(seconds * sample_rate),
        sample_rate=sample_rate,
        generator=chance,
    )


def refuse_bad_lengths(seconds: float, sample_rate: int) -> None:
    """Raise UsageError for a song that is too short or a sample rate that is too low."""
    if not SHORTEST_SECONDS <= seconds < float("inf"):
        raise UsageError(f"a song of {seconds} s: give {SHORTEST_SECONDS} s or more")
    if sample_rate < LOWEST_SAMPLE_RATE:
        raise UsageError(f"{sample_rate} Hz: give {LOWEST_SAMPLE_RATE} Hz or more")


def sketch_song(
    style: Style, artist: Artist, *, seconds: float, generator: np.random.Generator
) -> Sketch:
    """Choose key, tempo, form and chords."""
    tempo_bpm = artist.tempo_bpm * generator.uniform(0.96, 1.04)
    bar_seconds = style.beats_per_bar * 60 / tempo_bpm
    return Sketch(
        bars=lay_out(
            max(1, int(np.ceil(seconds / bar_seconds))),
            beats_per_bar=style.beats_per_bar,
            progressions=style.progressions,
            generator=generator,
        ),
        # The artist's own key most of the time, otherwise a related key.
        root=int(generator.choice(artist.roots, p=(0.4, 0.25, 0.2, 0.15))),
        scale=str(generator.choice(artist.scales)),
        tempo_bpm=tempo_bpm,
        beats_per_bar=style.beats_per_bar,
        swing=style.swing,
    )


def _on_album(artist: Artist, seed: int, song: int) -> Artist:
    """The artist with the production of the album that a song is on."""
    album = song // SONGS_PER_ALBUM_AT_MOST
    chance = generator_for("album", seed, artist.style, artist.number, album)
    production = artist.production
    produced = replace(
        production,
        low_db=production.low_db + chance.uniform(-0.8, 0.8),
        high_db=production.high_db + chance.uniform(-1.0, 1.0),
        reverb_level=production.reverb_level * chance.uniform(0.85, 1.15),
    )
    return replace(artist, production=produced)
