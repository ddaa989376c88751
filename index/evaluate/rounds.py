"""Who asks and who answers: stored sides, folds, or each track against all others.

    split   training ──answers──▶ test                 one round
    folds   all folds but one ──▶ that fold             a round a fold, each track asks once
    neither all others ─────────▶ each track            one round

Beside the clean rounds stand leaky ones, as tables are usually made: no group apart, repeats
count, folds drawn track by track. They are there to show the gap.
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
    """Positions in the data set; `same_set`: both are the same tracks."""

    queries: Ids
    references: Ids
    same_set: bool = False


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is asked, cleanly and leakily."""

    kind: str
    """`split`, `folds` or `leave-one-out`."""
    clean: tuple[Round, ...]
    leaky: tuple[Round, ...]
    learning: tuple[Round, ...]
    """For the probe and calibration, which must be fitted on tracks that are never asked about;
    empty where the tracks do not suffice."""
    notes: tuple[str, ...] = ()

    @property
    def queries(self) -> Ids:
        """All who ask, in the order of the data set."""
        return np.sort(np.concatenate([one.queries for one in self.clean]))


def rounds_of(material: Material, settings: EvaluationSettings) -> Rounds:
    """The rounds of a protocol; only tracks with a label take part."""
    if settings.has_split:
        return _by_split(material)
    if settings.n_folds:
        return _by_folds(material, settings)
    return _each_against_all(material, settings)


def _by_split(material: Material) -> Rounds:
    dataset, labelled = material.dataset, material.labelled
    sides = {side: dataset.positions(side) for side in ("train", "validation", "test")}
    known = {side: np.intersect1d(rows, labelled) for side, rows in sides.items()}
    queries = known["test"] if len(sides["test"]) else known["validation"]
    if not len(known["train"]) or not len(queries):
        counts = ", ".join(f"{len(rows)} {side}" for side, rows in known.items())
        raise DatasetError(
            f"{dataset.root.name}: a split needs labelled training tracks to answer and test or "
            f"validation tracks to ask, and has {counts}."
        )
    asked_for = np.isin(material.repeats[known["train"]], material.repeats[queries])
    references = known["train"][~asked_for]
    if not len(references):
        raise DatasetError(
            f"{dataset.root.name}: all {len(asked_for)} training tracks repeat tracks that are "
            "asked about, and nobody is left to answer. See soundalike audit."
        )
    notes = []
    if asked_for.any():
        notes.append(
            f"{asked_for.sum()} training tracks repeat a track that is asked about: left out"
        )
    known_groups = material.groups[queries][material.groups[queries] >= 0]
    meets = np.isin(material.groups[references], known_groups)
    if meets.any():
        notes.append(
            f"{meets.sum()} training tracks share an artist or album with tracks that are asked "
            "about: they answer others only"
        )
    learning = Round(queries, references[~meets])
    if not len(learning.references):
        notes.append("no probe and no calibration: no training track is by an artist of its own")
    return Rounds(
        "split",
        (Round(queries, references),),
        (Round(queries, known["train"]),),
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
    """Folds that part neither a group nor the copies of a recording."""
    labelled = material.labelled
    blocks = track_blocks(_without_contents(material).subset(labelled), settings.group)
    counts = np.zeros((int(blocks.max()) + 1, 1 + len(material.label_names)))
    np.add.at(counts[:, 0], blocks, 1)
    np.add.at(counts[:, 1:], blocks, material.tags[labelled])
    if len(counts) < n_folds:
        raise DatasetError(
            f"{material.dataset.root.name}: {len(labelled)} tracks in {len(counts)} groups make no "
            f"{n_folds} folds that share none. Give fewer folds, or --group track."
        )
    generator = np.random.default_rng([settings.seed, 2])
    fold_of = allot(counts, [1.0 / n_folds] * n_folds, generator=generator)[blocks]
    rounds = [Round(labelled[fold_of == f], labelled[fold_of != f]) for f in range(n_folds)]
    return tuple(one for one in rounds if len(one.queries) and len(one.references))


def _without_contents(material: Material) -> Dataset:
    """The same tracks with their repeats written down, so that no fold reads the files again."""
    dataset = material.dataset
    rows = tuple(
        replace(row, path=None, duplicate_of=dataset.rows[first].key if first != at else "")
        for at, (row, first) in enumerate(zip(dataset.rows, material.repeats.tolist(), strict=True))
    )
    return replace(dataset, rows=rows, store=None, extra_vectors={})
