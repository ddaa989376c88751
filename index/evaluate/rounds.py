"""Which tracks are queries and which are references: a split, folds, or each against all others.

            references            queries
    split   training side      ─▶ test side             one round
    folds   all folds but one  ─▶ that fold             a round a fold, each track a query once
    neither all others         ─▶ each track            one round

Beside the clean rounds there are leaky ones, as in many published tables: artists are not kept
apart, repeats count, and folds are drawn track by track. They show the gap.
"""

from dataclasses import dataclass, replace

import numpy as np

from embedder.datasets.allotment import allot
from embedder.datasets.dataset import Dataset
from embedder.datasets.splitting import track_blocks
from embedder.errors import DatasetError
from embedder.metrics.ranking import Ids
from index.evaluate.material import Material
from index.evaluate.settings import EvaluationSettings

N_INNER_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Round:
    """Positions in the data set; `same_set`: queries and references are the same tracks."""

    queries: Ids
    references: Ids
    same_set: bool = False


@dataclass(frozen=True, slots=True)
class Rounds:
    """The rounds of a protocol, clean and leaky."""

    kind: str
    """`split`, `folds` or `leave-one-out`."""
    clean: tuple[Round, ...]
    leaky: tuple[Round, ...]
    learning: tuple[Round, ...]
    """For the probe and the calibration, which are fitted on tracks that are not queries of the
    same round; empty if there are too few tracks."""
    notes: tuple[str, ...] = ()

    @property
    def queries(self) -> Ids:
        """All query tracks, in the order of the data set."""
        return np.sort(np.concatenate([clean.queries for clean in self.clean]))


def rounds_of(material: Material, settings: EvaluationSettings) -> Rounds:
    """The rounds of a protocol; tracks without a label are left out."""
    if settings.has_split:
        return _by_split(material)
    if settings.n_folds:
        return _by_folds(material, settings)
    return _each_against_all(material, settings)


def _by_split(material: Material) -> Rounds:
    dataset, labelled = material.dataset, material.labelled
    sides = {side: dataset.positions(side) for side in ("train", "validation", "test")}
    labelled_sides = {side: np.intersect1d(rows, labelled) for side, rows in sides.items()}
    training = labelled_sides["train"]
    queries = labelled_sides["test"] if len(sides["test"]) else labelled_sides["validation"]
    if not len(training) or not len(queries):
        counts = ", ".join(f"{len(rows)} {side}" for side, rows in labelled_sides.items())
        raise DatasetError(
            f"{dataset.root.name}: a split needs labelled training tracks as references and test "
            f"or validation tracks as queries, and has {counts}."
        )
    is_copy = np.isin(material.repeats[training], material.repeats[queries])
    references = training[~is_copy]
    if not len(references):
        raise DatasetError(
            f"{dataset.root.name}: all {len(is_copy)} training tracks repeat query tracks, so no "
            "reference track is left. See soundalike audit."
        )
    notes = []
    if is_copy.any():
        notes.append(f"{is_copy.sum()} training tracks repeat a query track: left out")
    is_shared = material.shared.at(references).has_any_of(material.shared.at(queries))
    if is_shared.any():
        notes.append(
            f"{is_shared.sum()} training tracks share an artist or album with query tracks: they "
            "vote only for others"
        )
    learning = Round(queries, references[~is_shared])
    if not len(learning.references):
        notes.append("no probe and no calibration: every training track shares an artist or album")
    return Rounds(
        "split",
        (Round(queries, references),),
        (Round(queries, training),),
        (learning,) if len(learning.references) else (),
        tuple(notes),
    )


def _by_folds(material: Material, settings: EvaluationSettings) -> Rounds:
    clean = grouped_folds(material, settings.n_folds, settings)
    labelled = material.labelled
    order = np.random.default_rng([settings.seed, 11]).permutation(labelled)
    leaky = []
    for part in np.array_split(order, settings.n_folds):
        queries = np.sort(part)
        leaky.append(Round(queries, np.setdiff1d(labelled, queries)))
    return Rounds("folds", clean, tuple(leaky), clean)


def _each_against_all(material: Material, settings: EvaluationSettings) -> Rounds:
    labelled = material.labelled
    whole = Round(labelled, labelled, same_set=True)
    notes = []
    learning: tuple[Round, ...] = ()
    try:
        learning = grouped_folds(material, N_INNER_FOLDS, settings)
    except DatasetError as error:
        notes.append(f"no probe and no calibration: {error}")
    return Rounds("leave-one-out", (whole,), (whole,), learning, tuple(notes))


def grouped_folds(
    material: Material, n_folds: int, settings: EvaluationSettings
) -> tuple[Round, ...]:
    """Folds that split neither a group nor the copies of a recording."""
    labelled = material.labelled
    blocks = track_blocks(_without_contents(material).subset(labelled), settings.apart)
    counts = np.zeros((int(blocks.max()) + 1, 1 + len(material.label_names)))
    np.add.at(counts[:, 0], blocks, 1)
    np.add.at(counts[:, 1:], blocks, material.tags[labelled])
    if len(counts) < n_folds:
        raise DatasetError(
            f"{material.dataset.root.name}: {len(labelled)} tracks in {len(counts)} groups are "
            f"too few for {n_folds} folds that share no group. Give fewer folds, or --group track."
        )
    generator = np.random.default_rng([settings.seed, 2])
    fold_of = allot(counts, [1.0 / n_folds] * n_folds, generator=generator)[blocks]
    rounds = [Round(labelled[fold_of == f], labelled[fold_of != f]) for f in range(n_folds)]
    return tuple(fold for fold in rounds if len(fold.queries) and len(fold.references))


def _without_contents(material: Material) -> Dataset:
    """The same tracks with their repeats in `duplicate_of`, so that no file is read again."""
    dataset = material.dataset
    rows = tuple(
        replace(row, path=None, duplicate_of=dataset.rows[first].key if first != position else "")
        for position, (row, first) in enumerate(
            zip(dataset.rows, material.repeats.tolist(), strict=True)
        )
    )
    return replace(dataset, rows=rows, store=None, extra_vectors={})
