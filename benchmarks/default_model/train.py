"""Train the default model, or one seed of its recipe, on a folder like `fma-small`.

    python benchmarks/default_model/train.py DATA/fma-small -o runs/default --seeds 0 1 2

Each seed takes three runs: recipe.toml, refine.toml from the checkpoint of the first, and
moments.toml for a network of another kind (in OUTPUT/moments). The script prints the held-out
accuracy of each seed and their mean. After an interruption, run the same command again to resume.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch

from embedder.config.loading import configure
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.training.folder.run_folder import RESULT_NAME, STATE_NAME
from embedder.training.run import TrainingRun
from embedder.training.train import train

RECIPE, REFINEMENT, MOMENTS = (
    Path(__file__).with_name(f"{name}.toml") for name in ("recipe", "refine", "moments")
)


class Lines:
    """Prints each epoch."""

    def after_step(self, *_: object) -> None:
        """Print nothing."""

    def after_epoch(self, record: dict[str, object]) -> None:
        """Print one line."""
        print(
            " ".join(
                f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in record.items()
            ),
            flush=True,
        )


def main() -> None:
    """Train each seed and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "data", type=Path, help="a folder of spectrograms with genres and a teacher"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/default"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="faster; needs a C++ compiler")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = configure(TrainingConfig(), toml=RECIPE)
    refinement = configure(TrainingConfig(), toml=REFINEMENT, assignments=options.set)
    moments = configure(TrainingConfig(), toml=MOMENTS)
    if options.compile:
        recipe, refinement = (
            dataclasses.replace(part, loop=dataclasses.replace(part.loop, compile=True))
            for part in (recipe, refinement)
        )
    data, output = options.data, options.output
    scores = [run_seed(recipe, refinement, data, output, seed) for seed in options.seeds]
    print(f"accuracy: {[round(score, 4) for score in scores]}, mean {np.mean(scores):.4f}")
    parts = [(output / "moments" / f"seed-{seed}", seed) for seed in options.seeds]
    beside = [run_part(moments, data, folder, seed)["accuracy"] for folder, seed in parts]
    print(f"moments: {[round(score, 4) for score in beside]}, mean {np.mean(beside):.4f}")


def run_seed(
    recipe: TrainingConfig, refinement: TrainingConfig, data: Path, output: Path, seed: int
) -> float:
    """The held-out accuracy of one seed, which is trained first if necessary."""
    first, folder = output / "first" / f"seed-{seed}", output / f"seed-{seed}"
    run_part(recipe, data, first, seed)
    start = TransferConfig(checkpoint=str(first / "best"))
    scores = run_part(dataclasses.replace(refinement, transfer=start), data, folder, seed)
    print(f"seed {seed}: {scores}", flush=True)
    return scores["accuracy"]


def run_part(config: TrainingConfig, data: Path, folder: Path, seed: int) -> dict[str, float]:
    """The held-out scores of one of the three runs of a seed."""
    if not (folder / RESULT_NAME).exists():
        seeded = dataclasses.replace(
            config,
            loop=dataclasses.replace(config.loop, seed=seed),
            sampler=dataclasses.replace(config.sampler, seed=seed),
        )
        has_begun = (folder / STATE_NAME).exists()
        train(data, seeded, folder, resume=has_begun, force=True, make_observers=lines)
    scores: dict[str, float] = json.loads((folder / RESULT_NAME).read_text())["scores"]
    return scores


def lines(_: TrainingRun) -> list[Lines]:
    """The observers of a run."""
    return [Lines()]


if __name__ == "__main__":
    main()
