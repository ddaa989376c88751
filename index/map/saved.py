"""A layout on disk: `map-2d.npz` or `map-3d.npz` in the library's folder, written atomically."""

import io
import json
import logging
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from embedder.whole_files import write_whole
from index.catalogue.revisions import CatalogueState
from index.map.layout import LayoutSettings, Method
from index.map.neighbours import Floats, Ids, NearTable
from index.map.quality import Trust

logger = logging.getLogger(__name__)

MAP_FORMAT = 1
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SavedLayout:
    """The coordinates of tracks, and how they were made.

    ids: int64 [tracks], ascending; coordinates: float32 [tracks, dimensions]; is_placed: bool
    [tracks], true for tracks added after the layout was made
    """

    fingerprint: str
    """Of the model that made the vectors."""
    state: CatalogueState
    """The catalogue's state at that time; empty in files of older versions."""
    settings: LayoutSettings
    method: Method
    ids: Ids
    coordinates: Floats
    is_placed: Flags
    near: NearTable
    """Every track's nearest neighbours; saved because finding them takes longest."""
    trust: Trust | None


def layout_path(folder: Path, dimensions: int) -> Path:
    """The path of a library's layout."""
    return folder / f"map-{dimensions}d.npz"


def save_layout(folder: Path, layout: SavedLayout) -> None:
    """Save a layout; if the folder cannot be written to, only log a warning."""
    about = {
        "format": MAP_FORMAT,
        "fingerprint": layout.fingerprint,
        **asdict(layout.state),
        "settings": asdict(layout.settings),
        "method": layout.method,
        "trust": None if layout.trust is None else asdict(layout.trust),
    }
    file = io.BytesIO()
    text = np.array(json.dumps(about))
    np.savez(
        file,
        about=text,
        ids=layout.ids,
        coordinates=layout.coordinates,
        is_placed=layout.is_placed,
        near_rows=layout.near.rows,
        near_distances=layout.near.distances,
    )
    path = layout_path(folder, layout.settings.dimensions)
    try:
        write_whole(path, file.getvalue())
    except OSError as error:
        logger.warning("%s: the map is not saved (%s); the next one is laid out again", path, error)


def read_layout(folder: Path, *, dimensions: int, fingerprint: str) -> SavedLayout | None:
    """The saved layout; None if there is none for this model, or it is damaged."""
    path = layout_path(folder, dimensions)
    if not path.exists():
        return None
    try:
        # Read into memory first: numpy leaves a file open if it is not an archive.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if about["format"] != MAP_FORMAT or about["fingerprint"] != fingerprint:
                return None
            layout = SavedLayout(
                fingerprint=fingerprint,
                state=CatalogueState(
                    str(about.get("catalogue_id", "")),
                    int(about["revision"]),
                    str(about.get("token", "")),
                ),
                settings=LayoutSettings(**about["settings"]),
                method=cast("Method", about["method"]),
                ids=arrays["ids"].astype(np.int64),
                coordinates=arrays["coordinates"].astype(np.float32),
                is_placed=arrays["is_placed"].astype(np.bool_),
                near=NearTable(arrays["near_rows"], arrays["near_distances"]),
                trust=Trust(**about["trust"]) if about["trust"] else None,
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("%s: damaged (%s); the map is laid out again", path, error)
        return None
    return layout if _is_whole(layout, dimensions) else None


def _is_whole(layout: SavedLayout, dimensions: int) -> bool:
    n_tracks = len(layout.ids)
    shapes_fit = (
        layout.coordinates.shape == (n_tracks, dimensions)
        and layout.is_placed.shape == (n_tracks,)
        and layout.near.rows.shape == layout.near.distances.shape
        and len(layout.near.rows) == n_tracks
    )
    return shapes_fit and bool(np.isfinite(layout.coordinates).all())
