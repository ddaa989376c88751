"""The map of a library: laid out once, kept, and grown with the library without moving a track."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from embedder.errors import NotFound
from index.map.layout import LayoutSettings, Method, lay_out, method_for, place
from index.map.neighbours import Floats, Ids, NearTable, near_table, nearest_among
from index.map.quality import JUDGED_NEIGHBOURS, Trust, misleads, preservation, trust
from index.map.saved import SavedLayout, read_layout, save_layout
from index.results import TrackRecord

if TYPE_CHECKING:
    from index.library_reader import LibraryReader


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


def map_of(library: "LibraryReader", wish: MapWish | None = None) -> LibraryMap:
    """The map of a library; what is new since the last one is kept in the library's folder.

    Raises NotFound for a library without a track.
    """
    wish = wish or MapWish()
    wish.settings(None)  # a wrong setting is said before any work
    model = library.model
    ids = library.store.ids()
    if not len(ids):
        raise NotFound(
            f"{library.folder}: no track to draw. Index a folder of music with "
            "'soundalike index', or try 'soundalike demo'."
        )
    revision = library.catalogue.vectors.revision()
    vectors = library.vectors(ids)
    kept = read_layout(library.folder, dimensions=wish.dimensions, fingerprint=model.fingerprint)
    settings = wish.settings(kept.settings if kept else None)
    is_usable = (
        kept is not None
        and not wish.is_fresh
        and kept.settings == settings
        and kept.method == method_for(len(ids)) == "umap"
    )
    k = JUDGED_NEIGHBOURS if is_usable else max(JUDGED_NEIGHBOURS, settings.neighbours - 1)
    near = near_table(library, ids, vectors, k=k)
    layout = _grown(library, kept, ids, vectors) if kept is not None and is_usable else None
    if layout is None:
        coordinates = lay_out(vectors, near, settings, is_cosine=model.geometry == "cosine")
        layout = SavedLayout(
            model.fingerprint,
            revision,
            settings,
            method_for(len(ids)),
            ids=ids,
            coordinates=coordinates,
            is_placed=np.zeros(len(ids), dtype=np.bool_),
        )
    if layout is not kept:
        save_layout(library.folder, replace(layout, revision=revision))
    return LibraryMap(
        tracks=tuple(library.all_tracks()),
        coordinates=layout.coordinates,
        near=near.first(JUDGED_NEIGHBOURS),
        preservation=preservation(near, layout.coordinates),
        trust=trust(vectors, layout.coordinates, space=library.space, seed=settings.seed),
        settings=settings,
        method=layout.method,
        n_placed=int(layout.is_placed.sum()),
    )


def _grown(
    library: "LibraryReader", kept: SavedLayout, ids: Ids, vectors: Floats
) -> SavedLayout | None:
    """The kept layout brought to the tracks of today: those gone left out, new ones placed.

    None where nothing of it is left. A track whose sound was analysed anew is placed anew.
    """
    renewed = library.catalogue.vectors.ids_changed_since(library.model.id, kept.revision)
    is_old = np.isin(ids, kept.ids) & ~np.isin(ids, renewed)
    if is_old.all() and len(ids) == len(kept.ids):
        return kept
    if not is_old.any():
        return None
    known = ids[is_old]
    coordinates = np.empty((len(ids), kept.settings.dimensions), dtype=np.float32)
    places = np.searchsorted(kept.ids, known)
    coordinates[is_old] = kept.coordinates[places]
    if not is_old.all():
        near = nearest_among(library, vectors[~is_old], known, k=kept.settings.neighbours)
        coordinates[~is_old] = place(coordinates[is_old], near, kept.settings)
    is_placed = np.ones(len(ids), dtype=np.bool_)
    is_placed[is_old] = kept.is_placed[places]
    return replace(kept, ids=ids, coordinates=coordinates, is_placed=is_placed)
