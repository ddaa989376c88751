"""The whole evaluation: vectors of every model, one protocol for all of them, comparisons.

Tracks that one of the models cannot encode are left out for all, so that figures are comparable.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from embedder.datasets.dataset import Dataset
from embedder.datasets.records import LeftOut
from embedder.errors import DatasetError, UsageError
from embedder.models.registry import find_model, list_models
from index.evaluate.baselines import BASELINES, baseline_vectors, check_baseline
from index.evaluate.copies import Prints, measured_prints, with_copies
from index.evaluate.material import Material, material_of
from index.evaluate.model_vectors import model_vectors
from index.evaluate.notes import notes_of
from index.evaluate.own_split import AS_TRAINED, learnt_positions
from index.evaluate.results import Comparison, Evaluation, Json, ModelScores
from index.evaluate.rounds import N_INNER_FOLDS, Rounds, rounds_of
from index.evaluate.scoring import accuracy_alone, gain, score
from index.evaluate.settings import EvaluationSettings
from index.evaluate.subjects import STORED
from index.evaluate.vector_set import VectorSet
from index.evaluate.whole_set import check_mappable

logger = logging.getLogger(__name__)

OnProgress = Callable[[str, int, int], None]
"""Called with the model's name, the number of vectors made so far and the number in total."""


@dataclass(frozen=True, slots=True)
class Making:
    """How vectors are made."""

    device: str = "auto"
    workers: int = 1
    on_progress: OnProgress | None = None


def evaluate(
    dataset: Dataset,
    names: Sequence[str],
    *,
    settings: EvaluationSettings,
    n_seeds: int = 1,
    stored: VectorSet | None = None,
    making: Making | None = None,
) -> Evaluation:
    """Evaluate models on a data set; the first is compared with each of the others.

    names: baselines, vectors stored in the data set, or models by name or path. `stored`: a
    library's own vectors, under the name `stored`.
    """
    if len(set(names)) < len(names):
        raise UsageError(f"the same model twice: {', '.join(names)}")
    # Check everything before encoding, which may take hours.
    dataset.require_field(settings.field)
    for name in names:
        check_name(dataset, name, stored=stored)
    if settings.with_map:
        check_mappable(len(dataset.rows))
    by_content = stored is None
    material = material_of(
        dataset, field=settings.field, group=settings.apart, by_content=by_content
    )
    rounds = rounds_of(material, settings)
    sets = [
        vectors_named(dataset, name, stored=stored, seed=settings.seed, making=making or Making())
        for name in names
    ]
    positions = reduce(np.intersect1d, [vector_set.positions for vector_set in sets])
    if not len(positions):
        first = next((vector_set.failed[0] for vector_set in sets if vector_set.failed), None)
        reason = f" The first: {first.path} ({first.reason})." if first else ""
        raise DatasetError(f"{dataset.root.name}: no track that all models can encode.{reason}")
    compared = dataset
    if by_content and dataset.store is None:
        compared = with_copies(dataset, _prints(dataset, sets, making or Making()))
    if compared is not dataset or len(positions) < len(dataset.rows):
        material = material_of(
            compared.subset(positions),
            field=settings.field,
            group=settings.apart,
            by_content=by_content,
        )
        rounds = rounds_of(material, settings)
    scored = []
    for vector_set in sets:
        common = replace(vector_set.only(positions), positions=np.arange(len(positions)))
        scores = score(common, material, rounds, settings)
        accuracies = [
            scores.accuracy.mean,
            *(
                _accuracy_with_seed(common, material, settings, number)
                for number in range(1, n_seeds)
            ),
        ]
        scored.append(replace(scores, accuracies_by_seed=tuple(accuracies)))
    return Evaluation(
        protocol=_protocol(material, rounds, settings, n_seeds),
        models=tuple(scored),
        comparisons=tuple(_compared(scored[0], other, material, settings) for other in scored[1:]),
        notes=(
            *(() if settings.has_split else _notes_on_training(dataset, sets)),
            *(vector_set.note for vector_set in sets if vector_set.note),
            *rounds.notes,
            *notes_of(material, settings, rounds, scored[0]),
        ),
        failed=_listed(failure for vector_set in sets for failure in vector_set.failed),
        # `index` has reported the files that a library leaves out.
        left_out=_listed(dataset.left_out) if stored is None else (),
    )


def _prints(dataset: Dataset, sets: Sequence[VectorSet], making: Making) -> Prints:
    """The fingerprints that an encoder measured; otherwise the files are decoded for them."""
    prints = next((vector_set.prints for vector_set in sets if vector_set.prints), None)
    return measured_prints(dataset, workers=making.workers) if prints is None else prints


def vectors_named(
    dataset: Dataset, name: str, *, stored: VectorSet | None, seed: int, making: Making
) -> VectorSet:
    """The vectors of a baseline, of the data set itself, of a library, or of a model.

    Tracks without a finite vector are listed as failed.
    """
    return _made(dataset, name, stored=stored, seed=seed, making=making).finite(dataset.rows)


