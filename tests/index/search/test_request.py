"""Requests that name tracks refuse what would be read as other tracks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedder.errors import UsageError
from index.labels.request import LabelRequest
from index.playlists.request import PlaylistRequest
from index.search.request import SearchRequest

REQUESTS = [SearchRequest, LabelRequest, PlaylistRequest]


@pytest.mark.parametrize("request_of", REQUESTS)
def test_one_text_is_not_a_tuple_of_tracks(request_of: Callable[[Any], object]) -> None:
    """The text "12" would be the tracks 1 and 2."""
    with pytest.raises(UsageError, match=r"give a tuple of tracks, not one text \('12'\)"):
        request_of("12")


@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize("track", [12, Path("song.wav")])
def test_a_track_must_be_a_text(request_of: Callable[[Any], object], track: object) -> None:
    """A number or a path inside the tuple is named with its type."""
    with pytest.raises(UsageError, match=f"is of type {type(track).__name__}; give ids and paths"):
        request_of((track,))


@pytest.mark.parametrize("request_of", REQUESTS)
def test_a_single_path_is_not_a_tuple_of_tracks(request_of: Callable[[Any], object]) -> None:
    """The message names the type."""
    with pytest.raises(UsageError, match="not PosixPath"):
        request_of(Path("song.wav"))


def test_a_wrong_field_is_named() -> None:
    """Each field that holds tracks is checked, not the first alone."""
    with pytest.raises(UsageError, match=r"^minus: give a tuple"):
        SearchRequest(("1",), minus="2")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(UsageError, match=r"^exclude: give a tuple"):
        PlaylistRequest(("1",), exclude="2")  # type: ignore[arg-type]  # that is the point
