"""A library at length: how it is kept and why, its model, its fields, its hubs."""

from dataclasses import asdict, dataclass

import numpy as np

from index.catalogue.records import Json, LibraryInfo
from index.library_folder.model_notes import notes_in
from index.library_folder.open_library import OpenLibrary
from index.library_folder.upkeep import library_info
from index.vectors.hubness import MAX_MEASURED, LibraryHubness, measure_hubness
from index.vectors.kinds import MAX_EXACT_VECTORS

WHY = {
    "exact": f"every vector is compared, quick enough up to {MAX_EXACT_VECTORS:,}",
    "hnsw": "a graph over exact vectors",
    "hnsw-sq8": "a graph over one-byte vectors, within the memory allowed",
    "ivf-sq8": "lists of one-byte vectors: a graph would exceed the memory allowed",
    "ivf-pq": "lists of short codes: all else would exceed the memory allowed",
}


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """All that `library info` shows."""

    info: LibraryInfo
    why: str
    model: str
    is_calibrated: bool
    correction: str
    bytes_on_disk: dict[str, int]
    fields: dict[str, int]
    failures: tuple[Json, ...]
    hubness: LibraryHubness | None
    hub_paths: tuple[str, ...]

    def to_json(self) -> Json:
        """The fields of the library at a glance, and the others by their names."""
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
            "hubness_correction": self.correction,
            "bytes_on_disk": self.bytes_on_disk,
            "fields": self.fields,
            "failures": list(self.failures),
            "hubness": hubs,
        }


def report_on(library: OpenLibrary) -> LibraryReport:
    """Look at all of it."""
    info = library_info(library)
    notes = notes_in(library.catalogue, library.model)
    hubness = _hubness(library)
    hubs = [track_id for track_id, _ in hubness.hubs] if hubness else []
    kind = str(info.store["kind"])
    is_chosen = library.store_settings.kind != "auto"
    scoring = library.scoring
    return LibraryReport(
        info=info,
        why=f"chosen with 'library rebuild --store {kind}'" if is_chosen else WHY[kind],
        model=notes.name,
        is_calibrated=scoring.calibration.is_learned,
        correction=scoring.correction,
        bytes_on_disk={
            path.name: path.stat().st_size for path in sorted(library.folder.glob("*.*"))
        },
        fields=library.catalogue.fields(),
        failures=tuple(failure.to_json() for failure in library.failures()),
        hubness=hubness,
        hub_paths=tuple(track.path for track in library.tracks(hubs)),
    )


def _hubness(library: OpenLibrary) -> LibraryHubness | None:
    """Of all tracks, or of some thousands, which are then each other's neighbours."""
    ids = library.store.ids()
    if len(ids) > MAX_MEASURED:
        chosen = np.random.default_rng(len(ids)).choice(len(ids), MAX_MEASURED, replace=False)
        ids = ids[np.sort(chosen)]
    return measure_hubness(library.space, ids, library.vectors(ids)) if len(ids) else None
