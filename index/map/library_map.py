"""The map of a library: laid out once, kept, and grown with the library without moving a track."""

from dataclasses import dataclass, replace

import numpy as np

from embedder.errors import NotFound
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.map.layout import LayoutSettings, Method, lay_out, method_for, place
from index.map.neighbours import Floats, Ids, NearTable, near_table, nearest_among
from index.map.quality import JUDGED_NEIGHBOURS, Trust, misleads, preservation, trust
from index.map.saved import Flags, SavedLayout, read_layout, save_layout


@dataclass(frozen=True, slots=True)
class MapWish:
    """What is asked of a map; None leaves a setting as it is in the map that the library keeps."""

    dimensions: int = 2
    neighbours: int | None = None
    min_distance: float | None = None
    seed: int | None = None
    is_fresh: bool = False
    """Lay all out anew, even where a layout is kept."""

    def settings(self, kept: LayoutSettings | None) -> LayoutSettings:
        """The settings that follow, checked."""
        base = kept or LayoutSettings(dimensions=self.dimensions)
        given = {
            name: value
            for name in ("neighbours", "min_distance", "seed")
            if (value := getattr(self, name)) is not None
        }
        return replace(base, **given)


@dataclass(frozen=True, slots=True, eq=False)
class LibraryMap:
    """Every track that can be searched, by id, and where it lies.

    coordinates: float32 [tracks, dimensions]; preservation: float32 [tracks], the share of a
    track's true neighbours that lie around it on the map
    """

    tracks: tuple[TrackRecord, ...]
    coordinates: Floats
    near: NearTable
    """The ten nearest in the full space."""
    preservation: Floats
    trust: Trust | None
    settings: LayoutSettings
    method: Method
    n_placed: int
    """How many tracks have come since the layout was made, placed without moving the others."""

    @property
    def n_misleading(self) -> int:
        """How many tracks lie far from what they sound like."""
        return int(misleads(self.preservation).sum())


def map_of(library: OpenLibrary, wish: MapWish | None = None) -> LibraryMap:
    """The map of a library; what is new since the last one is kept in the library's folder.

    Raises NotFound for a library without a track.
    """
    wish = wish or MapWish()
    wish.settings(None)  # a wrong setting is said before any work
    ids = library.store.ids()
    if not len(ids):
        raise NotFound(
            f"{library.folder}: no track to draw. Index a folder of music with "
            "'soundalike index', or try 'soundalike demo'."
        )
    layout = _current_layout(library, wish, ids)
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


def _current_layout(library: OpenLibrary, wish: MapWish, ids: Ids) -> SavedLayout:
    """The layout of today's tracks: the kept one as it is, grown, or a new one."""
    model, revision = library.model, library.catalogue.vectors.revision()
    kept = read_layout(library.folder, dimensions=wish.dimensions, fingerprint=model.fingerprint)
    settings = wish.settings(kept.settings if kept else None)
    method = method_for(len(ids))
    coordinates, is_placed = None, np.zeros(len(ids), dtype=np.bool_)
    vectors = library.vectors(ids)
    if kept and not wish.is_fresh and kept.settings == settings and kept.method == method:
        is_old = _is_known(library, kept, ids)
        if is_old.all() and len(ids) == len(kept.ids):
            return kept
        if is_old.any() and method == "umap":
            coordinates, is_placed = _grown(library, kept, ids, vectors=vectors, is_old=is_old)
    k = JUDGED_NEIGHBOURS if coordinates is not None else settings.neighbours - 1
    near = near_table(library, ids, vectors, k=max(k, JUDGED_NEIGHBOURS))
    if coordinates is None:
        coordinates = lay_out(vectors, near, settings, is_cosine=model.geometry == "cosine")
    layout = SavedLayout(
        model.fingerprint,
        revision,
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


def _is_known(library: OpenLibrary, kept: SavedLayout, ids: Ids) -> Flags:
    """Which tracks the kept layout has as they are; what was analysed anew counts as new."""
    renewed = library.catalogue.vectors.ids_changed_since(library.model.id, kept.revision)
    known: Flags = np.isin(ids, kept.ids) & ~np.isin(ids, renewed)
    return known


def _grown(
    library: OpenLibrary, kept: SavedLayout, ids: Ids, *, vectors: Floats, is_old: Flags
) -> tuple[Floats, Flags]:
    """Coordinates of today's tracks, those gone left out and new ones placed; which were placed."""
    known = ids[is_old]
    places = np.searchsorted(kept.ids, known)
    coordinates = np.empty((len(ids), kept.settings.dimensions), dtype=np.float32)
    coordinates[is_old] = kept.coordinates[places]
    is_placed = np.ones(len(ids), dtype=np.bool_)
    is_placed[is_old] = kept.is_placed[places]
    if not is_old.all():
        near = nearest_among(library, vectors[~is_old], known, k=kept.settings.neighbours)
        coordinates[~is_old] = place(coordinates[is_old], near, kept.settings)
    return coordinates, is_placed
