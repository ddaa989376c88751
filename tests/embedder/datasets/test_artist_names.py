"""Which artists a credit names: splitting names, folding spellings, MusicBrainz ids."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.datasets.artist_names import ArtistBook, Credit, fold_name, is_artist

MORPHINE = "b7a4a0a0-1111-4222-8333-000000000001"
CLINTON = "b7a4a0a0-1111-4222-8333-000000000002"
OTHER = "b7a4a0a0-1111-4222-8333-000000000003"
VARIOUS = "89ad4ac3-39f7-470e-963a-56509c546377"


def book_of(*names: str) -> ArtistBook:
    """The book of a library whose tracks have these artist tags."""
    return ArtistBook(Credit((name,)) for name in names)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Beck; Beth Orton", ("Beck", "Beth Orton")),
        ("3LW featuring NAS", ("3LW", "NAS")),
        ("A feat. B", ("A", "B")),
        ("A ft B", ("A", "B")),
        ("A (feat. B)", ("A", "B")),
        ("A [with B]", ("A", "B")),
        ("A vs. B", ("A", "B")),
        ("Simon & Garfunkel", ("Simon & Garfunkel",)),
        ("Earth, Wind & Fire", ("Earth, Wind & Fire",)),
        ("AC/DC", ("AC/DC",)),
        ("Little Feat", ("Little Feat",)),
        ("Beck, Jeff", ("Beck, Jeff",)),
        ("Beatles, The", ("Beatles",)),
        ("George S. Clinton & Morphine", ("George S. Clinton", "Morphine")),
        ("George S. Clinton with morphine", ("George S. Clinton", "morphine")),
        ("Morphine x Someone", ("Morphine", "Someone")),
        ("Morphine, Beck", ("Morphine", "Beck")),
        ("Simon & Garfunkel & Morphine", ("Simon & Garfunkel", "Morphine")),
        ("Various Artists; Beck", ("Beck",)),
        ("Various Artists", ()),
        (" ", ()),
    ],
)
def test_names_are_split_into_artists(name: str, parts: tuple[str, ...]) -> None:
    """Strong separators always split, weak ones only beside a part with tracks of its own."""
    book = book_of("Morphine", "Beck", "Simon & Garfunkel", name)
    assert book.parts(name) == parts


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Motörhead", "motorhead"),
        ("The Beatles", "Beatles, The"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("R.E.M.", "REM"),
        ("Sigur Rós", "SIGUR ROS"),
        ("Mø", "MO"),
        ("Jay-Z", "Jay Z"),
    ],
)
def test_spellings_of_one_name_are_one_artist(first: str, second: str) -> None:
    """Case, accents, a leading The, spaces and punctuation do not count."""
    assert fold_name(first) == fold_name(second)


@pytest.mark.parametrize("name", ["!!!", "The The", "The", "群星会", "が", "か"])
def test_every_name_keeps_a_key(name: str) -> None:
    """A name of punctuation, or in another script, is still a name of its own."""
    assert is_artist(name)
    assert fold_name("が") != fold_name("か")


@pytest.mark.parametrize(
    "name",
    ["Various Artists", "VA", "V.A.", "[unknown]", "<Unknown Artist>", "Verschiedene Künstler",
     "Artistes Variés", "AA.VV.", "Разные исполнители", "群星", ""],
)  # fmt: skip
def test_various_artists_are_nobody(name: str) -> None:
    """Names that say that the artist is unknown, or many, name no artist."""
    assert not is_artist(name)
    assert book_of(name).artists_of([Credit((name,))]) == frozenset()


def test_an_artist_list_splits_nothing_further_and_keeps_its_names_whole() -> None:
    """A tag that lists its artists says that each value is one artist, in other tracks too."""
    book = ArtistBook(
        [
            Credit(("Beck", "Earth, Wind & Fire"), is_list=True),
            Credit(("Fire",)),
            Credit(("Earth, Wind & Fire",)),
        ]
    )
    assert book.parts("Earth, Wind & Fire") == ("Earth, Wind & Fire",)


def test_a_list_of_artists_splits_the_name_that_joins_them() -> None:
    """Where files list A and B, "A & B" is both."""
    book = ArtistBook([Credit(("A", "A & B", "B"), is_list=True)])
    assert book.parts("A & B") == ("A", "B")


def test_musicbrainz_ids_tell_equal_names_apart() -> None:
    """Two bands of one name are two artists; a track of that name without an id may be by both."""
    first, second = Credit(("Nirvana",), (MORPHINE,)), Credit(("Nirvana",), (OTHER,))
    plain = Credit(("Nirvana",))
    book = ArtistBook([first, second, plain])
    assert not book.artists_of([first]) & book.artists_of([second])
    assert book.artists_of([plain]) == {MORPHINE, OTHER}


def test_musicbrainz_ids_bring_other_names_together() -> None:
    """One id is one artist under any name, and names without an id follow those with one."""
    joint = Credit(("George S. Clinton & Morphine",), (CLINTON, MORPHINE))
    old_name, name, other = (
        Credit(("Morphine (band)",), (MORPHINE,)),
        Credit(("Morphine",), (MORPHINE.upper(),)),
        Credit(("George S. Clinton",)),
    )
    book = ArtistBook([joint, old_name, name, other])
    assert book.artists_of([old_name]) == book.artists_of([name]) == {MORPHINE}
    assert book.artists_of([joint]) == {MORPHINE, CLINTON}
    assert book.artists_of([other]) == {CLINTON}  # the one name and the one id that were left


def test_the_id_of_various_artists_is_nobody() -> None:
    """Taggers write the id of "Various Artists" into album artist tags."""
    credit = Credit(("Various Artists",), (VARIOUS,))
    assert ArtistBook([credit]).artists_of([credit]) == frozenset()


WORDS = st.sampled_from(["Ada", "Bob", "Cy", "The Dee", "Ève", "Various Artists", "!!!"])
SEPARATORS = st.sampled_from([" & ", ", ", "/", " feat. ", "; ", " x ", " and ", " vs ", " (ft. "])


@st.composite
def credits_of(draw: st.DrawFn) -> list[Credit]:
    """Credits of tracks: names of one to five words with any separators."""
    names = []
    for _ in range(draw(st.integers(1, 12))):
        words = draw(st.lists(WORDS, min_size=1, max_size=5))
        text = words[0]
        for word in words[1:]:
            text += draw(SEPARATORS) + word
        names.append(text)
    return [Credit((name,)) for name in names]


@given(library=credits_of(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_order_of_tracks_does_not_matter(library: list[Credit], seed: int) -> None:
    """The artists of a track are the same, however a library was filled."""
    shuffled = list(library)
    random.Random(seed).shuffle(shuffled)
    first, second = ArtistBook(library), ArtistBook(shuffled)
    for credit in library:
        assert first.artists_of([credit]) == second.artists_of([credit])


@given(library=credits_of())
@settings(max_examples=60, deadline=None)
def test_splitting_is_idempotent_and_loses_no_artist(library: list[Credit]) -> None:
    """A part is not split again, and a track has an artist unless its name is nobody's."""
    book = ArtistBook(library)
    for credit in library:
        parts = book.parts(credit.names[0])
        assert all(book.parts(part) == (part,) for part in parts)
        assert bool(parts) == bool(book.artists_of([credit]))
        has_artist = any(word in credit.names[0] for word in ("Ada", "Bob", "Cy", "Dee", "Ève"))
        assert bool(parts) or not has_artist
