"""Playlists that cannot be made, and what the error says."""

from pathlib import Path

import pytest

from embedder.errors import BadInput, NotFound, UnknownChoice, UsageError
from index.library import Library
from index.playlists.request import Arc, PlaylistRequest
from tests.index.playlists.asking import START, playlist_of
from tests.index.vector_library import library_of, unit_vectors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to start from"),
        ({"seeds": ("1",), "length": 3, "minutes": 3.0}, "not both"),
        ({"seeds": ("1",), "via": ("2",)}, "--to"),
        ({"seeds": ("1", "2"), "to": "3"}, "from one track"),
        ({"seeds": ("1",), "to": "3", "drift": 0.1}, "not both"),
        ({"seeds": ("1",), "drift": 2.0}, "drift 2"),
        ({"seeds": ("1",), "keep": (1,)}, "--from"),
        ({"seeds": ("1",), "to": "2", "via": ("3",), "length": 2}, "3 tracks already"),
        ({"where": "genre=rock", "minutes": 0.0}, "minutes 0"),
    ],
)
def test_wrong_combinations_are_refused(options: dict, message: str) -> None:
    """Before anything is looked up, with what to give instead."""
    with pytest.raises(UsageError, match=message):
        PlaylistRequest(**options)


def test_wrong_names_are_refused(library: Library) -> None:
    """Unknown tracks, fields and shapes; a way from a track to itself; a filter that fits none."""
    with pytest.raises(NotFound, match="999999"):
        playlist_of(library, "999999")
    with pytest.raises(UnknownChoice, match="bpm"):
        playlist_of(library, START, arc=Arc("bpmm", "rise"))
    with pytest.raises(UnknownChoice, match="valley"):
        Arc.parse("bpm:up")
    with pytest.raises(UsageError, match="named twice"):
        playlist_of(library, START, to=START)
    with pytest.raises(BadInput, match=r"^--where 'genre=polka': no track matches$"):
        playlist_of(library, where="genre=polka")


def test_an_empty_library_has_no_playlist(tmp_path: Path) -> None:
    """The message says that the library is empty and what fills it."""
    library = library_of(tmp_path / "library", unit_vectors(2))
    library.remove(library.store.ids().tolist())
    with pytest.raises(NotFound, match=r"the library is empty.*soundalike index"):
        library.playlist(PlaylistRequest(("1",)))
