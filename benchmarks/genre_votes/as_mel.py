"""Write GTZAN's pictures again with the rows and columns of FMA's, so that models can share both.

    python benchmarks/genre_votes/as_mel.py DATA/gtzan-spectrograms -o runs/gtzan-mel

A row of the logarithmic axis stands for the power around its frequency; a mel band adds up the
power under its triangle. Bands above 11 025 Hz, where GTZAN has no sound, stay empty.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.config.presets import FRONT_ENDS
from embedder.features.banks import log_frequency_edges, mel_edges

LOG_ROWS, MEL = FRONT_ENDS["gtzan-log"], FRONT_ENDS["fma-mel"]
MEL_RATE = 44_100
STEPS_HZ = 0.5
"""The grid on which the triangles are summed up."""


def main() -> None:
    """Convert every picture; the table is taken along."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    arrays = np.load(options.data / "spectrograms.npz")
    options.output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        options.output / "spectrograms.npz",
        spectrogram=as_mel(arrays["spectrogram"]),
        track=arrays["track"],
    )
    shutil.copy(options.data / "tracks.csv", options.output / "tracks.csv")
    print(f"{options.output}: {len(arrays['track'])} pictures")


def as_mel(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [tracks, 172, columns] to uint8 [tracks, 128, 128]."""
    decibels = (pictures / 255 - LOG_ROWS.level_at_reference) / LOG_ROWS.level_per_db
    weights = row_weights()
    power = np.einsum("mr,nrc->nmc", weights, 10 ** (decibels.astype(np.float32) / 10))
    levels = 10 * np.log10(np.maximum(power, 1e-12))
    levels -= levels.max(axis=(1, 2), keepdims=True)
    levels[:, weights.sum(axis=1) == 0] = MEL.floor_db
    n_columns = pictures.shape[2]
    shown = ((np.arange(MEL.n_columns) + 0.5) * n_columns / MEL.n_columns).astype(int)
    scaled = (levels * MEL.level_per_db + MEL.level_at_reference)[:, :, shown]
    values: NDArray[np.uint8] = np.clip(np.rint(scaled * 255), 0, 255).astype(np.uint8)
    return values


def row_weights() -> NDArray[np.float32]:
    """How much each logarithmic row gives to each mel band: [128, 172]."""
    edges = mel_edges(MEL, MEL_RATE).numpy()
    rows = log_frequency_edges(LOG_ROWS, LOG_ROWS.sample_rate).numpy()
    hertz = np.arange(0.0, LOG_ROWS.max_hz, STEPS_HZ)
    row_of = np.clip(np.searchsorted(rows, hertz) - 1, 0, LOG_ROWS.n_bins - 1)
    weights = np.zeros((MEL.n_bins, LOG_ROWS.n_bins), dtype=np.float32)
    for band in range(MEL.n_bins):
        low, middle, high = edges[band : band + 3]
        if middle >= LOG_ROWS.max_hz:
            break
        rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
        triangle = np.maximum(np.minimum(rising, falling), 0) * 2 / (high - low)
        np.add.at(weights[band], row_of, (triangle * STEPS_HZ).astype(np.float32))
    return weights


if __name__ == "__main__":
    main()
