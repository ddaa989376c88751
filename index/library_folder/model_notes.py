"""What a library stores about its model, so that a search does not need the model itself.

A copy of parts of the model's card, in the catalogue's settings. Every run of `index` renews it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedder.errors import CorruptArtefact
from index.catalogue.catalogue import Catalogue, ModelRow
from index.library_folder.encoder import Encoder
from index.vectors import hubness, random_pairs
from index.vectors.calibration import CARD_KEY, Calibration
from index.vectors.random_pairs import RandomPairs, measure_random_pairs, sampled_ids

SETTING = "model"
RENEWED_BY_INDEX = "'soundalike index' with your music writes it anew."


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """A model's name and folder, and how its distances become scores."""

    fingerprint: str
    name: str = ""
    folder: str = ""
    calibration: Calibration | None = None
    correction: hubness.Correction = "none"

    def to_text(self) -> str:
        """The text in the settings."""
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
        """Notes from the text in the settings."""
        content: dict[str, Any] = json.loads(text)
        calibration = content.get("calibration")
        return cls(
            _text(content["fingerprint"]),
            _text(content["name"]),
            _text(content["folder"]),
            Calibration.from_json(calibration) if calibration else None,
            hubness.check_correction(content["correction"]),
        )


def notes_in(catalogue: Catalogue, model: ModelRow) -> ModelNotes:
    """The catalogue's notes on the model in use; only a fingerprint if there are none."""
    notes = catalogue.parsed_setting(SETTING, ModelNotes.from_text, advice=RENEWED_BY_INDEX)
    is_of_model = notes is not None and notes.fingerprint == model.fingerprint
    return notes if notes is not None and is_of_model else ModelNotes(model.fingerprint)


def random_pairs_in(catalogue: Catalogue) -> RandomPairs | None:
    """The last measured distances of random tracks; None if they were never measured."""
    return catalogue.parsed_setting(
        random_pairs.SETTING, RandomPairs.from_text, advice=RENEWED_BY_INDEX
    )


def notes_of(encoder: Encoder) -> ModelNotes:
    """Notes from an encoder's card; only a fingerprint if it has no card."""
    from embedder.models.card import Card  # imports every configuration

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
    """Renew the notes and the random pairs, if these notes are about the model in use."""
    model = catalogue.current_model()
    if model is None or model.fingerprint != notes.fingerprint:
        return
    text = notes.to_text()
    if catalogue.setting(SETTING) != text:
        catalogue.set_setting(SETTING, text)
    ids = catalogue.vectors.ids(model.id)
    if _has_current_pairs(catalogue, model, len(ids)):
        return
    vectors = catalogue.vectors.matrix(model.id, sampled_ids(ids), size=model.embedding_size)
    pairs = measure_random_pairs(
        model.space, vectors, fingerprint=model.fingerprint, n_tracks=len(ids)
    )
    catalogue.set_setting(random_pairs.SETTING, pairs.to_text())


def _has_current_pairs(catalogue: Catalogue, model: ModelRow, n_tracks: int) -> bool:
    """Whether the stored random pairs are still valid; damaged ones are measured again."""
    try:
        pairs = random_pairs_in(catalogue)
    except CorruptArtefact:
        return False
    return pairs is not None and pairs.is_current(model.fingerprint, n_tracks)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
