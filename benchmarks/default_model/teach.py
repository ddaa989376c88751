"""Store what MusiCNN says about patches of audio, for a student to learn.

    python -m benchmarks.default_model.teach FOLDER ... -o runs/taught --patches 60000 --seed 0

Each FOLDER holds audio files. A `tracks.csv` (option --labels, with `path` and `split`) says which
files are for training in the FOLDER of the same name. The files are decoded once, to 16 kHz. A
patch is 3 seconds of a random file: half of the patches are mixed with a second file, and many are
played faster or slower, equalised, limited in bandwidth or made noisy. The teacher (a model that
`soundalike models get musicnn` fetched) gives each patch its penultimate layer and its tags.
Shards of 512 patches are written to OUTPUT; a process with another seed adds its own.
"""

import argparse
import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedder.audio.decoding import read_whole
from embedder.datasets.files import audio_files_below
from embedder.errors import UnreadableAudio
from embedder.features.arrays.windows import hann_window
from embedder.models.arrays import load_arrays
from embedder.models.kinds.foreign_mel_arrays import mel_filters
from embedder.models.kinds.musicnn_file import MEL, SAMPLE_RATE

N_COLUMNS, HOP, FFT_SIZE = 187, MEL.hop_samples, MEL.fft_size
PATCH_SAMPLES = FFT_SIZE + (N_COLUMNS - 1) * HOP
SHARD = 512
FLOOR_DB = 80.0
TINY = 1e-12
Floats = NDArray[np.float32]


class Sounds(NamedTuple):
    """Decoded files, all at 16 kHz.

    samples: int16, one array a file; shares: float64, how often each file is drawn
    """

    samples: list[NDArray[np.int16]]
    shares: NDArray[np.float64]


def main() -> None:
    """Decode what is new, then write shards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/taught"))
    parser.add_argument("--labels", type=Path, help="FOLDER_NAME/tracks.csv")
    parser.add_argument("--teacher", default="musicnn", metavar="MUSICNN")
    parser.add_argument("--patches", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    files = [path for folder in options.folders for path in files_of(folder, options.labels)]
    sounds = decode(files, options.output / "decoded")
    if not options.patches:
        return
    teacher = load_arrays(options.teacher)
    random = np.random.default_rng(options.seed)
    for number in range(-(-options.patches // SHARD)):
        path = options.output / f"shard-{options.seed}-{number:04d}.npz"
        powers = np.stack([mel_power(patch_of(sounds, random), random) for _ in range(SHARD)])
        values = np.log10(MEL.multiplier * powers + MEL.offset).astype(np.float32)
        answers = np.concatenate(
            [teacher.network(values[at : at + 16]) for at in range(0, SHARD, 16)]
        )
        part = path.with_suffix(".part.npz")
        size = teacher.embedding_size
        np.savez(
            part,
            levels=as_bytes(levels_of(powers)),
            penultimate=answers[:, :size].astype(np.float16),
            tags=answers[:, size:].astype(np.float32),
        )
        part.rename(path)
        if number % 10 == 0:
            print(f"{path.name}", flush=True)


def files_of(folder: Path, labels: Path | None) -> list[Path]:
    """The audio files of a folder; if `labels` is about this folder, only those for training."""
    files = sorted(audio_files_below(folder))
    if labels is None or labels.parent.name != folder.name:
        return files
    with labels.open(newline="") as lines:
        trained = {row["path"] for row in csv.DictReader(lines) if row["split"] == "train"}
    return [path for path in files if path.name in trained]


def decode(files: Sequence[Path], cache: Path) -> Sounds:
    """All files that can be decoded, from the cache or into it."""
    cache.mkdir(exist_ok=True)
    samples = []
    for path in files:
        stored = cache / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.npy"
        if not stored.exists():
            np.save(stored, decoded(path))
        whole = np.load(stored, mmap_mode="r")
        if len(whole) > 2 * PATCH_SAMPLES:
            samples.append(whole)
    print(f"{len(samples)} files", flush=True)
    # A file of four minutes is drawn twice as often as one of a minute.
    weights = np.array([len(whole) ** 0.5 for whole in samples])
    return Sounds(samples, weights / weights.sum())


def decoded(path: Path) -> NDArray[np.int16]:
    """A file's samples at 16 kHz; none if it cannot be decoded."""
    try:
        waveform = read_whole(path, sample_rate=SAMPLE_RATE).samples
    except UnreadableAudio as error:
        print(f"left out: {error}")
        return np.zeros(0, dtype=np.int16)
    return np.clip(np.round(waveform * 32767), -32768, 32767).astype(np.int16)


