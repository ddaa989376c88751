"""Tracks by words: lists, and what a text names."""

import random
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import AmbiguousTrack, NotFound, UnknownChoice, UsageError
from index.catalogue.words import WordRows
from index.library import Library
from tests.index.vector_library import library_of, unit_vectors

TAGS = (
    {"title": "Boom Boom", "artist": "John Lee Hooker", "album": "Moanin'", "year": "1962"},
    {"title": "Boom", "artist": "John Lee Hooker", "album": "Live", "year": "2003"},
    {"title": "Señorita", "artist": "Björk", "album": "Été", "genre": "pop", "year": "1993"},
    {"title": "!!!", "artist": "Anna-Lena", "album": 'The "Quoted" One', "genre": "Pop"},
    {"path": "/music/hooker/untagged NEAR it.mp3", "year": "900"},
)
ALL = [1, 2, 3, 4, 5]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Five tracks with ids 1 to 5."""
    return library_of(tmp_path / "library", unit_vectors(len(TAGS)), TAGS)


def ids_of(library: Library, words: str) -> list[int]:
    """The ids of the tracks that have some words."""
    return [track.id for track in library.find(words)]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("john lee hook", [1, 2]),
        ("JOHN  boom", [1, 2]),
        ("hooker moanin", [1]),
        ("senor", [3]),
        ("björk ete", [3]),
        ("BJORK", [3]),
        ("anna-lena", [4]),
        ("quoted", [4]),
        ("!!!", [4]),
        ("untagged", [5]),
        ("hook untag", [5]),
        ("ooker", []),
        ("john lee björk", []),
    ],
)
def test_words_are_found_by_their_beginnings(library: Library, words: str, ids: list[int]) -> None:
    """Every word begins a word of title, artist, album or path; case and accents do not matter."""
    assert sorted(ids_of(library, words)) == ids


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ('"boom', [1, 2]),
        ('"', [4]),
        ("boom*", [1, 2]),
        ("-boom", [1, 2]),
        ("^boom", [1, 2]),
        ("(boom", [1, 2]),
        ("\0boom", [1, 2]),
        ("boom \udcff", [1, 2]),
        ("boom " * 5000, [1, 2]),
        ("boom AND live", []),
        ("boom OR senorita", []),
        ("boom NOT live", []),
        ("NEAR(boom live)", []),
        ("title:boom", []),
        ("{title}: boom", []),
        ("untagged NEAR", [5]),
        ("a" * 10_000, []),
        ("a-" * 10_000, []),
        (" ".join(map(str, range(3000))), []),
    ],
)
def test_words_are_never_syntax(library: Library, words: str, ids: list[int]) -> None:
    """The signs and words of FTS5's language are text."""
    assert sorted(ids_of(library, words)) == ids


@pytest.mark.parametrize("has_index", [True, False])
def test_words_of_any_text_never_raise(
    library: Library, monkeypatch: pytest.MonkeyPatch, *, has_index: bool
) -> None:
    """Random texts with all kinds of signs give a list, with the index and without."""
    if not has_index:
        monkeypatch.setattr(WordRows, "has_fts5", lambda _: False)
    generator = random.Random(0)
    signs = "\"'*-+^:(){}[]<>&|\\/%_;,.!? \t\n\0ANDORNEARbomé界\u0301\udcff\ud800🎸"
    for _ in range(300):
        text = "".join(generator.choices(signs, k=generator.randint(0, 30)))
        assert 0 <= library.find(text).total <= len(TAGS)


def test_the_best_match_comes_first(library: Library) -> None:
    """A word in the title counts more than the same word in a path."""
    assert ids_of(library, "hooker")[-1] == 5


def test_a_list_has_filters_orders_and_pages(library: Library) -> None:
    """Options choose and order the tracks; `total` counts them without the page."""

    def listed(words: str = "", **options: object) -> list[int]:
        return [track.id for track in library.list(words, **options)]  # type: ignore[arg-type]  # options by name

    assert listed() == ALL
    assert listed(descending=True) == ALL[::-1]
    assert listed(where="genre=pop") == [3, 4]
    assert listed("anna", where="genre=pop") == [4]
    assert listed("boom", sort="year") == [1, 2]
    assert listed("boom", sort="year", descending=True) == [2, 1]
    assert listed(sort="year") == [5, 1, 3, 2, 4], "without a value: last; numbers as numbers"
    assert listed(sort="year", descending=True) == [2, 3, 1, 5, 4]
    assert listed(sort="title") == [4, 2, 1, 3, 5]
    assert listed(sort="genre", limit=2) == [3, 4]
    assert listed(limit=2, offset=1) == [2, 3]
    assert listed(limit=0) == []
    page = library.list(limit=2, offset=4)
    assert ([track.id for track in page], page.total) == ([5], 5)
    assert page.to_json()["total"] == 5


def test_wrong_options_are_refused(library: Library) -> None:
    """The message names the option and what it takes."""
    with pytest.raises(UnknownChoice, match=r"field to sort by 'year_': .*Did you mean year"):
        library.list(sort="year_")
    with pytest.raises(UsageError, match="limit = -1: give 0 or more"):
        library.list(limit=-1)
    with pytest.raises(UsageError, match="offset = -1: give 0 or more"):
        library.list(offset=-1)
    with pytest.raises(UsageError, match="--where, at the mark"):
        library.list(where="gener=x")


