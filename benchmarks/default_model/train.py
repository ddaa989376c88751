"""Train the default model, or one seed of its recipe, on a folder like `fma-small`.

    python benchmarks/default_model/train.py DATA/fma-small -o runs/default --seeds 0 1 2

Prints the held-out vote of each seed, their mean and the spread. Interrupted, it goes on where it
was when it is called again.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch

from embedder.config.loading import configure
from embedder.config.training import TrainingConfig
from embedder.training.run import TrainingRun
from embedder.training.run_folder import RESULT_NAME
from embedder.training.run_state import STATE_NAME
from embedder.training.train import train

RECIPE = Path(__file__).with_name("recipe.toml")


class Lines:
    """Says how each epoch went."""

    def after_step(self, *_: object) -> None:
        """Nothing to say of a step."""

    def after_epoch(self, record: dict[str, object]) -> None:
        """One line an epoch."""
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
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    config = configure(TrainingConfig(), toml=RECIPE, assignments=options.set)
    scores = [run_seed(config, options.data, options.output, seed) for seed in options.seeds]
    print(f"accuracy: {[round(score, 4) for score in scores]}, mean {np.mean(scores):.4f}")


def run_seed(config: TrainingConfig, data: Path, output: Path, seed: int) -> float:
    """The held-out accuracy of one seed, trained now or before."""
    folder = output / f"seed-{seed}"
    if not (folder / RESULT_NAME).exists():
        seeded = dataclasses.replace(
            config,
            loop=dataclasses.replace(config.loop, seed=seed),
            sampler=dataclasses.replace(config.sampler, seed=seed),
        )
        has_begun = (folder / STATE_NAME).exists()
        train(data, seeded, folder, resume=has_begun, force=True, make_observers=lines)
    scores = json.loads((folder / RESULT_NAME).read_text())["scores"]
    print(f"seed {seed}: {scores}", flush=True)
    return float(scores["accuracy"])


def lines(_: TrainingRun) -> list[Lines]:
    """Who is told how the run goes."""
    return [Lines()]


if __name__ == "__main__":
    main()
