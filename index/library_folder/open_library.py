"""What a library answers without being changed: its tracks, their vectors, its state.

Opening one imports neither torch nor pandas, and reads no more than is asked for.
"""

import difflib
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedder.errors import (
    BadInput,
    FingerprintMismatch,
    NotFound,
    printable_path,
)
from index.catalogue.catalogue import Catalogue, ModelRow
from index.catalogue.records import Failure, LibraryInfo, QueryResult, TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.library_folder.manifest import read_manifest
from index.library_folder.vector_cache import StoreCache, Warn
from index.library_space import space_of
from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.store import IdArray

if TYPE_CHECKING:
    import pandas as pd

    from embedder.encoding.encoder import TrackEncoder
    from index.labels.labelling import LabelRequest
    from index.labels.results import LabelReport
    from index.map.drawing import MapReport
    from index.map.library_map import LibraryMap, MapWish
    from index.playlists.request import PlaylistRequest
    from index.playlists.results import Playlist
    from index.search.asked import SearchRequest
    from index.search.search import Searcher

logger = logging.getLogger(__name__)

CATALOGUE_NAME = "catalogue.sqlite"
STORE_SETTINGS_KEY = "store"
EMPTY = (
    "the library has no track yet. Fill it with 'soundalike index' and a folder of music, "
    "or try 'soundalike demo'."
)


