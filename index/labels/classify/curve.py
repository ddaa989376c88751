"""The curve of a track over time: a picture (.png, .svg) or a table (.csv) of its windows."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedder.datasets.csv_cells import plain_row
from embedder.errors import OutputExists, UsageError, printable_path
from embedder.whole_files import write_whole
from index.labels.classify.results import ClassifiedTrack

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".csv")
N_CURVES = 8
INK = "#20242c"


def check_curve_path(path: Path, *, n_tracks: int, force: bool) -> None:
    """Refuse a path that `write_curve` cannot write, before anything is analysed."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{printable_path(path)}: a curve is {', '.join(SUFFIXES)}")
    if n_tracks > 1 and path.suffix.lower() != ".csv":
        raise UsageError("a picture shows the curve of one track: name one, or write a .csv")
    if path.exists() and not force:
        raise OutputExists(path)


def write_curve(path: Path, tracks: tuple[ClassifiedTrack, ...], labels: tuple[str, ...]) -> None:
    """Write the windows of tracks; a picture shows the first track."""
    if path.suffix.lower() == ".csv":
        write_whole(path, curve_table(tracks, labels).encode())
        return
    figure = draw_curve(tracks[0])
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower())
    write_whole(path, picture.getvalue())


def curve_table(tracks: tuple[ClassifiedTrack, ...], labels: tuple[str, ...]) -> str:
    """A row for each window, with a column for each label."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "start_seconds", "seconds", "label", *(f"p({n})" for n in labels)])
    for track in tracks:
        for window in track.windows:
            chances = window.probabilities
            label = next(iter(chances), "")
            values = [f"{chances[name]:.6f}" if chances else "" for name in labels]
            row = [track.track.path, window.start_seconds, window.seconds, label, *values]
            writer.writerow(plain_row(row))
    return text.getvalue()


def draw_curve(track: ClassifiedTrack) -> "Figure":
    """A curve for each of the labels that reach the highest mean probability."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    middles = [window.start_seconds + window.seconds / 2 for window in track.windows]
    curves = {
        name: [window.probabilities.get(name, np.nan) for window in track.windows]
        for name in track.probabilities
    }
    shown = sorted(curves, key=lambda name: -_mean(curves[name]))[:N_CURVES]
    for name in shown:
        axes.plot(middles, curves[name], marker="o", markersize=3, label=name)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, max((w.start_seconds + w.seconds for w in track.windows), default=1))
    axes.set_xlabel("seconds", color=INK)
    axes.set_ylabel("probability", color=INK)
    name = printable_path(Path(track.track.path).name)
    title = f"{track.field} of {name}: {track.label} {track.probability:.2f}"
    axes.set_title(title, loc="left", color=INK, parse_math=False)
    axes.grid(alpha=0.3)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _mean(values: list[float]) -> float:
    finite = [value for value in values if not np.isnan(value)]
    return float(np.mean(finite)) if finite else 0.0