def test_words_name_the_only_track_that_has_them(library: Library) -> None:
    """A request takes words for a track, in search, vote and playlist."""
    assert [track.id for track in library.search("hooker moanin").query] == [1]
    assert library.search("senorita", minus=("anna lena",)).query[0].id == 3
    assert [vote.track.id for vote in library.label("bjork").votes] == [3]
    assert library.playlist("bjork", length=2, seed=0).tracks[0].track.id == 3


def test_ambiguous_words_are_never_guessed_at(library: Library) -> None:
    """The error lists ids, artists and titles, best first."""
    with pytest.raises(
        AmbiguousTrack, match=r"boom: 2 tracks have these words.*2 John Lee Hooker: B"
    ):
        library.search("boom")
    with pytest.raises(AmbiguousTrack):
        library.label("senorita", "boom")
    with pytest.raises(AmbiguousTrack):
        library.playlist("senorita", to="hooker")


def test_a_person_can_choose(library: Library) -> None:
    """`choose` is asked with the candidates, and its answer is the track."""
    library.choose = lambda error: max(candidate.id for candidate in error.candidates)
    assert [track.id for track in library.search("boom").query] == [2]


def test_words_without_a_track_are_no_file(library: Library) -> None:
    """The error says that no track has the words; of a path it only says that there is no file."""
    with pytest.raises(NotFound, match=r"jon lee: no such file.* No track has these words"):
        library.search("jon lee")
    for path in ("boom.mp3", "./music/boom", "/music/boom"):
        with pytest.raises(NotFound, match="no such file") as caught:
            library.search(path)
        assert "words" not in str(caught.value)


def test_a_name_with_a_slash_is_a_path_only_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AC/DC` are words, until there is a folder `AC`."""
    tags = [{"artist": "AC/DC", "title": "Jailbreak"}, {"artist": "Hooker", "title": "Boom"}]
    monkeypatch.chdir(tmp_path)
    with library_of(tmp_path / "library", unit_vectors(2), tags) as library:
        assert [track.id for track in library.tracks_named("AC/DC")] == [1]
        assert [track.id for track in library.tracks_named("ac/dc jail")] == [1]
        (tmp_path / "AC").mkdir()
        with pytest.raises(NotFound, match="AC/DC: no such file"):
            library.tracks_named("AC/DC")


def test_a_page_is_a_part_of_the_whole_order(library: Library) -> None:
    """With every offset, field and direction, also beyond the tracks that have the field."""
    for sort in ("title", "year", "genre", "path", "duration_seconds"):
        for descending in (False, True):
            whole = [t.id for t in library.list(sort=sort, descending=descending)]
            assert sorted(whole) == ALL
            for offset in range(6):
                page = library.list(sort=sort, descending=descending, limit=2, offset=offset)
                assert [track.id for track in page] == whole[offset : offset + 2]
                assert page.total == 5


def test_ids_and_files_come_before_words(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits are an id, and the name of an existing file is this file."""
    assert library.tracks_named("4")[0].id == 4
    monkeypatch.chdir(tmp_path)
    (tmp_path / "senorita").write_bytes(b"")
    with pytest.raises(NotFound, match="senorita: not in the library"):
        library.tracks_named("senorita")


def test_folders_and_playlists_are_query_tracks(tmp_path: Path) -> None:
    """Relative and linked paths lead to their tracks; entries without a track are noted."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    tags = [{"path": str(real / f"{number}.flac")} for number in range(4)]
    listed, paths = tmp_path / "list.m3u8", tmp_path / "paths.txt"
    listed.write_text("link/../link/1.flac\nreal/2.flac\nnowhere.flac\n")
    paths.write_text("real/3.flac\n")
    with library_of(tmp_path / "library", unit_vectors(4), tags) as library:
        result = library.search(str(listed))
        assert [track.id for track in result.query] == [2, 3]
        assert any("1 of 3 tracks are not in the library" in note for note in result.notes)
        assert [track.id for track in library.search(from_playlist=paths).query] == [4]
        assert [track.id for track in library.search("1", from_playlist=paths).query] == [1, 4]
        assert len(library.search(str(link)).query) == 4


def test_many_matches_are_listed_by_id(tmp_path: Path) -> None:
    """Over a thousand matches are not ranked, and all of them are counted."""
    n_tracks = 1100
    tags = [{"title": f"Common {number}"} for number in range(n_tracks)]
    vectors = np.eye(4, dtype=np.float32)[np.arange(n_tracks) % 4]
    with library_of(tmp_path / "library", vectors, tags) as library:
        listed = library.find("comm", limit=3)
        assert ([track.id for track in listed], listed.total) == ([1, 2, 3], n_tracks)


@pytest.mark.parametrize("field", ["title", "year"])
@pytest.mark.parametrize("is_descending", [False, True])
def test_a_short_page_of_a_large_library_is_ordered_as_the_whole(
    field: str, is_descending: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite chooses the rows that Python sorts: equal, odd and missing values included."""
    draw = random.Random(3)
    titles = ["", "b", "B", "a", "A", "ä", "Ä", "12", "2 x", "-3", "+", "ß", "ss", "z", "!", "日本"]
    years = ["900", "1990"]
    tags = [{"title": draw.choice(titles), "year": draw.choice(years)} for _ in range(90)]
    library = library_of(tmp_path / "library", unit_vectors(len(tags)), tags)
    whole = library.list(sort=field, descending=is_descending)
    monkeypatch.setattr("index.library_folder.finding.listing.MOST_LISTED", 0)
    for limit in (1, 7, 20):
        page = library.list(sort=field, descending=is_descending, limit=limit)
        assert [track.id for track in page] == [track.id for track in whole][:limit]
