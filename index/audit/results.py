"""The results of an audit. JSON field names are stable: added to, never renamed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Certainty = Literal["certain", "likely", "hint"]

KINDS: dict[str, str] = {
    "exact-duplicate": "The same content under several names",
    "near-duplicate": "The same recording, encoded or cut differently",
    "same-title": "The same artist and title: another excerpt, take or copy",
    "duplicate-across-split": "One recording on two sides of the split",
    "artist-across-split": "One artist on two sides of the split",
    "album-across-split": "One album on two sides of the split",
    "label-conflict": "One recording with different labels",
    "suspicious-label": "Nearly all neighbours agree on another label",
    "few-artists": "Labels that too few artists have",
    "unreadable": "Files that cannot be decoded",
    "silent": "Silent, or nearly so",
    "constant": "Pictures that do not change over time",
    "clipped": "Clipped at full scale",
    "truncated": "Shorter than their header says",
    "damaged": "Parts that cannot be decoded",
    "mono-as-stereo": "Two equal channels",
    "one-sided": "One channel is silent",
    "cancelling": "Channels that cancel each other out",
}
"""Every kind of finding, in the order of a report."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of one track or several, and its evidence."""

    kind: str
    tracks: tuple[str, ...]
    why: str
    certainty: Certainty = "certain"
    evidence: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "kind": self.kind,
            "certainty": self.certainty,
            "tracks": list(self.tracks),
            "why": self.why,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings of one data set, by kind."""

    name: str
    n_tracks: int
    checked: tuple[str, ...]
    """The kinds that were checked; for any other kind, no finding means nothing."""
    findings: tuple[Finding, ...]
    split: dict[str, int]
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """The tracks of the findings by artist and title, if they have a title."""

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind, the most certain first."""
        order = {"certain": 0, "likely": 1, "hint": 2}
        of_kind = [finding for finding in self.findings if finding.kind == kind]
        return tuple(sorted(of_kind, key=lambda finding: order[finding.certainty]))

    def counts(self) -> dict[str, int]:
        """The number of findings of each kind that was checked."""
        n_findings = Counter(finding.kind for finding in self.findings)
        return {kind: n_findings[kind] for kind in KINDS if kind in self.checked}

    def to_json(self) -> Json:
        """Counts first, then every finding."""
        return {
            "dataset": self.name,
            "n_tracks": self.n_tracks,
            "counts": self.counts(),
            "split": self.split,
            "findings": [finding.to_json() for kind in KINDS for finding in self.of_kind(kind)],
            "notes": list(self.notes),
            "names": dict(self.names),
        }
