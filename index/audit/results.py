"""What an audit answers. Names in JSON are fixed: added to, never renamed."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Certainty = Literal["certain", "likely", "hint"]

KINDS: dict[str, str] = {
    "exact-duplicate": "The same content under several names",
    "near-duplicate": "The same recording, encoded or cut otherwise",
    "same-title": "The same artist and title: another excerpt, take or copy",
    "duplicate-across-split": "One recording on two sides of the split",
    "artist-across-split": "One artist on two sides of the split",
    "album-across-split": "One album on two sides of the split",
    "label-conflict": "One recording with different labels",
    "suspicious-label": "All neighbours agree on another label",
    "few-artists": "Labels that too few artists have",
    "unreadable": "Files that cannot be heard",
    "silent": "Silent, or nearly so",
    "constant": "Pictures in which nothing happens",
    "clipped": "Cut off at full scale",
    "truncated": "Shorter than they say",
    "damaged": "Parts that cannot be decoded",
    "mono-as-stereo": "Two channels that are one",
    "one-sided": "One channel is silent",
    "cancelling": "Channels that cancel each other out",
}
"""Every kind of finding, in the order of a report."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one track or several, and how that shows."""

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
    """What was looked for; what is missing here was not found because nobody looked."""
    findings: tuple[Finding, ...]
    split: dict[str, int]
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind, the most certain first."""
        order = {"certain": 0, "likely": 1, "hint": 2}
        found = [finding for finding in self.findings if finding.kind == kind]
        return tuple(sorted(found, key=lambda one: order[one.certainty]))

    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind that was looked for."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS if kind in self.checked}

    def to_json(self) -> Json:
        """Counts first, then every finding."""
        return {
            "dataset": self.name,
            "n_tracks": self.n_tracks,
            "counts": self.counts(),
            "split": self.split,
            "findings": [one.to_json() for kind in KINDS for one in self.of_kind(kind)],
            "notes": list(self.notes),
        }
