"""An evaluation as tables, for the terminal and the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from embedder.metrics.bootstrap import Interval
from index.catalogue.wording import counted
from index.evaluate.results import Evaluation, Json, LabelScores, ModelScores, is_clear

MOST_LABELS = 30
CALIBRATION = "expected calibration error: how far probabilities are from what came true"
CONFUSION = "true label (row) taken for (column)"
HEAD_CONFUSION = "own head: true label (row) taken for (column)"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text and numbers under a title; the first row's names are the columns."""

    title: str
    rows: tuple[Json, ...]


def tables_of(evaluation: Evaluation) -> list[Table]:
    """The models, their comparisons, then labels, confusion and tags of the first model."""
    first = evaluation.models[0]
    rows = tuple(model_row(model, k=int(evaluation.protocol["k"])) for model in evaluation.models)
    tables = [Table(headline(evaluation), rows)]
    if evaluation.comparisons:
        tables.append(Table(f"{first.name} against the others", comparison_rows(evaluation)))
    errors = _error_rows(evaluation.models)
    if errors:
        tables.append(Table(CALIBRATION, tuple(errors)))
    if first.per_label:
        shown = tuple(_label_rows(first.per_label))
        by = f"the neighbours of {first.name}" if first.head else first.name
        title = f"{evaluation.protocol['field']} by {by}{_of_all(len(first.per_label))}"
        tables.append(Table(title, shown))
    if first.confusion is not None and len(first.label_names) <= MOST_LABELS:
        rows = tuple(_confusion_rows(first.label_names, first.confusion))
        tables.append(Table(CONFUSION, rows))
    if first.tagging is not None:
        by = f"the neighbours of {first.name}" if first.head else first.name
        tables.append(_tag_table(by, best_tagging(first.tagging)["per_tag"]))
    if first.head is not None:
        tables += _head_tables(first.name, first.head, str(evaluation.protocol["field"]))
    return tables


def _error_rows(models: Sequence[ModelScores]) -> list[Json]:
    """The errors of label probabilities and of scores, on tracks that took no part in a fit."""
    rows: list[Json] = []
    for model in models:
        if model.calibration is not None:
            label = model.calibration
            n_tracks = counted(sum(label["counts"]), "track")
            rows.append(_error_row(model.name, "label probability", n_tracks, label))
        if model.score_errors is not None:
            for kind, of in (("nearest", "10 nearest"), ("random", "random pairs")):
                errors = model.score_errors[kind]
                rows.append(
                    _error_row(model.name, f"score, {of}", f"{errors['n_pairs']} pairs", errors)
                    | {"alike": rounded(errors["alike_share"])}
                    | {"mean score": rounded(errors["mean_score"])}
                )
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def _error_row(model: str, what: str, n: str, errors: Json) -> Json:
    low, high = errors["expected_error_ci95"]
    bounds = None if np.isnan(low + high) else f"{low:.3f} to {high:.3f}"
    return {
        "model": model,
        "of": what,
        "over": n,
        "error": rounded(errors["expected_error"]),
        "95 %": bounds,
    }


def _head_tables(name: str, head: Json, field: str) -> list[Table]:
    """Labels and confusion, or tags, of a model's own head."""
    if "tagging" in head:
        return [_tag_table(f"the own head of {name}", head["tagging"]["per_tag"])]
    per_label = [LabelScores(**row) for row in head["per_label"]]
    title = f"{field} by the own head of {name}{_of_all(len(per_label))}"
    tables = [Table(title, tuple(_label_rows(per_label)))]
    if len(head["labels"]) <= MOST_LABELS:
        rows = tuple(_confusion_rows(head["labels"], np.array(head["confusion"])))
        tables.append(Table(HEAD_CONFUSION, rows))
    return tables


def remarks(evaluation: Evaluation) -> list[str]:
    """The notes, and the tracks that could not be used or measured."""
    notes = list(evaluation.notes)
    for tracks, what in ((evaluation.left_out, "used"), (evaluation.failed, "measured")):
        if tracks:
            count = counted(len(tracks), "track")
            first = f"{tracks[0]['path']}: {tracks[0]['reason']}"
            notes.append(f"{count} could not be {what}, such as {first}")
    return notes


def headline(evaluation: Evaluation) -> str:
    """Data, protocol and number of queries in one line."""
    protocol = evaluation.protocol
    kind = {
        "leave-one-out": "each track against all others",
        "folds": f"{protocol['folds']} grouped folds",
        "split": f"split by {protocol['split']}",
    }[protocol["kind"]]
    left_out = "copies" if protocol["group"] == "track" else f"own {protocol['group']} and copies"
    return (
        f"{protocol['data']}: {protocol['field']} of "
        f"{counted(evaluation.models[0].n_queries, 'track')}, "
        f"k = {protocol['k']}, {kind}, {left_out} left out"
    )


