"""The map as a picture for print: PNG or SVG on white, with a legend.

Above 20,000 tracks the points of an SVG are one bitmap, because viewers fail on so many shapes.
"""

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from index.map.fields import MapField
from index.map.library_map import LibraryMap
from index.map.quality import misleads

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PictureForm = Literal["png", "svg"]

WIDTH_INCHES, HEIGHT_INCHES = 10.0, 7.0
PNG_DOTS_PER_INCH = 300
MOST_DRAWN_POINTS = 20_000
MARKERS = {
    "circle": "o",
    "square": "s",
    "triangle": "^",
    "diamond": "D",
    "plus": "P",
    "wedge": "v",
    "dot": ".",
}
INK, SOFT = "#1b2230", "#5c6676"
LONGEST_LABEL = 30


def picture(drawn: LibraryMap, field: MapField, *, form: PictureForm, title: str) -> bytes:
    """The picture's bytes; the same map gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # unlike pyplot, it has no global state

    settings: dict[Any, Any] = {
        "font.family": ["DejaVu Sans"],
        "svg.hashsalt": "soundalike",
        "svg.fonttype": "path",  # looks the same without the font
        "grid.color": "white",
        "xtick.color": "white",  # the axes of a 3-D plot read it only from here
        "text.parse_math": False,  # show a $ in a tag as it is
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), facecolor="white")
        FigureCanvasAgg(figure)
        is_flat = drawn.coordinates.shape[1] == 2
        size = _point_area(len(drawn.tracks))
        axes = _axes(figure, is_flat=is_flat)
        _draw_points(axes, drawn, field, area=size)
        _draw_words(figure, drawn, title=title)
        _draw_legend(figure, field)
        file = io.BytesIO()
        metadata: dict[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(file, format=form, dpi=PNG_DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()


def _axes(figure: "Figure", *, is_flat: bool) -> Any:  # plane or 3-D
    place = (0.03, 0.03, 0.72, 0.86)
    if is_flat:
        axes = figure.add_axes(place)
        axes.set_axis_off()  # distances on the map have no unit
        axes.set_aspect("equal", adjustable="datalim")
        return axes
    deep: Any = figure.add_axes(place, projection="3d", computed_zorder=False)
    deep.set_box_aspect((1, 1, 0.85), zoom=1.12)
    for axis in (deep.xaxis, deep.yaxis, deep.zaxis):
        axis.set_ticklabels([])
        axis.line.set_color("white")
        axis.set_pane_color((0.945, 0.953, 0.968, 1))
    return deep


def _draw_points(axes: Any, drawn: LibraryMap, field: MapField, *, area: float) -> None:
    """Draw the large categories first, so that small ones stay visible; the rest below all."""
    is_misleading = misleads(drawn.preservation)
    is_large = len(drawn.tracks) > MOST_DRAWN_POINTS
    order = sorted(
        range(len(field.labels)), key=lambda code: (code < _n_named(field), -field.counts[code])
    )
    for level, code in enumerate(order):
        swatch = field.swatches[code]
        for hollow in (False, True):
            rows = np.flatnonzero((field.codes == code) & (is_misleading == hollow))
            if not len(rows):
                continue
            axes.scatter(
                *drawn.coordinates[rows].T,
                s=area * (0.8 if swatch.shape == "square" else 1.0),
                marker=MARKERS[swatch.shape],
                facecolors="none" if hollow else swatch.light,
                edgecolors=swatch.light if hollow or is_large else "white",
                linewidths=(0.09 if hollow else 0.045) * np.sqrt(area) if not is_large else 0,
                alpha=0.35 if hollow and is_large else 0.9,
                zorder=level + 1,
                rasterized=is_large,
            )
            if hollow and is_large:  # a hollow point of this size cannot be seen
                axes.collections[-1].set_facecolor(swatch.light)


def _draw_words(figure: "Figure", drawn: LibraryMap, *, title: str) -> None:
    figure.text(0.04, 0.945, _shortened(title, 70), size=15, weight="bold", color=INK, va="center")
    n_tracks = len(drawn.tracks)
    how = "UMAP" if drawn.method == "umap" else "principal components"
    words = [f"{n_tracks:,} track{'s' if n_tracks != 1 else ''}", how]
    if drawn.trust is not None:
        words.append(f"trustworthiness {drawn.trust.value:.2f}")
    if drawn.n_misleading:
        look = "pale" if n_tracks > MOST_DRAWN_POINTS else "hollow"
        words.append(f"{look}: {drawn.n_misleading:,} tracks far from their neighbours")
    figure.text(0.04, 0.908, " · ".join(words), size=9, color=SOFT, va="center")


def _draw_legend(figure: "Figure", field: MapField) -> None:
    from matplotlib.lines import Line2D

    shown = [code for code, count in enumerate(field.counts) if count]
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=MARKERS[field.swatches[code].shape],
            markersize=7.5,
            color=field.swatches[code].light,
            markeredgecolor="white",
            markeredgewidth=0.4,
        )
        for code in shown
    ]
    labels = [
        f"{_shortened(field.labels[code], LONGEST_LABEL)}  ({field.counts[code]:,})"
        for code in shown
    ]
    legend = figure.legend(
        handles,
        labels,
        title=field.title,
        loc="center left",
        bbox_to_anchor=(0.76, 0.47),
        frameon=False,
        fontsize=9,
        title_fontsize=10,
        alignment="left",
        labelspacing=0.55,
        handletextpad=0.3,
        labelcolor=INK,
    )
    legend.get_title().set_fontweight("bold")
    legend.get_title().set_color(INK)


def _n_named(field: MapField) -> int:
    return len(field.labels) - field.n_rest


def _point_area(n_tracks: int) -> float:
    """In square points: large for 100 tracks, small enough for 100,000."""
    return float(np.clip(9000 / max(n_tracks, 1) ** 0.85, 0.6, 90))


def _shortened(text: str, longest: int) -> str:
    """The text on one line, cut to a length."""
    words = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return words if len(words) <= longest else words[: longest - 1] + "…"
