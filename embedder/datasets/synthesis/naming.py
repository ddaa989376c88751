"""Names of artists, albums and songs."""

from embedder.datasets.synthesis.artists import SONGS_PER_ALBUM_AT_MOST, Style
from embedder.datasets.synthesis.randomness import generator_for

_ALBUM_SHAPES = ("{}", "{} & Other Stories", "The {} Sessions", "Return to {}", "{}, Volume Two")


def artist_name(style: Style, *, seed: int, artist: int) -> str:
    """A name that is unique among the artists of the style, for any number of artists."""
    first_words, second_words = style.band_words
    n_pairs = len(first_words) * len(second_words)
    order = generator_for("names", seed, style.name).permutation(n_pairs)
    again, place = divmod(artist, n_pairs)
    first, second = divmod(int(order[place]), len(second_words))
    name = f"{first_words[first]} {second_words[second]}"
    return name if again == 0 else f"{name} {again + 1}"


def title_of(style: Style, *, seed: int, artist: int, song: int) -> str:
    """A title that no other song of the artist has."""
    first_words, second_words = style.title_words
    n_pairs = len(first_words) * len(second_words)
    order = generator_for("titles", seed, style.name, artist).permutation(n_pairs)
    album, number = divmod(song, SONGS_PER_ALBUM_AT_MOST)
    # Each album has eight titles of its own; longer albums add second parts of them.
    part, number = divmod(number, 8)
    again, place = divmod(album * 8 + number, n_pairs)
    part += again * SONGS_PER_ALBUM_AT_MOST
    first, second = divmod(int(order[place]), len(second_words))
    title = f"{first_words[first]} {second_words[second]}"
    return title if part == 0 else f"{title}, Part {part + 1}"


def album_name(style: Style, *, seed: int, artist: int, album: int) -> str:
    """A name made from the title of a song that is not on the album."""
    chance = generator_for("albums", seed, style.name, artist)
    order = chance.permutation(len(_ALBUM_SHAPES))
    again, place = divmod(album, len(_ALBUM_SHAPES))
    subject = title_of(style, seed=seed, artist=artist, song=(5 + album) * SONGS_PER_ALBUM_AT_MOST)
    name = _ALBUM_SHAPES[int(order[place])].format(subject)
    return name if again == 0 else f"{name} {again + 1}"


def album_year(style: Style, *, seed: int, artist: int, album: int) -> int:
    """The first album is within the style's years, and the others follow every two or three."""
    chance = generator_for("years", seed, style.name, artist)
    first_year, last_year = style.years
    return int(chance.integers(first_year, last_year - 3)) + 2 * album + int(chance.integers(2))
