"""What a library stores about its scores: the fitted curve, and what it was fitted to."""

import json
from dataclasses import dataclass
from typing import Any

from index.catalogue.catalogue import Catalogue
from index.catalogue.records import Json
from index.library_folder.model_notes import RENEWED_BY_INDEX
from index.vectors.score_curve import ScoreCurve
from index.vectors.usual_nearest import UsualNearest

SETTING = "scores"
STALE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class LabelState:
    """The labels and tracks of a library, as far as scores depend on them."""

    fingerprint: str
    n_tracks: int
    field: str
    """The field of the labels; empty: artists alone."""
    n_labelled: int
    """The tracks with a label, or with an artist if no field has labels."""
    label_share: float
    """How probable it is that two tracks have the same label."""

    def is_near(self, other: "LabelState") -> bool:
        """Whether a curve that was fitted to the other state still holds."""
        is_same = (self.fingerprint, self.field) == (other.fingerprint, other.field)
        return is_same and all(
            abs(value - before) <= STALE_SHARE * before
            for value, before in (
                (self.n_tracks, other.n_tracks),
                (self.n_labelled, other.n_labelled),
                (self.label_share, other.label_share),
            )
        )


@dataclass(frozen=True, slots=True)
class LibraryScores:
    """The scores of a library, and how near its tracks usually are."""

    state: LabelState
    n_queries: int
    """The tracks that the curve was fitted with; 0: it is the model's own."""
    alike_share: float
    """How probable it is that two random tracks share a label or an artist."""
    curve: ScoreCurve | None
    nearest: UsualNearest

    def to_text(self) -> str:
        """The text in the settings."""
        content = {
            "fingerprint": self.state.fingerprint,
            "n_tracks": self.state.n_tracks,
            "field": self.state.field,
            "n_labelled": self.state.n_labelled,
            "label_share": self.state.label_share,
            "n_queries": self.n_queries,
            "alike_share": self.alike_share,
            "curve": self.curve.to_json() if self.curve else None,
            "nearest": [round(distance, 7) for distance in self.nearest.quantiles],
        }
        return json.dumps(content)

    @classmethod
    def from_text(cls, text: str) -> "LibraryScores":
        """Scores from the text in the settings."""
        content: dict[str, Any] = json.loads(text)
        return cls(
            LabelState(
                str(content["fingerprint"]),
                int(content["n_tracks"]),
                str(content["field"]),
                int(content["n_labelled"]),
                float(content["label_share"]),
            ),
            int(content["n_queries"]),
            float(content["alike_share"]),
            ScoreCurve.from_json(content["curve"]) if content["curve"] else None,
            UsualNearest(tuple(float(distance) for distance in content["nearest"])),
        )

    def to_json(self) -> Json:
        """For `library info`."""
        return {
            "field": self.state.field or None,
            "n_tracks": self.n_queries,
            "alike_share": self.alike_share,
        }


def scores_in(catalogue: Catalogue) -> LibraryScores | None:
    """What was fitted last, maybe for another model; None if nothing was."""
    return catalogue.parsed_setting(SETTING, LibraryScores.from_text, advice=RENEWED_BY_INDEX)
