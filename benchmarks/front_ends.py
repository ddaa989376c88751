"""Compare the presets `fma-mel` and `gtzan-log` with the published spectrogram pictures.

    python benchmarks/front_ends.py DATA_FOLDER

DATA_FOLDER holds `fma-clips` and `fma-small`, `gtzan-clips` and `gtzan-spectrograms`: audio of
some of the tracks, and `spectrograms.npz` with the pictures of all. Values are 8-bit (0 to 255).

fma-mel      the mean absolute difference of every clip is at most 0.5
gtzan-log    mean and deviation of every row over all clips differ by at most 10 %

Exit codes: 0 if both hold, 1 if one does not, 3 if the data is missing.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.audio.decoding import Waveform, read_whole
from embedder.config.presets import FRONT_ENDS
from embedder.features.building import build_front_end
from embedder.features.front_end import FrontEnd

CLIP_SECONDS = 30
MAX_DIFFERENCE = 0.5
MAX_ROW_CHANGE = 0.1
MIN_CORRELATION = 0.5
"""Below this, clip and picture are different recordings, as two of the GTZAN clips are."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A clip's spectrogram and its picture, both [rows, columns] with values 0 to 255."""

    name: str
    computed: Values
    picture: Values
    milliseconds: float

    @property
    def difference(self) -> float:
        """Mean absolute difference."""
        return float(np.abs(self.computed - self.picture).mean())

    @property
    def correlation(self) -> float:
        """Pearson's, over all pixels."""
        return float(np.corrcoef(self.computed.ravel(), self.picture.ravel())[0, 1])


def compare(clips: Path, pictures: Path, *, preset: str) -> Iterator[Comparison]:
    """Compare every clip that has a picture."""
    with np.load(pictures / "spectrograms.npz") as arrays:
        by_track = dict(zip(arrays["track"].tolist(), arrays["spectrogram"], strict=True))
    front_end = build_front_end(FRONT_ENDS[preset]).eval()
    for path in sorted(clips.iterdir()):
        if path.stem in by_track:
            waveform = read_whole(path, sample_rate=FRONT_ENDS[preset].sample_rate)
            yield _compare_one(front_end, waveform, by_track[path.stem], name=path.stem)


def _compare_one(
    front_end: FrontEnd, waveform: Waveform, picture: NDArray[np.uint8], *, name: str
) -> Comparison:
    samples = waveform.samples[: CLIP_SECONDS * waveform.sample_rate]
    n_columns = picture.shape[1]
    if len(samples) < 0.9 * CLIP_SECONDS * waveform.sample_rate:
        # A short clip is padded; only the columns of its audio are compared.
        padded = np.zeros(CLIP_SECONDS * waveform.sample_rate, np.float32)
        n_columns = n_columns * len(samples) // len(padded) - 1
        padded[: len(samples)] = samples
        samples = padded
    batch = torch.from_numpy(samples)[None]
    with torch.inference_mode():
        front_end(batch, waveform.sample_rate)
        began = time.perf_counter()
        levels = front_end(batch, waveform.sample_rate)[0].double().numpy()
    milliseconds = (time.perf_counter() - began) * 1000
    shown = picture[:, :n_columns].astype(np.float64)
    return Comparison(name, levels[:, :n_columns] * 255, shown, milliseconds)


def row_changes(comparisons: list[Comparison]) -> tuple[Values, Values]:
    """The relative change of each row's mean and deviation over all clips, against the pictures."""
    computed = np.concatenate([c.computed for c in comparisons], axis=1)
    pictures = np.concatenate([c.picture for c in comparisons], axis=1)
    means = np.abs(computed.mean(axis=1) / pictures.mean(axis=1) - 1)
    deviations = np.abs(computed.std(axis=1) / pictures.std(axis=1) - 1)
    return means, deviations


def check_fma(data: Path) -> bool:
    """Print a line for each clip; returns whether every clip is near enough."""
    comparisons = list(compare(data / "fma-clips", data / "fma-small", preset="fma-mel"))
    _print_table("fma-mel", comparisons)
    worst = max(c.difference for c in comparisons)
    print(f"largest difference {worst:.3f} of 255 (goal: at most {MAX_DIFFERENCE})\n")
    return worst <= MAX_DIFFERENCE


def check_gtzan(data: Path) -> bool:
    """Print a line for each clip and the rows' statistics; returns whether every row is near."""
    comparisons = list(
        compare(data / "gtzan-clips", data / "gtzan-spectrograms", preset="gtzan-log")
    )
    _print_table("gtzan-log", comparisons)
    matched = [c for c in comparisons if c.correlation >= MIN_CORRELATION]
    mismatched_names = [c.name for c in comparisons if c.correlation < MIN_CORRELATION]
    if mismatched_names:
        print(f"left out below, not the recording of the picture: {', '.join(mismatched_names)}")
    means, deviations = row_changes(matched)
    print(
        f"rows of {len(matched)} clips: mean within {means.max():.2%}, deviation within "
        f"{deviations.max():.2%} (goal: at most {MAX_ROW_CHANGE:.0%}); "
        f"correlation {min(c.correlation for c in matched):.5f} or more"
    )
    return bool(
        max(means.max(), deviations.max()) <= MAX_ROW_CHANGE
        and len(matched) > len(mismatched_names)
    )


def _print_table(preset: str, comparisons: list[Comparison]) -> None:
    print(f"{preset:20} difference  correlation  milliseconds")
    for c in comparisons:
        print(f"{c.name:20} {c.difference:10.3f} {c.correlation:12.5f} {c.milliseconds:13.1f}")


def main() -> int:
    """Compare both presets and print the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    data: Path = parser.parse_args().data
    folder_names = ("fma-clips", "fma-small", "gtzan-clips", "gtzan-spectrograms")
    absent = [name for name in folder_names if not (data / name).is_dir()]
    if absent:
        print(f"{data}: {', '.join(absent)} not found, nothing was compared", file=sys.stderr)
        return 3
    torch.set_num_threads(1)
    return 0 if all([check_fma(data), check_gtzan(data)]) else 1


if __name__ == "__main__":
    sys.exit(main())
