"""Draw a front end's output as a PNG picture with axes in seconds and hertz.

Figures are made without pyplot, which keeps them in a global list. Nothing is written to disk.
"""

import io
import warnings

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from embedder.config.model import FrontEndConfig
from embedder.features.axes import column_edges_seconds, row_edges_hz, row_positions

TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)
WAVEFORM_COLUMNS = 1600
INCHES = (10.0, 4.5)
DOTS_PER_INCH = 120
INK = "#20242c"


def draw_png(
    levels: NDArray[np.float32],
    config: FrontEndConfig,
    *,
    sample_rate: int,
    n_samples: int,
    start_seconds: float,
    title: str,
) -> bytes:
    """The picture of one piece of audio.

    levels: float32 [rows, columns] before normalisation; sample_rate: the front end's.
    """
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    seconds = start_seconds + column_edges_seconds(
        config, n_columns=levels.shape[1], sample_rate=sample_rate, n_samples=n_samples
    )
    if config.kind == "waveform":
        _draw_waveform(axes, levels[0], seconds)
    elif config.kind == "mfcc":
        _draw_coefficients(figure, axes, levels, seconds)
    else:
        _draw_spectrogram(figure, axes, levels, seconds, config, sample_rate)
    axes.set_title(title, loc="left", color=INK, fontsize=11, parse_math=False)
    axes.set_xlabel("time (s)", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(max(seconds[0], start_seconds), seconds[-1])
    axes.tick_params(colors=INK)
    canvas = io.BytesIO()
    with warnings.catch_warnings():
        # The font may lack letters of the title and show boxes; the picture is still right.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure.savefig(canvas, format="png")
    return canvas.getvalue()


def _draw_spectrogram(
    figure: Figure,
    axes: Axes,
    levels: NDArray[np.float32],
    seconds: NDArray[np.float64],
    config: FrontEndConfig,
    sample_rate: int,
) -> None:
    """All rows are equally high, as the network reads them; ticks show the frequencies."""
    n_rows = levels.shape[0]
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="magma",
        vmin=0,
        vmax=1,
        extent=(seconds[0], seconds[-1], 0, n_rows),
    )
    edges = row_edges_hz(config, sample_rate)
    if edges is not None:
        inside = np.array([hz for hz in TICKS_HZ if edges[0] <= hz <= edges[-1]], dtype=np.float64)
        positions = row_positions(config, sample_rate, inside)
        labelled = _without_overlap(positions.tolist(), least_distance=n_rows * 0.045)
        axes.set_yticks(positions[labelled], [_hertz(hz) for hz in inside[labelled]])
    axes.set_ylabel("frequency (Hz)", color=INK)
    bar = figure.colorbar(image, ax=axes, pad=0.015, aspect=30)
    loudest = (1 - config.level_at_reference) / config.level_per_db
    quietest = max(-config.level_at_reference / config.level_per_db, config.floor_db)
    ticks_db = [db for db in range(-200, 41, 20) if quietest - 1 <= db <= loudest + 1]
    bar.set_ticks(
        [config.level_per_db * db + config.level_at_reference for db in ticks_db],
        labels=[f"{db}".replace("-", "−") for db in ticks_db],
    )
    reference = "the loudest" if config.reference == "clip" else "full scale"
    bar.set_label(f"dB relative to {reference}", color=INK)
    bar.outline.set_visible(False)
    _without_frame(axes)


def _draw_coefficients(
    figure: Figure, axes: Axes, values: NDArray[np.float32], seconds: NDArray[np.float64]
) -> None:
    """MFCCs, each coloured by its own deviation: the first is far larger than the others."""
    centred = values - values.mean(axis=1, keepdims=True)
    spread = np.maximum(centred.std(axis=1, keepdims=True), 1e-6)
    image = axes.imshow(
        centred / spread,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu_r",
        vmin=-3,
        vmax=3,
        extent=(seconds[0], seconds[-1], -0.5, len(values) - 0.5),
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("coefficient", color=INK)
    bar = figure.colorbar(image, ax=axes, pad=0.015, aspect=30)
    bar.set_label("deviations from its mean", color=INK)
    _without_frame(axes)


def _draw_waveform(axes: Axes, samples: NDArray[np.float32], seconds: NDArray[np.float64]) -> None:
    """The lowest and highest sample of each column of dots."""
    step = max(len(samples) // WAVEFORM_COLUMNS, 1)
    groups = samples[: len(samples) // step * step].reshape(-1, step)
    times = seconds[: len(groups) * step : step]
    axes.fill_between(times, groups.min(axis=1), groups.max(axis=1), color="#51127c", linewidth=0.3)
    highest = float(np.abs(samples).max()) or 1.0
    axes.set_ylim(-1.05 * highest, 1.05 * highest)
    axes.set_ylabel("amplitude (full scale 1)", color=INK)
    _without_frame(axes)


def _without_overlap(positions: list[float], *, least_distance: float) -> list[int]:
    """Which ticks, at rising positions, keep their label so that none overlap; the top one does."""
    labelled: list[int] = []
    for tick in reversed(range(len(positions))):
        if not labelled or positions[labelled[-1]] - positions[tick] >= least_distance:
            labelled.append(tick)
    return labelled


def _without_frame(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)


def _hertz(hertz: float) -> str:
    return f"{hertz / 1000:g}k" if hertz >= 1000 else f"{hertz:g}"
