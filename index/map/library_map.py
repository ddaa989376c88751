"""The map of a library: laid out once and saved; new tracks are placed and the others stay."""

from dataclasses import dataclass

import numpy as np

from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.map.layout import LayoutSettings, Method, lay_out, method_for, place
from index.map.neighbours import Floats, Ids, NearTable, near_table, nearest_among
from index.map.quality import JUDGED_NEIGHBOURS, Trust, misleads, preservation, trust
from index.map.request import MapRequest
from index.map.saved import Flags, SavedLayout, read_layout, save_layout


@dataclass(frozen=True, slots=True, eq=False)
class LibraryMap:
    """Every track with a vector, by id, and its coordinates.

    coordinates: float32 [tracks, dimensions]; preservation: float32 [tracks], the share of a
    track's nearest neighbours that are also near it on the map
    """

    tracks: tuple[TrackRecord, ...]
    coordinates: Floats
    near: NearTable
    """The ten nearest neighbours in the full space."""
    preservation: Floats
    trust: Trust | None
    settings: LayoutSettings
    method: Method
    n_placed: int
    """The number of tracks added since the layout was made, placed without moving the others."""

    @property
    def n_misleading(self) -> int:
        """The number of tracks that lie far from most of their nearest neighbours."""
        return int(misleads(self.preservation).sum())


def map_of(library: OpenLibrary, request: MapRequest | None = None) -> LibraryMap:
    """The map of a library; a new or extended layout is saved in the library's folder.

    Raises NotFound if the library is empty.
    """
    request = request or MapRequest()
    request.settings(None)  # check the settings before any work
    library.require_tracks()
    ids = library.store.ids()
    layout = _current_layout(library, request, ids)
    return LibraryMap(
        tracks=tuple(library.all_tracks()),
        coordinates=layout.coordinates,
        near=layout.near,
        preservation=preservation(layout.near, layout.coordinates),
        trust=layout.trust,
        settings=layout.settings,
        method=layout.method,
        n_placed=int(layout.is_placed.sum()),
    )


def _current_layout(library: OpenLibrary, request: MapRequest, ids: Ids) -> SavedLayout:
    """The layout of the current tracks: the saved one, the saved one extended, or a new one."""
    model, state = library.model, library.catalogue.revisions.current()
    saved = read_layout(
        library.folder, dimensions=request.dimensions, fingerprint=model.fingerprint
    )
    settings = request.settings(saved.settings if saved else None)
    method = method_for(len(ids))
    coordinates, is_placed = None, np.zeros(len(ids), dtype=np.bool_)
    vectors = library.vectors(ids)
    if saved and not request.is_fresh and saved.settings == settings and saved.method == method:
        is_saved = _is_unchanged(library, saved, ids)
        if is_saved.all() and len(ids) == len(saved.ids):
            return saved
        if is_saved.any() and method == "umap":
            coordinates, is_placed = _extended(
                library, saved, ids, vectors=vectors, is_saved=is_saved
            )
    k = JUDGED_NEIGHBOURS if coordinates is not None else settings.neighbours - 1
    near = near_table(library, ids, vectors, k=max(k, JUDGED_NEIGHBOURS))
    if coordinates is None:
        coordinates = lay_out(vectors, near, settings, is_cosine=model.geometry == "cosine")
    layout = SavedLayout(
        model.fingerprint,
        state,
        settings,
        method,
        ids=ids,
        coordinates=coordinates,
        is_placed=is_placed,
        near=near.first(JUDGED_NEIGHBOURS),
        trust=trust(vectors, coordinates, space=library.space, seed=settings.seed),
    )
    save_layout(library.folder, layout)
    return layout


def _is_unchanged(library: OpenLibrary, saved: SavedLayout, ids: Ids) -> Flags:
    """Which tracks are in the saved layout with their current vector."""
    if not library.catalogue.revisions.includes(saved.state):
        return np.zeros(len(ids), dtype=np.bool_)  # of another catalogue, or one from a backup
    changed = library.catalogue.vectors.ids_changed_since(library.model.id, saved.state.revision)
    flags: Flags = np.isin(ids, saved.ids) & ~np.isin(ids, changed)
    return flags


def _extended(
    library: OpenLibrary, saved: SavedLayout, ids: Ids, *, vectors: Floats, is_saved: Flags
) -> tuple[Floats, Flags]:
    """Coordinates of the current tracks: saved ones stay, new ones are placed; and which are."""
    saved_ids = ids[is_saved]
    rows = np.searchsorted(saved.ids, saved_ids)
    coordinates = np.empty((len(ids), saved.settings.dimensions), dtype=np.float32)
    coordinates[is_saved] = saved.coordinates[rows]
    is_placed = np.ones(len(ids), dtype=np.bool_)
    is_placed[is_saved] = saved.is_placed[rows]
    if not is_saved.all():
        near = nearest_among(library, vectors[~is_saved], saved_ids, k=saved.settings.neighbours)
        coordinates[~is_saved] = place(coordinates[is_saved], near, saved.settings)
    return coordinates, is_placed
