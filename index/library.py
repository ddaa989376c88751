"""The library with a method for each use case: everything that the command line does.

The methods import what they need when they are called, so that opening a library stays quick.
`search`, `label`, `classify` and `playlist` take a request, or tracks and the command's options as
keywords.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from embedder.errors import UsageError
from index.library_folder.kept_library import KeptLibrary

if TYPE_CHECKING:
    import pandas as pd

    from index.indexing.request import IndexOptions
    from index.indexing.results import IndexProgress, IndexReport
    from index.labels.classify.options import ClassifyOptions
    from index.labels.classify.request import ClassifyRequest
    from index.labels.classify.results import ClassifyReport
    from index.labels.files.writing import TagChange, UndoReport, WriteReport
    from index.labels.options import LabelOptions
    from index.labels.request import LabelRequest
    from index.labels.results import LabelReport
    from index.library_folder.encoder import Encoder
    from index.map.library_map import LibraryMap
    from index.map.request import MapRequest
    from index.map.results import MapReport
    from index.playlists.options import PlaylistOptions
    from index.playlists.request import PlaylistRequest
    from index.playlists.results import Playlist
    from index.search.options import SearchOptions
    from index.search.request import SearchRequest
    from index.search.results import QueryResult
    from index.search.search import Searcher
    from index.taste.taste import Taste

Request = TypeVar("Request")


class Library(KeptLibrary):
    """An open library. Make one with `Library.open` or `Library.open_or_create`."""

    _searcher: "Searcher | None" = None

    def close(self) -> None:
        """Close its files."""
        self._searcher = None
        super().close()

    @property
    def searcher(self) -> "Searcher":
        """Searches for vectors; `search` is the usual way."""
        if self._searcher is None:
            from index.search.search import Searcher

            self._searcher = Searcher(self)
        return self._searcher

    def index(
        self,
        paths: Sequence[Path],
        *,
        model: str | None = None,
        encoder: "Encoder | None" = None,
        options: "IndexOptions | None" = None,
        migrate: bool = False,
        on_progress: "Callable[[IndexProgress], None] | None" = None,
    ) -> "IndexReport":
        """Bring the library up to date with folders of music.

        model: a name or a model's folder, which replaces the library's model if it is another.
        None: the library's own, else the default model. `encoder` is a model that is loaded
        already; `migrate` lets it replace the library's model.
        """
        from index.indexing.model_choice import LazyEncoder, choose_model
        from index.indexing.run import index_into

        if model is not None and encoder is not None:
            raise UsageError("give a model or an encoder, not both")
        return index_into(
            self,
            paths,
            encoder=encoder or LazyEncoder(choose_model(self, model)),
            options=options,
            migrate=migrate or model is not None,
            on_progress=on_progress,
        )

    def import_shards(
        self,
        address: str,
        *,
        model: str | None = None,
        prune: bool = False,
        on_progress: "Callable[[IndexProgress], None] | None" = None,
    ) -> "IndexReport":
        """Store the tracks of shards, from a folder or an object store (`s3://bucket/folder`).

        model: a name or a model's folder. None: the library's own, else the default model. prune:
        remove tracks whose files were gone when the shards were last brought up to date.
        """
        from index.indexing.model_choice import LazyEncoder, choose_model
        from index.indexing.shards.intake import import_shards

        encoder = LazyEncoder(choose_model(self, model))
        return import_shards(self, address, encoder=encoder, prune=prune, on_progress=on_progress)

    @overload
    def search(self, request: "SearchRequest", /) -> "QueryResult": ...
    @overload
    def search(self, *tracks: str, **options: Unpack["SearchOptions"]) -> "QueryResult": ...
    def search(self, *arguments: "SearchRequest | str", **options: Any) -> "QueryResult":
        """The tracks nearest to some: `search("song.flac", k=5)`, or `search(SearchRequest(…))`.

        The options are those of `soundalike query`.
        """
        from index.search.options import search_request
        from index.search.request import SearchRequest

        request = _request(SearchRequest, arguments, options, make=search_request)
        from index.playlists.query_lists import with_lists

        request, notes = with_lists(self, request)
        result = self.searcher.search(request)
        return replace(result, notes=(*notes, *result.notes))

    @overload
    def playlist(self, request: "PlaylistRequest", /) -> "Playlist": ...
    @overload
    def playlist(self, *seeds: str, **options: Unpack["PlaylistOptions"]) -> "Playlist": ...
    def playlist(self, *arguments: "PlaylistRequest | str", **options: Any) -> "Playlist":
        """A playlist: `playlist("song.flac", length=8)`, or `playlist(PlaylistRequest(…))`.

        The options are those of `soundalike playlist`; `--from` is `from_`.
        """
        from index.playlists.make import make_playlist
        from index.playlists.options import playlist_request
        from index.playlists.request import PlaylistRequest

        request = _request(PlaylistRequest, arguments, options, make=playlist_request)
        return make_playlist(self, request)

    @overload
    def label(
        self,
        request: "LabelRequest",
        /,
        *,
        encoder: "Encoder | None" = None,
        on_track: Callable[[int], None] | None = None,
    ) -> "LabelReport": ...
    @overload
    def label(self, *tracks: str, **options: Unpack["LabelOptions"]) -> "LabelReport": ...
    def label(
        self,
        *arguments: "LabelRequest | str",
        encoder: "Encoder | None" = None,
        on_track: Callable[[int], None] | None = None,
        **options: Any,
    ) -> "LabelReport":
        """The neighbours' vote: `label("song.mp3", field="mood")`, or `label(LabelRequest(…))`.

        The options are those of `soundalike label`.
        """
        from index.labels.labelling import label_tracks
        from index.labels.options import label_request
        from index.labels.request import LabelRequest

        request = _request(LabelRequest, arguments, options, make=label_request)
        return label_tracks(self, request, encoder=encoder, on_track=on_track)

    @overload
    def classify(self, request: "ClassifyRequest", /) -> "ClassifyReport": ...
    @overload
    def classify(self, *tracks: str, **options: Unpack["ClassifyOptions"]) -> "ClassifyReport": ...
    def classify(self, *arguments: "ClassifyRequest | str", **options: Any) -> "ClassifyReport":
        """A model's own labels: `classify("song.mp3", model="runs/mine")`, or a `ClassifyRequest`.

        The options are those of the command.
        """
        from index.labels.classify.classify import classify_tracks
        from index.labels.classify.options import classify_request
        from index.labels.classify.request import ClassifyRequest

        request = _request(ClassifyRequest, arguments, options, make=classify_request)
        return classify_tracks(request, lambda: self)

    def write_labels(
        self, changes: "Sequence[TagChange]", *, on_file: Callable[[int], None] | None = None
    ) -> "WriteReport":
        """Write planned labels into the tags of files; the report's journal can undo it."""
        from index.labels.files.writing import write_labels

        return write_labels(self, changes, on_file=on_file)

    def undo_labels(self, journal: Path, *, dry_run: bool = False) -> "UndoReport":
        """Restore the tags that a journal says were overwritten."""
        from index.labels.files.writing import undo_labels

        return undo_labels(self, journal, dry_run=dry_run)

    def write_tags_from(
        self, frame: "pd.DataFrame", field: str, *, replace_old: bool = False
    ) -> "WriteReport":
        """Write a table's column into the tags of the files that its `path` or `id` names.

        A file that has the tag keeps it, unless `replace_old` is given. Empty cells change nothing.
        """
        from index.labels.files.from_frame import labels_in
        from index.labels.files.writing import plan_changes

        changes = plan_changes(labels_in(self, frame, field), replace_old=replace_old)
        return self.write_labels(changes)

    @property
    def taste(self) -> "Taste":
        """The listener's events: record, show, import, export and delete them."""
        from index.taste.taste import Taste

        return Taste(self)

    def map(self, request: "MapRequest | None" = None) -> "LibraryMap":
        """Where every track lies on the map, and how far that can be trusted."""
        from index.map.library_map import map_of

        return map_of(self, request)

    def draw_map(
        self,
        output: Path,
        *,
        request: "MapRequest | None" = None,
        colour: str | None = None,
        title: str = "",
        force: bool = False,
    ) -> "MapReport":
        """The map in a file: .html, .png, .svg or .csv; `colour` names a tag."""
        from index.map.drawing import draw_map

        return draw_map(self, output, request=request, colour=colour, title=title, force=force)


def _request(
    kind: type[Request],
    arguments: tuple[Request | str, ...],
    options: dict[str, Any],
    *,
    make: Callable[..., Request],
) -> Request:
    """The request that was given, or one made of tracks and options."""
    requests = [request for request in arguments if isinstance(request, kind)]
    if not requests:
        return make(arguments, **options)
    if len(arguments) > 1 or options:
        raise UsageError(f"give a {kind.__name__} alone: tracks and options are its fields")
    return requests[0]
