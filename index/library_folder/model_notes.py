"""What a library remembers of its model, so that a search need not look for the model itself.

A copy of a part of the model's card, in the catalogue's settings, renewed whenever `index` runs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.encoder import Encoder
from index.vectors import hubness, random_pairs
from index.vectors.calibration import CARD_KEY, Calibration
from index.vectors.random_pairs import RandomPairs, measure_random_pairs, sampled_ids

SETTING = "model"


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """A model's name and place, and how its distances are to be read."""

    fingerprint: str
    name: str = ""
    folder: str = ""
    calibration: Calibration | None = None
    correction: hubness.Correction = "none"

    def to_text(self) -> str:
        """As it stands in the settings."""
        calibration = self.calibration.to_json() if self.calibration else None
        content = {
            "fingerprint": self.fingerprint,
            "name": self.name,
            "folder": self.folder,
            "calibration": calibration,
            "correction": self.correction,
        }
        return json.dumps(content)

    @classmethod
    def from_text(cls, text: str) -> "ModelNotes":
        """From the settings."""
        content: dict[str, Any] = json.loads(text)
        calibration = content.get("calibration")
        return cls(
            content["fingerprint"],
            content["name"],
            content["folder"],
            Calibration.from_json(calibration) if calibration else None,
            hubness.check_correction(content["correction"]),
        )


def notes_in(catalogue: Catalogue, model: ModelRow) -> ModelNotes:
    """What a catalogue remembers of the model that is searched."""
    text = catalogue.setting(SETTING)
    notes = ModelNotes.from_text(text) if text else None
    is_of_model = notes is not None and notes.fingerprint == model.fingerprint
    return notes if notes is not None and is_of_model else ModelNotes(model.fingerprint)


def notes_of(encoder: Encoder) -> ModelNotes:
    """What an encoder's card says; little, where it has none."""
    from embedder.models.card import Card  # with all configurations: a search needs none of them

    source = getattr(encoder, "model", encoder)
    card, folder = getattr(source, "card", None), getattr(source, "folder", None)
    if not isinstance(card, Card) or not isinstance(folder, Path):
        return ModelNotes(encoder.fingerprint)
    learned = card.facts.get(CARD_KEY)
    return ModelNotes(
        encoder.fingerprint,
        card.name,
        str(folder.absolute()),
        Calibration.from_json(learned) if learned else None,
        hubness.check_correction(str(card.facts.get(hubness.CARD_KEY, "none"))),
    )


def keep_up(catalogue: Catalogue, notes: ModelNotes) -> None:
    """Renew what searches read beside the vectors, if these notes are of the model in use."""
    model = catalogue.current_model()
    if model is None or model.fingerprint != notes.fingerprint:
        return
    text = notes.to_text()
    if catalogue.setting(SETTING) != text:
        catalogue.set_setting(SETTING, text)
    ids = catalogue.vectors.ids(model.id)
    stored = catalogue.setting(random_pairs.SETTING)
    if stored and RandomPairs.from_text(stored).is_current(model.fingerprint, len(ids)):
        return
    vectors = catalogue.vectors.matrix(model.id, sampled_ids(ids), size=model.embedding_size)
    pairs = measure_random_pairs(
        model.space, vectors, fingerprint=model.fingerprint, n_tracks=len(ids)
    )
    catalogue.set_setting(random_pairs.SETTING, pairs.to_text())
