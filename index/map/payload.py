"""A map's data in its page: a JSON header, then typed arrays, compressed.

    gzip( length of header: uint32 | header: UTF-8, padded with spaces to a multiple of 4 | arrays )

The header lists each array's name, type, offset and length. In the page it is all base64, so no tag
can be read as HTML. Numbers are little-endian.
"""

import base64
import gzip
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.catalogue.records import TrackRecord
from index.map.fields import MapField
from index.map.library_map import LibraryMap
from index.map.quality import misleads, surroundings

PAYLOAD_FORMAT = 1
SHOWN_WITH_EACH_TRACK = ("artist", "album", "genre")
_TYPES = {"u1": "Uint8Array", "u2": "Uint16Array", "u4": "Uint32Array", "f4": "Float32Array"}


def pack(drawn: LibraryMap, fields: Sequence[MapField], *, page_folder: Path, title: str) -> str:
    """All data of the page, as base64."""
    arrays = _Arrays()
    arrays.add("coordinates", _quantised(drawn.coordinates))
    arrays.add("near", drawn.near.rows.astype("<u4"))
    widest = float(drawn.near.distances.max(initial=0.0)) or 1.0
    arrays.add("far", np.rint(drawn.near.distances / widest * 255).astype("u1"))
    arrays.add("preservation", np.rint(drawn.preservation * 100).astype("u1"))
    arrays.add("misleads", misleads(drawn.preservation).astype("u1"))
    tracks = drawn.tracks
    arrays.add("seconds", _numbers([track.duration_seconds for track in tracks]))
    arrays.add("starts", _numbers([track.start_seconds for track in tracks]))
    arrays.add("ends", _numbers([track.end_seconds for track in tracks]))
    folders, in_folder = _dictionary([_folder_of(track) for track in tracks])
    arrays.add("folder", in_folder)
    shown = {}
    for name in SHOWN_WITH_EACH_TRACK:
        shown[name], codes = _dictionary([getattr(track, name) for track in tracks])
        arrays.add(name, codes)
    header: dict[str, Any] = {
        "format": PAYLOAD_FORMAT,
        "title": title,
        "n_tracks": len(tracks),
        "dimensions": int(drawn.coordinates.shape[1]),
        "method": drawn.method,
        "k": drawn.near.k,
        "surroundings": surroundings(len(tracks)),
        "widest": widest,
        "trust": None if drawn.trust is None else round(drawn.trust.value, 4),
        "spans": _spans(drawn.coordinates),
        "page_folder": str(page_folder),
        "folders": folders,
        "files": [Path(track.path).name for track in tracks],
        "titles": [track.title for track in tracks],
        "shown": shown,
        "fields": [_field(arrays, number, field, drawn) for number, field in enumerate(fields)],
    }
    return base64.b64encode(arrays.packed(header)).decode("ascii")


class _Arrays:
    """Arrays one after another, each starting at a multiple of four bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._about: list[dict[str, object]] = []
        self._size = 0

    def add(self, name: str, values: NDArray[Any]) -> None:
        kind = _TYPES[values.dtype.str[1:]]
        data = np.ascontiguousarray(values).tobytes()
        self._about.append(
            {"name": name, "type": kind, "offset": self._size, "length": int(values.size)}
        )
        padded = data + bytes(-len(data) % 4)
        self._parts.append(padded)
        self._size += len(padded)

    def packed(self, header: dict[str, Any]) -> bytes:
        # ASCII, so that a path that is not UTF-8 survives as lone surrogates.
        text = json.dumps(header | {"arrays": self._about}, ensure_ascii=True).encode()
        text += b" " * (-len(text) % 4)
        # Without time and file name, so that the same map gives the same bytes.
        return gzip.compress(
            struct.pack("<I", len(text)) + text + b"".join(self._parts), compresslevel=6, mtime=0
        )


def _field(arrays: _Arrays, number: int, field: MapField, drawn: LibraryMap) -> dict[str, object]:
    arrays.add(f"codes {number}", field.codes)
    values: list[str] | None = None
    if field.name not in SHOWN_WITH_EACH_TRACK:
        values, codes = _dictionary(field.values)
        arrays.add(f"values {number}", codes)
    return {
        "name": field.name,
        "title": field.title,
        "labels": field.labels,
        "counts": field.counts,
        "light": [swatch.light for swatch in field.swatches],
        "dark": [swatch.dark for swatch in field.swatches],
        "shapes": [swatch.shape for swatch in field.swatches],
        "n_rest": field.n_rest,
        "is_ordered": field.is_ordered,
        "values": values,
        "places": [] if field.is_ordered else label_places(drawn.coordinates, field),
    }


def label_places(coordinates: NDArray[np.float32], field: MapField) -> list[list[float] | None]:
    """The place of each category's name, where its tracks are densest; None below two tracks.

    In the coordinates of the page, -1…1 on each axis.
    """
    scaled = _quantised(coordinates).astype(np.float64) / 65535 * 2 - 1
    spans = np.array(_spans(coordinates))
    places: list[list[float] | None] = []
    n_named = len(field.labels) - field.n_rest
    for code in range(n_named):
        points = scaled[field.codes == code]
        places.append(None if len(points) < 2 else (_densest(points) * spans).round(4).tolist())
    return places


def _densest(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of the points around the fullest cell of a grid."""
    n_cells = 12 if points.shape[1] == 2 else 8
    cells = np.clip(((points + 1) / 2 * n_cells).astype(int), 0, n_cells - 1)
    keys, counts = np.unique(cells, axis=0, return_counts=True)
    # A cell counts with its neighbours, so that no border splits a cluster.
    nearby = (np.abs(keys[:, None] - keys[None]).max(axis=2) <= 1) @ counts + counts
    fullest = keys[nearby.argmax()]
    around = np.abs(cells - fullest).max(axis=1) <= 1
    middle: NDArray[np.float64] = np.median(points[around], axis=0)
    return middle


def _quantised(coordinates: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Each axis in 65,536 steps, finer than the screen's pixels up to a zoom of 40."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    span = np.where(high > low, high - low, 1)
    steps: NDArray[np.uint16] = np.rint((coordinates - low) / span * 65535).astype("<u2")
    return steps


def _spans(coordinates: NDArray[np.float32]) -> list[float]:
    """The axes' lengths; the longest is 1."""
    spans = np.ptp(coordinates, axis=0).astype(np.float64)
    longest = float(spans.max())
    return [1.0] * len(spans) if longest <= 0 else (spans / longest).round(6).tolist()


def _dictionary(values: Sequence[str]) -> tuple[list[str], NDArray[np.uint32]]:
    """The distinct values, and for each track the number of its value."""
    numbers: dict[str, int] = {}
    codes = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), "<u4", count=len(values)
    )
    return list(numbers), codes


def _numbers(values: Sequence[float | None]) -> NDArray[np.float32]:
    return np.array([np.nan if value is None else value for value in values], dtype="<f4")


def _folder_of(track: TrackRecord) -> str:
    return str(Path(track.path).parent)
