"""The full report on a library: its store and why it was chosen, its model, fields and hubs."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from index.catalogue.artists import ArtistCounts
from index.catalogue.records import Json
from index.library_folder.lock import LOCK_NAME
from index.library_folder.model_notes import notes_in
from index.library_folder.open_library import OpenLibrary
from index.library_folder.upkeep import LibraryInfo, library_info
from index.vectors.distances import FloatMatrix, Space
from index.vectors.faiss_store import FaissStore
from index.vectors.hubness import K_LOCAL
from index.vectors.kinds import MAX_EXACT_VECTORS, StoreSettings
from index.vectors.store import IdArray

MAX_MEASURED = 4000
HUB_FACTOR = 5
"""A hub is among the neighbours of five times as many tracks as on average (Flexer et al.)."""
WHY = {
    "exact": f"every vector is compared, quick enough up to {MAX_EXACT_VECTORS:,}",
    "hnsw": "a graph over exact vectors",
    "hnsw-sq8": "a graph over one-byte vectors, within the memory allowed",
    "ivf-sq8": "lists of one-byte vectors: a graph would exceed the memory allowed",
    "ivf-pq": "lists of short codes: everything else would exceed the memory allowed",
    "lance-exact": "a table of LanceDB, searched in memory",
    "lance-sq8": "a table of LanceDB with lists of one-byte vectors",
    "lance-pq": "a table of LanceDB with lists of short codes",
}


@dataclass(frozen=True, slots=True)
class LibraryHubness:
    """How unevenly the tracks of a library appear as neighbours of each other."""

    k: int
    n_measured: int
    skewness: float
    """The skewness of k-occurrence: 0 is even, above 1.4 is called high."""
    hub_share: float
    """The share of all places in neighbour lists that hubs take."""
    orphan_share: float
    """The share of tracks that are no track's neighbour."""
    hubs: tuple[tuple[int, int], ...]
    """The ids of the largest hubs, each with the number of tracks that it is a neighbour of."""


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """All that `library info` shows."""

    info: LibraryInfo
    why: str
    model: str
    is_calibrated: bool
    scores: Json | None
    """What the scores were fitted to; None if they are the model's own."""
    correction: str
    bytes_on_disk: dict[str, int]
    fields: dict[str, int]
    artists: ArtistCounts
    label_sources: tuple[Json, ...]
    """The data sets that the library takes labels from, with the tracks for each field."""
    failures: tuple[Json, ...]
    hubness: LibraryHubness | None
    hub_paths: tuple[str, ...]

    def to_json(self) -> Json:
        """The fields of `info`, and then the others by their names."""
        hubs = None
        if self.hubness is not None:
            named = zip(self.hubness.hubs, self.hub_paths, strict=True)
            hubs = asdict(self.hubness) | {
                "hubs": [
                    {"id": track_id, "path": path, "occurrences": count}
                    for (track_id, count), path in named
                ]
            }
        return self.info.to_json() | {
            "why": self.why,
            "model": self.model,
            "is_calibrated": self.is_calibrated,
            "scores": self.scores,
            "hubness_correction": self.correction,
            "bytes_on_disk": self.bytes_on_disk,
            "fields": self.fields,
            "artists": self.artists.to_json(),
            "label_sources": list(self.label_sources),
            "failures": list(self.failures),
            "hubness": hubs,
        }


def report_on(library: OpenLibrary) -> LibraryReport:
    """Everything that `library info` shows."""
    info = library_info(library)
    notes = notes_in(library.catalogue, library.model)
    hubness = _hubness(library)
    hubs = [track_id for track_id, _ in hubness.hubs] if hubness else []
    kind = str(info.store["kind"])
    settings = library.store_settings
    scoring = library.scoring
    return LibraryReport(
        info=info,
        why=WHY[kind] if settings.kind == "auto" else f"chosen with '--store {settings.name}'",
        model=notes.name,
        is_calibrated=scoring.is_calibrated,
        scores=scoring.fitted.to_json() if scoring.fitted else None,
        correction=scoring.correction,
        bytes_on_disk=_bytes_on_disk(library.folder),
        fields=library.catalogue.fields(),
        artists=library.artists.counts,
        label_sources=tuple(_label_sources(library)),
        failures=tuple(failure.to_json() for failure in library.failures()),
        hubness=hubness,
        hub_paths=tuple(track.path for track in library.tracks(hubs)),
    )


def _label_sources(library: OpenLibrary) -> Iterator[Json]:
    labels = library.catalogue.labels
    for source in labels.sources():
        yield {
            "dataset": str(source.path),
            "layout": source.layout,
            "tracks": len(labels.tracks_of(source.id)),
            "fields": labels.fields_of(source.id),
        }


def _bytes_on_disk(folder: Path) -> dict[str, int]:
    """The size of each file. SQLite's -wal and -shm files count as part of the catalogue."""
    sizes: dict[str, int] = {}
    for path in sorted(folder.glob("*.*")):
        name = path.name.removesuffix("-wal").removesuffix("-shm")
        if name != LOCK_NAME:
            with suppress(FileNotFoundError):  # SQLite may delete its files at any time
                sizes[name] = sizes.get(name, 0) + path.stat().st_size
    return sizes


def _hubness(library: OpenLibrary) -> LibraryHubness | None:
    """The hubness of all tracks, or of a sample of some thousands among themselves."""
    ids = library.store.ids()
    if len(ids) > MAX_MEASURED:
        chosen = np.random.default_rng(len(ids)).choice(len(ids), MAX_MEASURED, replace=False)
        ids = ids[np.sort(chosen)]
    return measure_hubness(library.space, ids, library.vectors(ids)) if len(ids) else None


def measure_hubness(
    space: Space, ids: IdArray, vectors: FloatMatrix, *, k: int = K_LOCAL
) -> LibraryHubness | None:
    """The hubness of vectors [n, d] among themselves; None if there are too few."""
    if len(ids) <= k + 1:
        return None
    store = FaissStore.build(space, ids, vectors=vectors, settings=StoreSettings("exact"))
    _, neighbours = store.search(vectors, k + 1)
    is_other = neighbours != ids[:, None]
    # If copies push a track out of its own list, the last place is dropped instead.
    is_other[is_other.all(axis=1), -1] = False
    counts = np.bincount(np.searchsorted(ids, neighbours[is_other]), minlength=len(ids))
    is_hub = counts > HUB_FACTOR * k
    largest = np.argsort(-counts, kind="stable")[:5]
    spread = float(counts.std())
    skewness = float((((counts - counts.mean()) / spread) ** 3).mean()) if spread else 0.0
    return LibraryHubness(
        k=k,
        n_measured=len(ids),
        skewness=skewness,
        hub_share=float(counts[is_hub].sum() / counts.sum()),
        orphan_share=float((counts == 0).mean()),
        hubs=tuple((int(ids[row]), int(counts[row])) for row in largest if is_hub[row]),
    )
