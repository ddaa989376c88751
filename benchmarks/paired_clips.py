"""Compare a model's vectors of spectrogram pictures with its vectors of the same tracks' audio.

    python benchmarks/paired_clips.py DATA/fma-clips DATA/fma-small [--model default]

Each clip is encoded from its file, and its nearest picture among those of all tracks is searched (a
clip has the name of its track). The script prints how often the own picture comes first, and the
lowest cosines of a clip and its own picture. The exit code is 0 if every own picture comes first
and every cosine is at least 0.98.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from embedder.audio.decoding import probe
from embedder.datasets.files import audio_files_below
from embedder.datasets.opening import open_dataset
from embedder.encoding.encoder import TrackEncoder
from index.evaluate.model_vectors import model_vectors

LEAST_COSINE = 0.98
N_WORST = 5


def main() -> None:
    """Encode clips and pictures, compare them, print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    dataset = open_dataset(options.pictures)
    encoded = model_vectors(dataset, options.model, device="cpu")
    pictures = encoded.vectors
    row_of = {dataset.rows[at].key: position for position, at in enumerate(encoded.positions)}
    encoder = TrackEncoder.load(options.model, device="cpu")
    cosines: list[tuple[float, str]] = []
    n_first = 0
    for clip in audio_files_below(options.clips):
        if clip.stem not in row_of:
            print(f"{clip.name}: no picture")
            continue
        own_row = row_of[clip.stem]
        likeness = pictures @ encoder.encode(clip).vector
        n_first += int(likeness.argmax() == own_row)
        rate = probe(clip).sample_rate
        cosines.append((float(likeness[own_row]), f"{clip.stem} ({rate} Hz)"))
    print(f"{n_first} of {len(cosines)} clips find their own picture first among {len(pictures)}")
    print(f"cosine {np.mean([cosine for cosine, _ in cosines]):.3f} on average; the lowest:")
    for cosine, name in sorted(cosines)[:N_WORST]:
        print(f"  {cosine:.3f}  {name}")
    sys.exit(n_first < len(cosines) or min(cosines)[0] < LEAST_COSINE)


if __name__ == "__main__":
    main()
