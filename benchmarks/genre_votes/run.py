"""Train each objective with several seeds on real data and compare the votes for the genre.

    python benchmarks/genre_votes/run.py DATA/fma-small fma -o runs/votes-fma
    python benchmarks/genre_votes/run.py DATA/gtzan-spectrograms gtzan -o runs/votes-gtzan
    python benchmarks/genre_votes/run.py DATA/midi-audio midi -o runs/votes-midi
    python benchmarks/genre_votes/run.py DATA/midi-audio fit --folds 5 -o runs/votes-midi-fit
    python benchmarks/genre_votes/run.py DATA/midi-audio base --folds 5 -o runs/votes-midi-base

All objectives are trained with the same network, batches, augmentation and number of epochs (from
the TOML file of that name in this folder; `--set loop.epochs=…` changes it). Only the loss and the
kind of positives differ. The nearest reference tracks vote, without those of the query's artist. A
recipe without epochs (fit.toml) has one row, and so has a preset (tiny, base, large), which is
trained without change and measured at its best epoch on the validation tracks. Finished cells are
kept in the output folder: run the same command again to resume.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from embedder.config.batches import SamplerConfig
from embedder.config.loading import configure
from embedder.config.objectives import ObjectiveConfig, RelationKind
from embedder.config.training import TrainingConfig
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.training.run import TrainingRun
from embedder.training.train import train

RECIPES = sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))
OBJECTIVES = {
    "triplet": ObjectiveConfig(kind="triplet", mining="semi-hard", margin=0.2),
    "contrastive": ObjectiveConfig(kind="contrastive", margin=0.5),
    "supervised contrastive": ObjectiveConfig(kind="supervised-contrastive", temperature=0.1),
    "proxy-anchor": ObjectiveConfig(kind="proxy-anchor", margin=0.1),
    "softmax": ObjectiveConfig(kind="softmax", temperature=0.1),
}


def main() -> None:
    """Train the cells that are not finished, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("recipe", choices=[*RECIPES, *TRAINING_PRESETS])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--objectives", nargs="+", default=list(OBJECTIVES), choices=OBJECTIVES)
    parser.add_argument("--positives", nargs="+", default=["label"], choices=["label", "artist"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Path(__file__).with_name(f"{options.recipe}.toml")
    is_preset = options.recipe in TRAINING_PRESETS
    base = configure(
        TRAINING_PRESETS.get(options.recipe, TrainingConfig()),
        toml=None if is_preset else recipe,
        assignments=options.set,
    )
    options.output.mkdir(parents=True, exist_ok=True)
    cells = [
        (name, positive, with_objective(base, name, positive))
        for positive in options.positives
        for name in options.objectives
    ]
    if is_preset or not base.loop.epochs:
        cells = [(options.recipe if is_preset else "fitted", "label", base)]
    rows = []
    for name, positive, config in cells:
        scores = [
            cell(config, options, name=f"{name}, {positive}", seed=seed) for seed in options.seeds
        ]
        rows.append((name, positive, scores))
        print(line(*rows[-1]), flush=True)
    print("\n| objective | positives | vote, mean of seeds | 95 % interval |\n|---|---|---|---|")
    for row in rows:
        print(line(*row))


def with_objective(base: TrainingConfig, name: str, positive: RelationKind) -> TrainingConfig:
    """The recipe with one objective, and batches that contain its positives."""
    objective = dataclasses.replace(OBJECTIVES[name], relations=(positive,))
    sampler = base.sampler
    if positive == "artist":
        n_tracks = sampler.groups_per_batch * sampler.tracks_per_group
        sampler = SamplerConfig(
            groups_per_batch=n_tracks // 2,
            tracks_per_group=2,
            relations=("artist",),
            balanced=False,
            small_groups="repeat",
        )
    return dataclasses.replace(base, objectives=(objective,), sampler=sampler)


def cell(config: TrainingConfig, options: argparse.Namespace, *, name: str, seed: int) -> float:
    """The accuracy of one objective and seed (the mean of its folds), trained if necessary."""
    path = options.output / f"{name}, seed {seed}.json"
    if not path.exists():
        config = dataclasses.replace(
            config,
            loop=dataclasses.replace(config.loop, seed=seed),
            sampler=dataclasses.replace(config.sampler, seed=seed),
            dataset=dataclasses.replace(config.dataset, seed=seed),  # draws other folds
        )
        folds = range(options.folds) if options.folds else [-1]
        votes = [fold_vote(config, options, fold) for fold in folds]
        path.write_text(json.dumps({"accuracy": float(np.mean(votes)), "votes": votes}))
    return float(json.loads(path.read_text())["accuracy"])


def fold_vote(config: TrainingConfig, options: argparse.Namespace, fold: int) -> float:
    """Train, then measure the vote on the test tracks, or on validation if there are none."""
    split = dataclasses.replace(config.dataset, fold=fold, n_folds=max(options.folds, 2))
    runs: list[TrainingRun] = []

    def keep(run: TrainingRun) -> list[object]:
        runs.append(run)
        return []

    with tempfile.TemporaryDirectory() as folder:
        result = train(
            options.data,
            dataclasses.replace(config, dataset=split),
            Path(folder) / "run",
            make_observers=keep,  # type: ignore[arg-type]  # no observers
        )
        run = runs[0]
        checkpoint = "best" if options.recipe in TRAINING_PRESETS else "last"
        network = run.start.load(Path(folder) / "run" / checkpoint)
    test = run.dataset.positions("test")
    if not len(test):
        return float(result.scores["accuracy"])
    references = [run.dataset.positions(side) for side in ("train", "validation")]
    held_out = dataclasses.replace(
        run.held_out, queries=test, references=np.sort(np.concatenate(references))
    )
    return held_out(network, run.start.front_end)["accuracy"]


def line(name: str, positive: str, scores: list[float]) -> str:
    """A row of the table, with Student's interval over the seeds."""
    mean, n_seeds = np.mean(scores), len(scores)
    reach = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}.get(n_seeds, 2.0)
    half = reach * np.std(scores, ddof=1) / np.sqrt(n_seeds) if n_seeds > 1 else float("nan")
    return f"| {name} | {positive} | {mean:.3f} | {mean - half:.3f} to {mean + half:.3f} |"


if __name__ == "__main__":
    main()
