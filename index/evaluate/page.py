"""An evaluation as one HTML file: figures, charts, tables and the protocol."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from embedder.whole_files import write_whole
from index.evaluate.charts import heat_table, interval_bars, reliability_curve, with_count
from index.evaluate.page_style import Named, html_page, html_table, section
from index.evaluate.results import Evaluation, Json, ModelScores
from index.evaluate.tables import (
    CONFUSION,
    HEAD_CONFUSION,
    MOST_LABELS,
    best_tagging,
    headline,
    remarks,
    tables_of,
    track_name,
)

MOST_TAGS = 50
FEW_COLUMNS = 6
"""A wider table takes the page's whole width."""
FEW_LABELS = 10


def write_page(path: Path, evaluation: Evaluation) -> None:
    """Write the page whole or not at all."""
    page = page_of(evaluation).encode("utf-8", "backslashreplace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, page)
    except OSError as error:  # it names a temporary file, or no file if the disk is full
        raise OSError(error.errno, error.strerror, str(path)) from error


def page_of(evaluation: Evaluation) -> str:
    """The page's text."""
    first = evaluation.models[0]
    title = f"{first.name} on {evaluation.protocol['data']}"
    parts = [
        f"<h1>{escape(title)}</h1><p class='lead'>{escape(headline(evaluation))}</p>",
        _cards(first),
        _notes(evaluation),
        "<main>",
        section("Accuracy of the neighbours' vote", _accuracies(evaluation)),
        _same_artist(evaluation),
        *_charts(first),
        *_head_charts(first),
    ]
    drawn = (CONFUSION, HEAD_CONFUSION)
    tables = [table for table in tables_of(evaluation) if table.title not in drawn]
    parts += [
        section(table.title, html_table(table.rows), is_whole=len(table.rows[0]) > FEW_COLUMNS)
        for table in tables
    ]
    parts.append(_hubs(first))
    settings = [
        {"setting": name.replace("_", " "), "value": value}
        for name, value in evaluation.protocol.items()
        if value is not None
    ]
    parts.append(section("Protocol", html_table(settings)) + "</main>")
    return html_page(title, "".join(parts))


def _accuracies(evaluation: Evaluation) -> str:
    return interval_bars(
        [model.name for model in evaluation.models],
        [model.accuracy.mean for model in evaluation.models],
        [(model.accuracy.low, model.accuracy.high) for model in evaluation.models],
        marks=[model.leaky_accuracy for model in evaluation.models],
        title="Line: 95 % interval over artists. Ring: accuracy under a leaky protocol.",
    )


def _cards(model: ModelScores) -> str:
    low, high = model.accuracy.low, model.accuracy.high
    bounds = "no interval" if np.isnan(low + high) else f"{low:.3f} to {high:.3f}"
    gap = "" if np.isnan(model.gap) else f" ({model.gap:+.3f})"
    shown: list[tuple[str, float | None]] = [
        (f"accuracy, {bounds}", model.accuracy.mean),
        (f"leaky accuracy{gap}", model.leaky_accuracy),
        ("mean average precision", model.mean_average_precision.mean),
        ("macro F1", model.macro_f1),
        ("own head, accuracy", (model.head or {}).get("accuracy")),
        ("own head, ROC-AUC", (model.head or {}).get("tagging", {}).get("roc_auc")),
        ("linear probe", model.probe["accuracy"] if model.probe else None),
        ("own artist in nearest 10", model.same_artist["hit_rate"] if model.same_artist else None),
        ("hubness (skew)", model.hubness["skewness"]),
    ]
    cards = "".join(
        f"<div class='card'><b>{value:.3f}</b><span>{escape(words)}</span></div>"
        for words, value in shown
        if value is not None and not np.isnan(value)
    )
    return f"<div class='cards'>{cards}</div>"


def _notes(evaluation: Evaluation) -> str:
    notes = remarks(evaluation)
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>" if notes else ""


def _same_artist(evaluation: Evaluation) -> str:
    named = [(m.name, m.same_artist) for m in evaluation.models if m.same_artist is not None]
    if not named:
        return ""
    chart = interval_bars(
        [name for name, _ in named],
        [scores["hit_rate"] for _, scores in named],
        [tuple(scores["hit_rate_ci95"]) for _, scores in named],
        title="Share of tracks with a track of the same artist among their 10 nearest.",
    )
    return section("Same artist nearby", chart)


def _charts(model: ModelScores) -> list[str]:
    parts = []
    if model.per_label:
        frequent = sorted(model.per_label, key=lambda scores: -scores.n_tracks)[:MOST_LABELS]
        chart = interval_bars(
            [with_count(scores.label, scores.n_tracks) for scores in frequent],
            [scores.f1 for scores in frequent],
            [(float("nan"), float("nan"))] * len(frequent),
            title="F1 of each label, most frequent first.",
        )
        parts.append(section("Labels", chart))
    if model.confusion is not None and 1 < len(model.label_names) <= MOST_LABELS:
        table = heat_table(model.label_names, model.confusion, title=CONFUSION)
        is_whole = len(model.label_names) > FEW_LABELS
        parts.append(section("Confusion", table, is_whole=is_whole))
    if model.tagging is not None:
        by = "Tags by the neighbours" if model.head else "Tags"
        parts.append(section(by, _tag_chart(best_tagging(model.tagging)["per_tag"])))
    if model.reliability is not None:
        curve = model.reliability
        chart = reliability_curve(
            curve.probability,
            curve.accuracy,
            curve.counts,
            title=f"Expected calibration error {curve.expected_error:.3f}",
        )
        parts.append(section("Calibration: is 80 % right eight times out of ten?", chart))
    return parts


def _head_charts(model: ModelScores) -> list[str]:
    """The figures of the model's own head, as those of the neighbours are drawn."""
    head = model.head
    if head is None:
        return []
    if "tagging" in head:
        return [section("Tags by the model's own head", _tag_chart(head["tagging"]["per_tag"]))]
    frequent = sorted(head["per_label"], key=lambda row: -row["n_tracks"])[:MOST_LABELS]
    chart = interval_bars(
        [with_count(row["label"], row["n_tracks"]) for row in frequent],
        [row["f1"] for row in frequent],
        [(float("nan"), float("nan"))] * len(frequent),
        title="F1 of each label by the own head, most frequent first.",
    )
    parts = [section("Labels by the model's own head", chart)]
    if 1 < len(head["labels"]) <= MOST_LABELS:
        counts = np.array(head["confusion"])
        table = heat_table(head["labels"], counts, title=HEAD_CONFUSION)
        is_whole = len(head["labels"]) > FEW_LABELS
        parts.append(section("Confusion of the own head", table, is_whole=is_whole))
    return parts


def _tag_chart(per_tag: Sequence[Json]) -> str:
    scored = [tag for tag in per_tag if not np.isnan(tag["roc_auc"])]
    scored.sort(key=lambda tag: -tag["n_tracks"])
    shown = sorted(scored[:MOST_TAGS], key=lambda tag: -tag["roc_auc"])
    which = f"the {MOST_TAGS} most frequent of {len(scored)} tags"
    return interval_bars(
        [with_count(tag["tag"], tag["n_tracks"]) for tag in shown],
        [tag["roc_auc"] for tag in shown],
        [(float("nan"), float("nan"))] * len(shown),
        marks=[tag["pr_auc"] for tag in shown],
        marked="PR-AUC",
        title=f"ROC-AUC of {which if len(shown) < len(scored) else 'each tag'}; ring: PR-AUC.",
    )


def _hubs(model: ModelScores) -> str:
    hubs = model.hubness
    lead = (
        f"Skewness of {hubs['k']}-occurrence: {hubs['skewness']:.2f} "
        f"({hubs['skewness_csls']:.2f} with the CSLS correction). Hubs take "
        f"{hubs['hub_share']:.1%} of all places in neighbour lists; {hubs['orphan_share']:.1%} of "
        "the tracks are in no list."
    )
    rows = [
        {
            "track": Named(((track_name(hub), hub["track"]),)),
            "occurrences": hub["occurrences"],
        }
        for hub in hubs["hubs"]
    ]
    return section("Hubs", f"<p>{escape(lead)}</p>{html_table(rows)}")
