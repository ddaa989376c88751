"""Tracks of a library whose label nearly all their neighbours contradict, with the evidence."""

from dataclasses import dataclass

import numpy as np

from index.audit.labels import suspicious_labels
from index.catalogue.records import Json, TrackRecord
from index.evaluate.material import material_of
from index.evaluate.subjects import library_subject
from index.library_folder.open_library import OpenLibrary


@dataclass(frozen=True, slots=True)
class DoubtfulLabel:
    """A track, the label that it has, and the one that its neighbours have."""

    track: TrackRecord
    field: str
    own_label: str
    label: str
    evidence: str

    def to_json(self) -> Json:
        """The track's fields, then those of the doubt."""
        return self.track.to_json() | {
            "field": self.field,
            "own_label": self.own_label,
            "label": self.label,
            "evidence": self.evidence,
        }


def doubtful_labels(library: OpenLibrary, *, field: str = "genre") -> list[DoubtfulLabel]:
    """The most doubtful first; empty if no track has the field, or if tracks are few.

    Tracks of the same artist and copies are not among the neighbours that are asked.
    """
    if not library.catalogue.fields().get(field):
        return []
    dataset, vectors = library_subject(library)
    material = material_of(dataset, field=field, group="artist", by_content=False)
    positions = np.asarray(vectors.positions, dtype=np.int64)
    findings = suspicious_labels(
        material, vectors.vectors, geometry=vectors.geometry, positions=positions
    )
    tracks = dict(zip((row.key for row in dataset.rows), library.all_tracks(), strict=True))
    return [
        DoubtfulLabel(
            tracks[finding.tracks[0]],
            field,
            str(finding.evidence["label"]),
            str(finding.evidence["neighbours_label"]),
            finding.why,
        )
        for finding in findings
    ]
