"""`report.html`: a page about a run, without scripts or external files."""

import html
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from embedder.datasets.dataset import Dataset
from embedder.training.doctor import Histogram
from embedder.training.folder.run_folder import TrainingResult
from embedder.training.report.advice import RunFacts, what_to_try
from embedder.training.report.charts import histogram_chart
from embedder.training.report.confusion import MAX_SHOWN_LABELS, confusion_table
from embedder.training.report.cross_validation import cross_validation_section
from embedder.training.report.curves import curve_charts, write_curves
from embedder.training.report.page import bar_cell, page, section, table
from embedder.training.report.tag_report import tag_section
from embedder.training.run import TrainingRun
from embedder.training.validation import Measured
from embedder.whole_files import write_whole

REPORT_NAME = "report.html"
N_SHOWN_TRACKS = 12
N_SHOWN_NEIGHBOURS = 5


def write_report(run: TrainingRun, result: TrainingResult) -> Path:
    """Write the page and `curves.png`; return the path of the page."""
    if result.steps:
        write_curves(result.folder, result.history)
    path = result.folder / REPORT_NAME
    write_whole(path, report(run, result).encode())
    return path


def report(run: TrainingRun, result: TrainingResult) -> str:
    """The page as HTML."""
    measured = run.measured
    parts = [
        _summary(run, result),
        section("What to try next", _list([*result.remarks, *what_to_try(_facts(run, result))])),
        section("Curves", _charts(curve_charts(result.history)), is_whole=True)
        if result.steps
        else "",
        section("Cross-validation", cross_validation_section(result, run.dataset)),
        section("Confusion on held-out tracks", _confusion(run, measured)),
        section("Tags", tag_section(result.folder)),
        section("Neighbours of held-out tracks", _neighbours(run, measured), is_whole=True),
        section("The doctor", _doctor(run, result)),
        section("Data", _data(run, result)),
    ]
    return page(f"Training {result.folder.name}", "\n".join(part for part in parts if part))


def _facts(run: TrainingRun, result: TrainingResult) -> RunFacts:
    measured = run.measured
    return RunFacts(
        config=run.config,
        history=result.history,
        notes=result.notes,
        accuracy=result.scores.get("accuracy", float("nan")),
        n_queries=len(run.held_out.queries),
        labels=run.known.label_names,
        tracks_of_label=_counts(run.dataset, run.config.dataset.label_field),
        confusion=measured.vote.confusion if measured and measured.vote else None,
    )


def _summary(run: TrainingRun, result: TrainingResult) -> str:
    names = {
        "accuracy": "held-out accuracy",
        "map": "mean average precision",
        "tag_map": "tags, MAP",
    }
    names |= {"roc_auc": "tags, ROC-AUC", "pr_auc": "tags, PR-AUC"}
    tiles = [
        (text, f"{result.scores[name]:.1%}" if name == "accuracy" else f"{result.scores[name]:.3f}")
        for name, text in names.items()
        if name in result.scores
    ]
    tiles += [("ended", result.ended)]
    if result.steps:
        tiles += [
            ("epochs, best", f"{result.epochs}, {result.best_epoch}"),
            ("steps", f"{result.steps:,}"),
            ("training time", _duration(result.seconds)),
        ]
    shown = "".join(f"<div><b>{html.escape(v)}</b><span>{n}</span></div>" for n, v in tiles)
    k = run.config.stopping.n_neighbours
    before = [
        f"{text} {result.before[name]:.3f}" for name, text in names.items() if name in result.before
    ]
    protocol = (
        f"Scores of the best model: {len(run.held_out.queries)} held-out tracks. The {k} nearest "
        f"of {len(run.held_out.references)} training tracks vote; those by the same artist do not."
    )
    if before:
        protocol += f" Before the projection was fitted: {', '.join(before)}."
    return f'<div class="tiles">{shown}</div><p class="quiet">{protocol}</p>'


def _confusion(run: TrainingRun, measured: Measured | None) -> str:
    if measured is None or measured.vote is None:
        return ""
    names = run.known.label_names
    if len(names) > MAX_SHOWN_LABELS:
        return f"<p>{len(names)} labels are too many for a table.</p>"
    note = "<p class='quiet'>Rows: the true label; columns: the label with most votes.</p>"
    return note + confusion_table(names, measured.vote.confusion)


