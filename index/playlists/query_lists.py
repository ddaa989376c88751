"""Folders and playlists among the query tracks of a search: the ids of their tracks."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from index.library_folder.finding.naming import names_id_alone
from index.library_folder.open_library import OpenLibrary
from index.playlists.files.files import is_playlist_file
from index.playlists.seeds import Seeds
from index.search.request import SearchRequest


def with_lists(
    library: OpenLibrary, request: SearchRequest
) -> tuple[SearchRequest, tuple[str, ...]]:
    """The same request with ids in place of folders and playlists, and notes on missing tracks."""
    texts = (*request.tracks, *request.minus)
    if request.from_playlist is None and not any(map(_is_list, texts)):
        return request, ()
    seeds = Seeds(library)
    tracks = [*_expanded(seeds, request.tracks)]
    if request.from_playlist is not None:
        tracks += _ids(seeds, request.from_playlist)
    minus = tuple(_expanded(seeds, request.minus))
    expanded = replace(request, tracks=tuple(tracks), minus=minus, from_playlist=None)
    return expanded, tuple(seeds.notes)


def _is_list(text: str) -> bool:
    if not text or names_id_alone(text):
        return False
    path = Path(text)
    return path.is_dir() or (is_playlist_file(path) and path.exists())


def _expanded(seeds: Seeds, texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        if _is_list(text):
            yield from _ids(seeds, Path(text))
        else:
            yield text


def _ids(seeds: Seeds, path: Path) -> list[str]:
    records = seeds.in_folder(path) if path.is_dir() else seeds.in_playlist(path)
    return [str(record.id) for record in records]
