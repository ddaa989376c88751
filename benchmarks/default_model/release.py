"""Make a combined model the one that comes with soundalike.

    python -m benchmarks.default_model.release runs/combined MOODS --field mood --scores FILE

Copies the model to embedder/models/bundled/default. Its card gets the model's origin, its scores
(FILE is the output of `soundalike evaluate ... --json`), and the calibration and hubness correction
of its distances, fitted on the validation tracks of MOODS, a folder of audio with a `tracks.csv`.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np

from benchmarks.default_model.bundle import KEPT_SCORES
from embedder.config.dataset import DatasetConfig
from embedder.datasets.opening import open_configured
from embedder.models.card import read_card, write_card
from embedder.models.model_files import copy_model
from embedder.models.registry import bundled_models_folder, load_model
from embedder.whole_files import whole_folder
from index.evaluate.card_facts import facts_from_held_out
from index.evaluate.model_vectors import model_vectors
from index.vectors.distances import Space

DESCRIPTION = (
    "Two parts side by side. Frames: three residual networks and three networks of cepstral "
    "moments over single frames of the middle 30 seconds, trained on the 6394 training tracks of "
    "FMA small (genre, sub-genre, artist, and the vectors of VGGish as a teacher). Patches: a "
    "residual network over six patches of three seconds, spread over the track, a frame every "
    "32 ms. It learned to say what MusiCNN (trained on 200,000 songs) says of 906 real recordings "
    "and 407 rendered MIDI files, mixed and changed at random; its vectors are whitened by how the "
    "patches of one recording differ. Stored spectrograms are read by frames alone. Weak on "
    "speech, on pop, and on music unlike these recordings (mostly Western popular music and jazz)."
)
LICENCE = (
    "Apache-2.0; trained on spectrograms of Creative Commons music (FMA small) and, without "
    "labels, on recordings: mood-clips, genre-clips, gtzan-clips and midi-audio (no licence "
    "stated), game music and songs (free licences), fma-clips (Creative Commons); its second "
    "teacher is MusiCNN (ISC)"
)


def main() -> None:
    """Calibrate the model, write its card, copy it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, metavar="MOODS")
    parser.add_argument("--field", default="mood")
    parser.add_argument("--scores", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=bundled_models_folder() / "default")
    options = parser.parse_args()
    settings = DatasetConfig(label_field=options.field, split_column="split")
    dataset = open_configured(options.data, settings)
    held_out = dataset.subset(dataset.positions("validation"))
    encoded = model_vectors(held_out, str(options.model), device="cpu")
    rows = [held_out.rows[at] for at in encoded.positions]
    model = load_model(options.model)
    facts = facts_from_held_out(
        encoded.vectors,
        [row.values(options.field)[0] for row in rows],
        artists=[row.group or "" for row in rows],
        space=Space(model.geometry.kind, model.config.curvature),
        generator=np.random.default_rng(0),
    )
    scores = json.loads(options.scores.read_text()) if options.scores else {}
    card = dataclasses.replace(
        read_card(options.model),
        name="default",
        licence=LICENCE,
        description=DESCRIPTION,
        scores={name: scores[name] for name in KEPT_SCORES if name in scores},
        facts={**model.card.facts, **facts},
    )
    with whole_folder(options.output) as made:
        copy_model(options.model, made)
        write_card(made, card)
    print(f"{options.output}: {card.fingerprint[:12]}, {facts}")


if __name__ == "__main__":
    main()
