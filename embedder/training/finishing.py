"""Give the models of a finished run their heads, fitted and calibrated on the run's own tracks."""

from dataclasses import dataclass
from pathlib import Path

import torch

from embedder.config.dataset import DatasetConfig
from embedder.models.card import CALIBRATION_KEY, read_card, with_facts
from embedder.models.heads import attach_heads, read_heads
from embedder.training.card_calibration import calibrate_card
from embedder.training.feeding.known_tracks import KnownTracks
from embedder.training.feeding.sources import BatchSource, Rows
from embedder.training.heads import finish_heads
from embedder.training.start.starting_point import StartingPoint
from embedder.training.validation import EncodedExcerpts, encode_excerpts


@dataclass(frozen=True, slots=True, eq=False)
class Finishing:
    """The tracks of a run, and how its models are loaded."""

    start: StartingPoint
    source: BatchSource
    known: KnownTracks
    config: DatasetConfig
    training: Rows
    validation: Rows

    def finish(
        self, folder: Path, encoded: tuple[EncodedExcerpts, EncodedExcerpts] | None = None
    ) -> dict[str, float]:
        """Give a saved model its heads and calibration; the heads' scores on validation tracks.

        encoded: the excerpts of validation and training tracks, if this model encoded them already.
        """
        validation = training = None
        if encoded is not None:
            validation, training = encoded
        elif len(self.validation):
            validation = self._encoded(folder, self.validation)
        if training is None:
            training = self._encoded(folder, self.training)
        scores = finish_heads(
            folder, self.known, self.config, training=training, validation=validation
        )
        if validation is not None:
            calibrate_card(folder, self.known, validation, self.start.geometry)
        return scores

    def _encoded(self, folder: Path, rows: Rows) -> EncodedExcerpts:
        network, front_end = self.start.load(folder), self.start.front_end.cpu()
        return encode_excerpts(self.source, rows, network, front_end, device=torch.device("cpu"))


def copy_heads(source: Path, target: Path) -> None:
    """Give a saved model the heads and the calibration of another one with the same weights."""
    card = read_card(source)
    facts = {CALIBRATION_KEY: card.facts.get(CALIBRATION_KEY)}
    target_card = with_facts(read_card(target), {k: v for k, v in facts.items() if v is not None})
    attach_heads(target, target_card, read_heads(source, card))


def have_same_weights(first: Path, second: Path) -> bool:
    """Whether two saved models give the same vectors."""
    return read_card(first).fingerprint == read_card(second).fingerprint