def _neighbours(run: TrainingRun, measured: Measured | None) -> str:
    if measured is None:
        return ""
    tracks = run.known
    labelled = np.flatnonzero(tracks.labels[measured.queries] >= 0)
    places = labelled if len(labelled) else np.arange(len(measured.queries))
    rows = []
    for place in places[_spread(len(places))].tolist():
        query = int(measured.queries[place])
        label = tracks.labels[query] if tracks.label_names else -1
        cells = [_track_cell(run, query)]
        for position, distance in zip(
            measured.ranking.rows[place, :N_SHOWN_NEIGHBOURS],
            measured.ranking.distances[place, :N_SHOWN_NEIGHBOURS],
            strict=True,
        ):
            if position < 0:
                cells.append("<td></td>")
                continue
            neighbour = int(measured.references[position])
            its_label = tracks.labels[neighbour] if tracks.label_names else -1
            is_right = bool(label == its_label) if min(label, its_label) >= 0 else None
            cells.append(_track_cell(run, neighbour, distance=float(distance), is_right=is_right))
        rows.append(cells)
    n_shown = min(N_SHOWN_NEIGHBOURS, measured.ranking.rows.shape[1])
    head = ["held-out track", *(f"{rank + 1}." for rank in range(n_shown))]
    return table(head, rows, kind="neighbours")


def _track_cell(
    run: TrainingRun, position: int, *, distance: float | None = None, is_right: bool | None = None
) -> str:
    row = run.dataset.rows[position]
    name = html.escape(row.title or Path(row.key).name)
    artist = f"<br><i>{html.escape(row.artist)}</i>" if row.artist else ""
    labels = html.escape(", ".join(row.values(run.config.dataset.label_field)[:3]))
    note = labels if distance is None else f"{labels} · {distance:.3f}"
    kind = {True: ' class="right"', False: ' class="wrong"', None: ""}[is_right]
    return f"<td{kind}>{name}{artist}<br><small>{note}</small></td>"


def _doctor(run: TrainingRun, result: TrainingResult) -> str:
    if run.doctor is None:
        return "<p>The doctor was switched off.</p>"
    findings = run.doctor.findings
    notes = _list(result.notes) if result.notes else "<p>No warnings.</p>"
    if findings.first is None or findings.latest is None:
        return notes
    histograms = [findings.first, findings.latest]
    histograms = histograms[:1] if findings.first.epoch == findings.latest.epoch else histograms
    return notes + _charts("".join(_histogram(histogram) for histogram in histograms))


def _histogram(histogram: Histogram) -> str:
    return histogram_chart(
        f"Distances of pairs in epoch {histogram.epoch}",
        {"positives": histogram.positive, "negatives": histogram.negative},
        reach=histogram.reach,
    )


def _data(run: TrainingRun, result: TrainingResult) -> str:
    dataset, label_field = run.dataset, run.config.dataset.label_field
    sides = [(s, len(dataset.positions(s))) for s in ("train", "validation", "test")]
    facts = [
        ("data set", dataset.root.name),
        ("layout", dataset.layout),
        ("tracks", ", ".join(f"{count} {side}" for side, count in sides if count)),
        ("split", dataset.split_origin or "none"),
        ("digest", f"{run.whole.digest}, split {run.whole.split_digest}"),
    ]
    rows = [[_head(name), f"<td>{html.escape(value)}</td>"] for name, value in facts]
    counts = _counts(dataset, label_field)
    largest = max(counts.values(), default=1)
    bars = [
        [_head(name), bar_cell(count, share=count / largest)]
        for name, count in sorted(counts.items(), key=lambda item: -item[1])[:MAX_SHOWN_LABELS]
    ]
    label_table = table([html.escape(label_field), "training tracks"], bars) if bars else ""
    left_out = [
        [f"<td>{html.escape(track['path'])}</td>", f"<td>{html.escape(track['reason'])}</td>"]
        for track in result.left_out
    ]
    missing = table(["left out", "why"], left_out) if left_out else ""
    return table([], rows) + label_table + missing


def _counts(dataset: Dataset, label_field: str) -> dict[str, int]:
    rows = (dataset.rows[position] for position in dataset.positions("train"))
    return dict(Counter(value for row in rows for value in row.values(label_field)))


def _spread(n: int) -> list[int]:
    """A few of n positions, spread evenly."""
    places = np.linspace(0, n - 1, min(n, N_SHOWN_TRACKS)).round().astype(int)
    return [int(place) for place in places]


def _charts(charts: str) -> str:
    return f'<div class="charts">{charts}</div>'


def _list(texts: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(text)}</li>' for text in texts)}</ul>"


def _head(text: str) -> str:
    return f"<th>{html.escape(text)}</th>"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
