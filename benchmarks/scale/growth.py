"""Figures by size as a table and a picture: how each grows, as an exponent.

The exponent is the slope of a line through the logarithms: 0 does not grow, 1 grows as the number
of tracks does.
"""

from pathlib import Path

import numpy as np

Figures = dict[str, dict[str, dict[str, float]]]
"""By what was measured, size and name."""

SHOWN = {
    "build_cpu_seconds": "build, s",
    "build_memory_bytes": "memory while building, MB",
    "file_bytes": "file, MB",
    "open_cpu_seconds": "open, ms",
    "open_memory_bytes": "own memory, MB",
    "recall": "recall@10",
    "search_effort": "effort",
    "query_cpu_ms": "query, ms",
    "query_cpu_ms_p99": "query, 99 %, ms",
    "catalogue_build_cpu_seconds": "fill, s",
    "catalogue_bytes": "file, MB",
    "open_ms": "open, ms",
    "first_page_first_ms": "first page after opening, ms",
    "first_page_ms": "first page, ms",
    "middle_page_ms": "a page in the middle, ms",
    "filter_number_ms": "`year>=2000`, ms",
    "filter_genre_ms": "`genre=jazz`, ms",
    "sorted_by_title_ms": "sorted by title, ms",
    "rare_words_first_ms": "first words after opening, ms",
    "rare_words_ms": "words of a track in 10,000, ms",
    "common_word_ms": "two letters that most have, ms",
    "update_one_track_ms": "change a track's tags, ms",
    "close_after_update_ms": "close after a change, ms",
    "words_rebuild_ms": "build the index of words anew, ms",
}
WITHOUT_EXPONENT = ("recall", "search_effort")
FACTORS = {"bytes": 1e-6, "open_cpu_seconds": 1e3}
DRAWN = ("query_cpu_ms", "open_cpu_seconds", "build_cpu_seconds", "open_memory_bytes")
DRAWN_OF_CATALOGUE = ("open_ms", "first_page_ms", "filter_number_ms", "rare_words_ms",
                      "sorted_by_title_ms", "update_one_track_ms")  # fmt: skip


def exponent(sizes: list[int], values: list[float]) -> float:
    """The slope through the logarithms of values at sizes."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0])


def scaled(name: str, value: float) -> float:
    """A figure in the unit of its title."""
    factor = next((f for ending, f in FACTORS.items() if name.endswith(ending)), 1.0)
    return value * factor


def table(figures: Figures) -> str:
    """Markdown with a row for each figure."""
    all_sizes = sorted({int(size) for sizes in figures.values() for size in sizes})
    heads = " | ".join(f"{size:,}" for size in all_sizes)
    lines = [f"| | {heads} | exponent |", "|---|" + "---:|" * (len(all_sizes) + 1)]
    for what, sizes in figures.items():
        names = [name for name in SHOWN if any(name in some for some in sizes.values())]
        for name in names:
            values = {int(n): some[name] for n, some in sizes.items() if name in some}
            cells = [_text(scaled(name, values[n])) if n in values else "" for n in all_sizes]
            slope = ""
            if len(values) > 1 and name not in WITHOUT_EXPONENT:
                measured_sizes = sorted(values)
                slope = f"{exponent(measured_sizes, [values[n] for n in measured_sizes]):.2f}"
            lines.append(f"| {what}: {SHOWN[name]} | {' | '.join(cells)} | {slope} |")
    return "\n".join(lines) + "\n"


def draw(figures: Figures, path: Path) -> None:
    """Both tables as lines over the number of tracks, on logarithmic axes."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    canvas, axes = plt.subplots(1, 2, figsize=(11, 5.5), layout="constrained")
    for what, sizes in figures.items():
        is_catalogue = what == "catalogue"
        place = axes[1] if is_catalogue else axes[0]
        for name in DRAWN_OF_CATALOGUE if is_catalogue else DRAWN:
            values = {int(n): some[name] for n, some in sizes.items() if name in some}
            ordered = sorted(values)
            label = SHOWN[name] if is_catalogue else f"{what}: {SHOWN[name]}"
            style = "--" if what.startswith("hnsw") else "-"
            levels = [scaled(name, values[n]) for n in ordered]
            place.plot(ordered, levels, marker="o", linestyle=style, label=label)
    for place, title in zip(axes, ("Store of vectors", "Catalogue"), strict=True):
        place.set(xscale="log", yscale="log", xlabel="tracks", title=title)
        place.grid(alpha=0.3)
        place.legend(fontsize=8, ncol=2, loc="upper center", bbox_to_anchor=(0.5, -0.13))
    canvas.savefig(path, dpi=110)
    plt.close(canvas)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