def model_row(model: ModelScores, *, k: int) -> Json:
    """The main figures of a model, one row of the first table."""
    row: Json = {
        "model": model.name,
        "accuracy": rounded(model.accuracy.mean),
        "95 %": _range(model.accuracy),
        **_head_figures(model.head),
        "leaky": rounded(model.leaky_accuracy),
        "macro F1": rounded(model.macro_f1),
        f"precision@{k}": rounded(model.at_k["precision"][k]),
        "MAP": rounded(model.mean_average_precision.mean),
        "probe": rounded(model.probe["accuracy"] if model.probe else None),
        "same artist": rounded(model.same_artist["hit_rate"] if model.same_artist else None),
        "hubness": rounded(model.hubness["skewness"]),
        "calibration error": rounded(
            model.calibration["expected_error"] if model.calibration else None
        ),
    }
    for k_tags, value in model.at_k.get("tag_recall", {}).items():
        row[f"tag recall@{k_tags}"] = rounded(value)
        row[f"hit@{k_tags}"] = rounded(model.at_k["hit"][k_tags])
    if model.tagging is not None:
        best = best_tagging(model.tagging)
        by = "" if model.head is None else "neighbours' "
        row |= {f"{by}ROC-AUC": rounded(best["roc_auc"]), f"{by}PR-AUC": rounded(best["pr_auc"])}
    for name, value in model.map_quality.items():
        row[f"{name} map"] = rounded(value)
    if len(model.accuracies_by_seed) > 1:
        seeds = np.array(model.accuracies_by_seed)
        row["over seeds"] = f"{seeds.mean():.3f} ± {seeds.std(ddof=1):.3f}"
    return {name: value for name, value in row.items() if value is not None}


def _head_figures(head: Json | None) -> Json:
    if head is None:
        return {}
    if "tagging" in head:
        scores = head["tagging"]
        return {
            "head ROC-AUC": rounded(scores["roc_auc"]),
            "head PR-AUC": rounded(scores["pr_auc"]),
        }
    return {
        "head accuracy": rounded(head.get("accuracy")),
        "head calibration error": rounded(head.get("expected_error")),
    }


def comparison_rows(evaluation: Evaluation) -> tuple[Json, ...]:
    """By how much the first model is better, and whether the difference is clear."""
    return tuple(
        {
            "other": comparison.other,
            "difference": rounded(comparison.difference.mean),
            "95 %": _range(comparison.difference),
            "clear": is_clear(comparison.difference),
            **_same_artist_columns(comparison.same_artist),
        }
        for comparison in evaluation.comparisons
    )


def _same_artist_columns(difference: Interval | None) -> Json:
    if difference is None:
        return {}
    return {
        "same artist": rounded(difference.mean),
        "its 95 %": _range(difference),
        "it is clear": is_clear(difference),
    }


def best_tagging(tagging: Json) -> Json:
    """The probe's scores if there are any, otherwise those of the neighbours' vote."""
    chosen: Json = tagging["probe"] if "probe" in tagging else tagging["neighbours"]
    return chosen


def track_name(track: Json) -> str:
    """A track by artist and title; without a title by the name of its file."""
    if not track.get("title"):
        return PurePath(str(track["track"])).name
    return " – ".join(part for part in (track.get("artist"), track["title"]) if part)


def rounded(value: float | None) -> float | None:
    """Rounded to three digits: no interval is narrower than that."""
    return None if value is None or np.isnan(value) else round(float(value), 3)


def _range(interval: Interval) -> str | None:
    if np.isnan(interval.low + interval.high):
        return None
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _of_all(n_labels: int) -> str:
    return f", {MOST_LABELS} of {n_labels}" if n_labels > MOST_LABELS else ""


def _tag_table(name: str, tags: Sequence[Json]) -> Table:
    frequent = sorted(tags, key=lambda tag: (-int(tag["n_tracks"]), str(tag["tag"])))
    return Table(
        f"tags by {name}, most frequent first{_of_all(len(tags))}",
        tuple(
            {
                "tag": tag["tag"],
                "tracks": tag["n_tracks"],
                "ROC-AUC": rounded(tag["roc_auc"]),
                "PR-AUC": rounded(tag["pr_auc"]),
            }
            for tag in frequent[:MOST_LABELS]
        ),
    )


def _label_rows(per_label: Sequence[LabelScores]) -> list[Json]:
    by_count = sorted(per_label, key=lambda scores: (-scores.n_tracks, scores.label))
    return [
        {
            "label": scores.label,
            "tracks": scores.n_tracks,
            "precision": rounded(scores.precision),
            "recall": rounded(scores.recall),
            "F1": rounded(scores.f1),
        }
        for scores in by_count[:MOST_LABELS]
    ]


def _confusion_rows(names: Sequence[str], counts: NDArray[np.int64]) -> list[Json]:
    return [
        {"": name, **dict(zip(names, (int(n) for n in row), strict=True))}
        for name, row in zip(names, counts, strict=True)
    ]
