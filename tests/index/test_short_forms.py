"""`library.search("song.flac", k=5)` and its like: the same answers as requests give."""

from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from embedder.errors import UsageError
from index.labels.classify.options import FIELD_OF as CLASSIFY_FIELD_OF
from index.labels.classify.options import ClassifyOptions
from index.labels.classify.request import ClassifyRequest
from index.labels.options import PART, LabelOptions
from index.labels.request import LabelRequest, VoteSettings
from index.library import Library
from index.playlists.options import FIELD_OF as PLAYLIST_FIELD_OF
from index.playlists.options import PlaylistOptions
from index.playlists.request import PlaylistRequest
from index.search.options import FIELD_OF as SEARCH_FIELD_OF
from index.search.options import SearchOptions, search_request
from index.search.request import SearchRequest
from tests.index.toy_encoder import ToyEncoder, write_wav
from tests.index.vector_library import library_of, unit_vectors

DUPLICATES = {"no_duplicates": "with_duplicates"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Twelve tracks by six artists, in two genres."""
    tags = [{"artist": f"artist {n // 2}", "genre": f"genre {n % 2}"} for n in range(12)]
    return library_of(tmp_path / "library", unit_vectors(12), tags)


@pytest.mark.parametrize(
    ("options", "record", "left_out", "field_of"),
    [
        (SearchOptions, SearchRequest, {"tracks"}, SEARCH_FIELD_OF | DUPLICATES),
        (LabelOptions, VoteSettings, set(PART), {}),
        (ClassifyOptions, ClassifyRequest, {"tracks"}, CLASSIFY_FIELD_OF),
        (PlaylistOptions, PlaylistRequest, {"seeds"}, PLAYLIST_FIELD_OF),
    ],
)
def test_the_options_are_the_fields_of_the_record(
    options: type, record: type, left_out: set[str], field_of: dict[str, str]
) -> None:
    """A short form has every option of the record that it fills, with the same type."""
    types_of_options = {
        field_of.get(name, name): kind
        for name, kind in get_type_hints(options).items()
        if name not in left_out
    }
    types_of_fields = get_type_hints(record)
    assert types_of_options == {
        name: kind for name, kind in types_of_fields.items() if name not in left_out
    }


def test_the_part_of_a_track_to_label_has_the_types_of_the_request() -> None:
    """What is not about the vote are the fields of `LabelRequest`."""
    hints, expected = get_type_hints(LabelOptions), get_type_hints(LabelRequest)
    names = {field.name for field in fields(LabelRequest)} - {"tracks", "settings"}
    assert names == set(PART.values())
    assert [hints[name] for name in PART] == [expected[field] for field in PART.values()]


def test_every_option_of_a_short_search_reaches_its_field() -> None:
    """Options that have another name than their field too."""
    request = search_request(("1",), start=2.0, seconds=3.0, hubness="csls", no_duplicates=True)
    assert request == SearchRequest(
        ("1",), start_seconds=2.0, seconds=3.0, correction="csls", with_duplicates=False
    )
    assert search_request(("1",), no_duplicates=False) == SearchRequest(("1",))


def test_a_short_search_is_a_search_request(library: Library) -> None:
    """Tracks and options become the request's fields."""
    request = SearchRequest(("1", "2"), minus=("3",), k=4, per_artist=1)
    short = library.search("1", "2", minus=("3",), k=4, per_artist=1)
    assert short.to_json() == library.search(request).to_json()
    assert len(short.neighbours) == 4


def test_a_short_label_is_a_label_request(library: Library) -> None:
    """Tracks and options become the request and its vote settings."""
    request = LabelRequest(("1", "2"), VoteSettings(field="artist", k=3))
    short = library.label("1", "2", field="artist", k=3)
    assert short.to_json() == library.label(request).to_json()
    assert [len(vote.voters) for vote in short.votes] == [3, 3]


def test_a_short_label_can_be_of_a_part(library: Library) -> None:
    """Start and length of a part go into the request, where they are checked."""
    with pytest.raises(UsageError, match="seconds = -2"):
        library.label("1", k=3, start=1, seconds=-2)


def test_a_short_playlist_is_a_playlist_request(library: Library) -> None:
    """Seeds and options become the request's fields."""
    request = PlaylistRequest(("1",), length=5, per_artist=1, seed=2)
    short = library.playlist("1", length=5, per_artist=1, seed=2)
    assert short.to_json() == library.playlist(request).to_json()
    assert len(short.tracks) == 5


def test_a_short_playlist_goes_on_from_another(library: Library, tmp_path: Path) -> None:
    """`from_` is the command's --from, which Python cannot spell."""
    library.playlist("1", length=3, seed=2).save(tmp_path / "first.m3u8")
    judged = tmp_path / "first.m3u8"
    short = library.playlist(from_=judged, keep=(1,), drop=(2,), length=5, seed=3)
    request = PlaylistRequest(judged=judged, keep=(1,), drop=(2,), length=5, seed=3)
    assert short.to_json() == library.playlist(request).to_json()


def test_options_beside_a_request_are_refused(library: Library) -> None:
    """An option that the request would hide is an error."""
    with pytest.raises(UsageError, match="give a SearchRequest alone"):
        library.search(SearchRequest(("1",)), k=3)


def test_tracks_beside_a_request_are_refused(library: Library) -> None:
    """A track beside a request is an error."""
    with pytest.raises(UsageError, match="give a PlaylistRequest alone"):
        library.playlist(PlaylistRequest(("1",)), "2")


def test_a_misspelt_option_is_named(library: Library) -> None:
    """The error is the TypeError of any Python function."""
    with pytest.raises(TypeError, match="per_artists"):
        library.search("1", per_artists=1)


def test_a_library_indexes_with_a_model_by_name(tmp_path: Path) -> None:
    """No encoder has to be made first; the library then keeps to its model."""
    write_wav(tmp_path / "music" / "1.wav", 1, n_samples=32000)
    with Library.open_or_create(tmp_path / "library") as library:
        assert library.index([tmp_path / "music"], model="default").added == 1
        write_wav(tmp_path / "music" / "2.wav", 2, n_samples=32000)
        assert library.index([tmp_path / "music"]).added == 1
        assert library.report().model == "default"


def test_a_model_and_an_encoder_are_refused_together(library: Library, tmp_path: Path) -> None:
    """One of them says what to index with."""
    with pytest.raises(UsageError, match="a model or an encoder, not both"):
        library.index([tmp_path], model="default", encoder=ToyEncoder())