class LibraryReader:
    """A library's reading side; `index.library.Library` is the whole."""

    def __init__(self, folder: Path, *, warn: Warn | None = None) -> None:
        self.folder = folder
        self._warn = warn or logger.warning
        self._catalogue: Catalogue | None = None
        self._store: FaissStore | None = None
        self._searcher: Searcher | None = None
        self._encoder: TrackEncoder | None = None

    def close(self) -> None:
        """Let go of its files."""
        if self._catalogue is not None:
            self._catalogue.close()
        self._catalogue = self._store = self._searcher = None

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, open to read."""
        if self._catalogue is None:
            self._catalogue = Catalogue.open_to_read(self.folder / CATALOGUE_NAME)
        return self._catalogue

    @property
    def model(self) -> ModelRow:
        """The model whose vectors are searched; raises NotFound in an empty library."""
        model = self.catalogue.current_model()
        if model is None:
            raise NotFound(f"{self.folder}: {EMPTY}")
        return model

    @property
    def space(self) -> Space:
        """The geometry of its vectors."""
        return space_of(self.model)

    @property
    def store(self) -> FaissStore:
        """Its vectors, searchable: opened at the first use, and mended if need be."""
        if self._store is None:
            cache = StoreCache(self.folder, self.catalogue, settings=self.store_settings)
            self._store = cache.current(self.model, self.space, warn=self._warn)
        return self._store

    @property
    def store_settings(self) -> StoreSettings:
        """How the vectors are to be kept."""
        return store_settings_in(self.catalogue)

    def __len__(self) -> int:
        return len(self.store.ids())

    def tracks(self, ids: Sequence[int] | IdArray) -> list[TrackRecord]:
        """The tracks with these ids, in their order."""
        return self.catalogue.tracks(ids)

    def all_tracks(self) -> Iterator[TrackRecord]:
        """Every track that can be searched, by id."""
        return self.catalogue.all_tracks()

    def track(self, track_id: int) -> TrackRecord:
        """The track with an id; raises NotFound with the ids nearest to it."""
        found = self.catalogue.tracks([track_id])
        if found:
            return found[0]
        ids = self.store.ids()
        if not len(ids):
            raise NotFound(f"{self.folder}: {EMPTY}")
        close = difflib.get_close_matches(str(track_id), [str(known) for known in ids], n=3)
        near = ", ".join(close) or f"{ids[0]} to {ids[-1]}"
        raise NotFound(f"no track has the id {track_id}. Do you mean {near}?")

    def find(self, text: str) -> list[TrackRecord]:
        """The tracks that a person means: an id, or a path, which may be a file of several.

        Raises NotFound with the closest path where there is none.
        """
        path = Path(text).absolute()
        at_path = self.catalogue.tracks_at(path)
        if at_path:
            return at_path
        if text.isascii() and text.isdigit() and len(text) < 19:
            return [self.track(int(text))]
        paths = self.catalogue.paths()
        if not paths:
            raise NotFound(f"{self.folder}: {EMPTY}")
        close = difflib.get_close_matches(str(path), paths, n=1, cutoff=0.7)
        by_name = [known for known in paths if Path(known).name == path.name]
        if not close and not by_name:
            names = {Path(known).name: known for known in paths}
            close = [names[n] for n in difflib.get_close_matches(path.name, names, n=1)]
        hint = [*by_name, *close][:1]
        meant = f" Do you mean {printable_path(hint[0])}?" if hint else ""
        raise NotFound(f"{printable_path(text)}: not in the library.{meant}")

    def vectors(self, ids: Sequence[int] | IdArray) -> FloatMatrix:
        """The exact vectors [n, size] of tracks; raises NotFound for one without."""
        try:
            return self.store.vectors(np.asarray(ids, dtype=np.int64))
        except KeyError as error:
            raise NotFound(f"track {error.args[0]} has no vector in this library") from error

    def excerpts(self, track_id: int) -> TrackExcerpts | None:
        """Where a track was listened to, and what was heard there."""
        model = self.model
        return self.catalogue.vectors.excerpts(model.id, track_id, size=model.embedding_size)

    def nearest(
        self, queries: NDArray[np.floating], k: int, *, allowed_ids: IdArray | None = None
    ) -> tuple[FloatMatrix, IdArray]:
        """The k nearest to vectors [n, size]: true distances and ids [n, k], nearest first.

        Only among `allowed_ids`, if given. Where fewer than k exist: infinity and -1.
        """
        vectors = np.asarray(queries, dtype=np.float32)
        size = self.model.embedding_size
        if vectors.ndim != 2 or vectors.shape[1] != size:
            raise BadInput(f"vectors of shape {vectors.shape}, this library needs [n, {size}]")
        return self.store.search(vectors, k, allowed_ids=allowed_ids)

    @property
    def searcher(self) -> "Searcher":
        """What searches it."""
        if self._searcher is None:
            from index.search.search import Searcher  # what only reads records needs none of it

            self._searcher = Searcher(self)
        return self._searcher

    @property
    def encoder(self) -> "TrackEncoder":
        """The model that made its vectors, loaded at the first use."""
        if self._encoder is None or self._encoder.fingerprint != self.model.fingerprint:
            from index.library_folder.model_folder import load_encoder

            self._encoder = load_encoder(self)
        return self._encoder

    def search(self, request: "SearchRequest") -> QueryResult:
        """The tracks nearest to those that a request names."""
        return self.searcher.search(request)

    def playlist(self, request: "PlaylistRequest") -> "Playlist":
        """The playlist that a request asks for."""
        from index.playlists.make import make_playlist  # searches need none of it

        return make_playlist(self, request)

    def label(self, request: "LabelRequest") -> "LabelReport":
        """A vote of the neighbours on the label of each track that a request names."""
        from index.labels.labelling import label_tracks  # searches need none of it

        return label_tracks(self, request)

    def map(self, wish: "MapWish | None" = None) -> "LibraryMap":
        """Where every track lies on the map, and how far that can be trusted."""
        from index.map.library_map import map_of  # UMAP takes seconds to import

        return map_of(self, wish)

    def draw_map(
        self, output: Path, *, colour: str | None = None, force: bool = False
    ) -> "MapReport":
        """The map in a file: .html, .png, .svg or .csv; `colour` names a tag."""
        from index.map.drawing import draw_map

        return draw_map(self, output, colour=colour, force=force)

    def to_pandas(self) -> "pd.DataFrame":
        """A row a track, by id: its fields and tags. `vectors(frame.index)` are in its order."""
        from index.library_folder.frames import library_frame  # searches need no pandas

        return library_frame(self)

    def failures(self) -> list[Failure]:
        """Files that could not be used, and why."""
        return self.catalogue.failures()

    def info(self) -> LibraryInfo:
        """The library at a glance."""
        model = self.model
        counts = self.catalogue.counts()
        return LibraryInfo(
            folder=str(self.folder),
            format=self.catalogue.database.format,
            fingerprint=model.fingerprint,
            embedding_size=model.embedding_size,
            geometry=model.geometry,
            n_tracks=counts["tracks"],
            n_gone=counts["gone"],
            n_duplicates=counts["duplicates"],
            n_failures=counts["failures"],
            store=self.store.info().to_json(),
        )

    def check_fingerprint(self, fingerprint: str) -> None:
        """Raise FingerprintMismatch unless a model is the one that made the vectors."""
        check_fingerprint(self.folder, self.model, fingerprint)

    def verify(self) -> list[str]:
        """What is wrong with the library, in sentences; empty where all is well."""
        model, wrong = self.model, list(self.catalogue.database.check())
        cache = StoreCache(self.folder, self.catalogue, settings=self.store_settings)
        wrong += cache.problems(model, self.space)
        manifest = read_manifest(self.folder)
        if manifest.fingerprint != model.fingerprint:
            wrong.append(
                f"library.json names the model {manifest.fingerprint}, the catalogue "
                f"{model.fingerprint}. Any run of 'soundalike index' writes it anew."
            )
        return wrong


def store_settings_in(catalogue: Catalogue) -> StoreSettings:
    """How a library's vectors are to be kept."""
    text = catalogue.setting(STORE_SETTINGS_KEY)
    return StoreSettings(**json.loads(text)) if text else StoreSettings()


def check_fingerprint(folder: Path, model: ModelRow, fingerprint: str) -> None:
    """Raise FingerprintMismatch unless a library's model is the one given."""
    if model.fingerprint != fingerprint:
        raise FingerprintMismatch(
            f"{folder}: its vectors were made by another model",
            found=model.fingerprint,
            expected=fingerprint,
            advice="Use the library's model, or move the library to the other one with "
            "'soundalike index --model'.",
        )