def check_name(dataset: Dataset, name: str, *, stored: VectorSet | None) -> None:
    """Raise an error if this name cannot give vectors of the data set, without making any."""
    if stored is not None and name == stored.name:
        return
    if name == STORED:
        raise UsageError("only a library has stored vectors: give library in place of a data set")
    if name in dataset.extra_vectors:
        if name in BASELINES or name in [model.name for model in list_models()]:
            raise UsageError(
                f"{name}: both an array of {dataset.root.name} and a baseline or model. Rename "
                "the array in the .npz."
            )
    elif name in BASELINES:
        check_baseline(dataset, name)
    else:
        find_model(name)


def _made(
    dataset: Dataset, name: str, *, stored: VectorSet | None, seed: int, making: Making
) -> VectorSet:
    def report(n_done: int, n_all: int) -> None:
        if making.on_progress is not None:
            making.on_progress(name, n_done, n_all)

    check_name(dataset, name, stored=stored)
    if stored is not None and name == stored.name:
        return stored
    if name in BASELINES or name in dataset.extra_vectors:
        return baseline_vectors(
            dataset, name, seed=seed, workers=making.workers, on_progress=report
        )
    return model_vectors(
        dataset, name, device=making.device, workers=making.workers, on_progress=report
    )


def _listed(failures: Iterable[LeftOut]) -> tuple[Json, ...]:
    """Each path once."""
    reasons = {str(failure.path): failure.reason for failure in failures}
    return tuple({"path": path, "reason": reason} for path, reason in reasons.items())


def _notes_on_training(dataset: Dataset, sets: Sequence[VectorSet]) -> tuple[str, ...]:
    """A note for each model that was trained on some of the query tracks."""
    notes = []
    for vector_set in sets:
        folder = vector_set.model_folder
        n_learnt = len(learnt_positions(dataset, folder)) if folder else 0
        if n_learnt:
            n_tracks = len(dataset.rows)
            which = "this data set" if n_learnt == n_tracks else f"{n_learnt} of these {n_tracks}"
            notes.append(
                f"{vector_set.name} was trained on {which}: training tracks are queries too, and "
                f"the figures flatter it. --split {AS_TRAINED} takes the held-out tracks alone as "
                "queries."
            )
    return tuple(notes)


def _accuracy_with_seed(
    vector_set: VectorSet, material: Material, settings: EvaluationSettings, number: int
) -> float:
    """The accuracy with other folds, and for the random baseline with other vectors."""
    reseeded = replace(settings, seed=settings.seed + number)
    if vector_set.kind == "baseline" and vector_set.name == "random":
        redrawn = baseline_vectors(material.dataset, "random", seed=reseeded.seed)
        vector_set = replace(vector_set, vectors=redrawn.vectors)
    return accuracy_alone(vector_set, material, rounds_of(material, reseeded), reseeded)


def _compared(
    first: ModelScores, other: ModelScores, material: Material, settings: EvaluationSettings
) -> Comparison:
    artists = material.artists
    votes = gain(first.correct, other.correct, artists, settings, stream=29)
    if first.same_artist is None or other.same_artist is None:
        return Comparison(first.name, other.name, votes)
    same_artist = gain(first.artist_hits, other.artist_hits, artists, settings, stream=31)
    return Comparison(first.name, other.name, votes, same_artist)


def _protocol(
    material: Material, rounds: Rounds, settings: EvaluationSettings, n_seeds: int
) -> Json:
    dataset = material.dataset
    n_repeated = int((material.repeats != np.arange(len(material.repeats))).sum())
    return {
        "data": dataset.root.name,
        "layout": dataset.layout,
        "kind": rounds.kind,
        "field": settings.field,
        "k": settings.k,
        "group": settings.apart,
        "folds": settings.n_folds or None,
        "split": dataset.split_origin if settings.has_split else None,
        "seed": settings.seed,
        "seeds": n_seeds,
        "n_tracks": len(dataset.rows),
        "n_labels": len(material.label_names),
        "n_references": int(np.mean([len(clean.references) for clean in rounds.clean])),
        "n_groups": len(np.unique(material.groups[material.groups >= 0])),
        "n_without_group": int((material.groups < 0).sum()),
        "n_repeated": n_repeated,
        "is_multi_label": material.is_multi_label,
        "never_counted": "the query, its copies, other recordings of its song, and its own "
        + settings.apart,
        "vote": "as in label: the k nearest, weighted by distance, with calibrated probabilities",
        "scaling": "baselines, by the reference tracks of each round",
        "probe": _learning(rounds, "logistic regression on frozen vectors"),
        "calibration": _learning(rounds, "the vote's probabilities"),
        "interval": f"95 %, {settings.n_draws} draws of whole artists",
        "leaky": "only the query itself left out; folds by track",
        "data_digest": dataset.digest,
        "split_digest": dataset.split_digest,
    }


def _learning(rounds: Rounds, what: str) -> str | None:
    if not rounds.learning:
        return None
    if rounds.kind == "leave-one-out":
        return f"{what}, {N_INNER_FOLDS} grouped folds"
    return f"{what}, fitted on the reference tracks of each round"
