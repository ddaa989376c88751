"""Make a trained or merged model the part `frames` of the model that comes with soundalike.

    python benchmarks/default_model/bundle.py runs/merged DATA/fma-small --scores FILE

Copies the run's best model to runs/frames; combine.py and release.py do the rest. Its card gets the
model's origin, its scores (FILE is the output of `soundalike evaluate … --json`), and the
calibration and hubness correction of its distances, fitted on the validation tracks.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from embedder.datasets.opening import open_dataset
from embedder.features.front_end import FrontEnd
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork
from index.evaluate.card_facts import facts_from_held_out
from index.evaluate.model_vectors import model_vectors
from index.vectors.distances import Space

DESCRIPTION = (
    "Three residual networks and three networks of cepstral moments, side by side over mel "
    "spectrograms (128 rows, 128 frames of 30 seconds), trained with three seeds on the 6394 "
    "training tracks of FMA small: genre, sub-genre, artist, and the vectors of a larger network "
    "as a teacher. One projection over all of them and over untrained moments, fitted in closed "
    "form, ignores which half of a track is played, the sample rate, and what lies above 8 kHz. "
    "Weak where genre depends on rhythm (it sees one frame in a quarter of a second, no onsets), "
    "on speech, and on pop."
)
LICENCE = "Apache-2.0; trained on spectrograms of Creative Commons music"
KEPT_SCORES = ("protocol", "n_queries", "accuracy", "accuracy_ci95", "macro_f1", "leaky_accuracy")


def main() -> None:
    """Load the model, calibrate it, write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/frames"))
    parser.add_argument("--weight-bits", type=int, choices=(8, 16, 32), default=16)
    options = parser.parse_args()
    model = load_model(options.run / "best")
    assert isinstance(model.network, EmbeddingNetwork)
    assert isinstance(model.front_end, FrontEnd)
    dataset = open_dataset(options.data)
    held_out = dataset.subset(dataset.positions("validation"))
    encoded = model_vectors(held_out, str(options.run / "best"), device="cpu")
    rows = [held_out.rows[at] for at in encoded.positions]
    facts = facts_from_held_out(
        encoded.vectors,
        [row.values("genre")[0] for row in rows],
        artists=[row.group or "" for row in rows],
        space=Space(model.geometry.kind, model.config.curvature),
        generator=np.random.default_rng(0),
    )
    scores = json.loads(options.scores.read_text()) if options.scores else {}
    card = save_model(
        options.output,
        model.network,
        front_end=model.front_end,
        name="frames",
        licence=LICENCE,
        description=DESCRIPTION,
        scores={name: scores[name] for name in KEPT_SCORES if name in scores} or model.card.scores,
        facts={**without_paths(model.card.facts), **facts},
        weight_bits=options.weight_bits,
        replace=True,
    )
    print(f"{options.output}: {card.fingerprint[:12]}, {facts}")


def without_paths(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, with the path of a starting checkpoint replaced by its recipe's file name."""
    settings = re.sub(r'checkpoint = ".+"', 'checkpoint = "recipe.toml"', facts["settings"])
    return {**facts, "settings": settings}


if __name__ == "__main__":
    main()