def patch_of(sounds: Sounds, random: np.random.Generator) -> Floats:
    """Three seconds of a file, or of two files at once."""
    sound = piece_of(sounds, random)
    if random.random() < 0.5:
        other = piece_of(sounds, random)
        gain_db = random.uniform(-15, 0)
        loudness = np.sqrt(np.square(sound).mean() / (np.square(other).mean() + TINY))
        if np.isfinite(loudness) and loudness < 100:
            sound = (sound + other * loudness * 10 ** (gain_db / 20)) / np.sqrt(
                1 + 10 ** (gain_db / 10)
            )
    if random.random() < 0.2:
        level = np.sqrt(np.square(sound).mean()) * 10 ** (-random.uniform(15, 45) / 20)
        sound = sound + level * random.standard_normal(len(sound))
    if random.random() < 0.5:
        sound = sound * 10 ** (random.uniform(-9, 4) / 20)
    return sound.astype(np.float32)


def piece_of(sounds: Sounds, random: np.random.Generator) -> Floats:
    """Three seconds of a random file, half of the time faster or slower by up to a quarter."""
    whole = sounds.samples[random.choice(len(sounds.samples), p=sounds.shares)]
    speed = random.uniform(0.8, 1.25) if random.random() < 0.5 else 1.0
    n_needed = int(np.ceil(PATCH_SAMPLES * speed)) + 1
    start = random.integers(max(len(whole) - n_needed, 1))
    piece = np.asarray(whole[start : start + n_needed], dtype=np.float32) / 32767
    piece = np.pad(piece, (0, max(n_needed - len(piece), 0)))
    if speed == 1.0:
        return piece[:PATCH_SAMPLES]
    places = np.arange(PATCH_SAMPLES) * speed
    return np.interp(places, np.arange(len(piece)), piece).astype(np.float32)


def mel_power(sound: Floats, random: np.random.Generator | None = None) -> Floats:
    """Mel power [bins, columns] of a patch; with a generator, equalised at random."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, FFT_SIZE)[::HOP][:N_COLUMNS]
    spectrum = np.fft.rfft(frames * WINDOW)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    if random is not None:
        power *= equaliser(random)
    return np.ascontiguousarray((power @ BANK).T).astype(np.float32)


def equaliser(random: np.random.Generator) -> Floats:
    """Factors of power [FFT bins]: tilt, a few smooth bends, and at times an upper limit."""
    bins = np.arange(FFT_SIZE // 2 + 1)
    octaves = np.log2(np.maximum(bins, 2) / 32)
    gain_db = np.zeros(len(bins))
    if random.random() < 0.5:
        gain_db += random.uniform(-2, 2) * octaves
        gain_db += np.interp(octaves, np.linspace(-4, 3, 6), random.normal(0, 3, 6))
    if random.random() < 0.15:
        gain_db -= 80 * (bins * SAMPLE_RATE / FFT_SIZE > random.uniform(3000, 7800))
    factors: Floats = (10 ** (gain_db / 10)).astype(np.float32)
    return factors


def levels_of(powers: Floats) -> Floats:
    """Powers [patches, bins, columns] as levels 0...1, from 80 dB below the patch's maximum."""
    loudest = np.maximum(powers.max(axis=(1, 2), keepdims=True), TINY)
    decibels = 10 * np.log10(np.maximum(powers / loudest, 10 ** (-FLOOR_DB / 10)))
    return decibels / FLOOR_DB + 1


def as_bytes(levels: Floats) -> NDArray[np.uint8]:
    """Levels 0...1 as whole numbers of 1/255."""
    return np.round(levels * 255).astype(np.uint8)


WINDOW = hann_window(FFT_SIZE)
BANK = mel_filters(MEL, sample_rate=SAMPLE_RATE)

if __name__ == "__main__":
    main()
