"""Check measured tempo, key and energy: against MIDI files, mood labels, librosa and a baseline.

    python benchmarks/measured_values.py DATA_FOLDER [--moods FOLDER] [--fit] [--skip-others]

DATA_FOLDER holds `midi` (compositions), `midi-audio` (30 s of each from 30 s on) and
`mood-clips/tracks.csv`; `--moods` is the folder with the clips of that table. Files are split in
two by the checksum of their names: `--fit` fits the tempo weights on one half and prints them, and
all figures are of the other half. It prints:

- tempo: the share of files within 4 % of the MIDI file's tempo (its median over these seconds),
  and within 4 % of it, its double, half, triple or third; librosa's beat tracker beside it. A
  second row leaves out files whose notes do not follow the file's own tempo: recorded by hand.
- key: the share with the key that fits the MIDI file's notes best (Krumhansl and Kessler), and its
  MIREX score; the same profiles on librosa's chroma beside it.
- energy: how often a fiery clip lies above a wistful one (ROC-AUC), by clips of artists on which
  nothing was chosen; the clips' loudness beside it.
- the processor time of measuring 30 seconds.

The exit code is 1 if a figure misses its goal: 0.70 and 0.92, more than the baseline, and 0.85.
"""

import argparse
import csv
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
import numpy as np
import scipy.optimize
import sklearn.metrics

from embedder.encoding.sound import read_sound
from embedder.features.measuring import tempo
from embedder.features.measuring.bands import HOP, half_rate, mel_levels
from embedder.features.measuring.descriptors import descriptors_from, measure_descriptors

WINDOW = (30.0, 60.0)
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""Krumhansl and Kessler, "Tracing the dynamic changes in perceived tonal organization" (1982)."""
GOALS = {"tempo": 0.70, "tempo or a multiple": 0.92, "energy": 0.85}
DRUM_CHANNEL = 9
ON_GRID = 0.3
"""How alike the places of notes within a beat, or a part of it, are: 0 by chance, 1 on a grid."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a MIDI file says about the seconds that were rendered."""

    name: str
    audio: Path
    tempo: float
    key: int | None
    follows: bool
    """Whether the notes lie on the grid of the file's own tempo."""

    @property
    def is_reported(self) -> bool:
        """Whether it belongs to the half on which nothing was chosen."""
        return zlib.crc32(self.name.encode()) % 2 == 1


def main() -> int:
    """Measure, print, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--moods", type=Path, help="the folder with the clips of mood-clips")
    parser.add_argument("--fit", action="store_true", help="fit the tempo weights and print them")
    parser.add_argument("--skip-others", action="store_true", help="without librosa")
    options = parser.parse_args()
    pieces = list(pieces_of(options.data))
    n_reported = sum(piece.is_reported for piece in pieces)
    print(f"{len(pieces)} MIDI files, {n_reported} of them in the half that is reported")
    if options.fit:
        print_weights([piece for piece in pieces if not piece.is_reported and piece.follows])
        return 0
    is_reached = report_midi([p for p in pieces if p.is_reported], skip_others=options.skip_others)
    if options.moods is not None:
        is_reached &= report_moods(options.data / "mood-clips" / "tracks.csv", options.moods)
    return int(not is_reached)


def pieces_of(data: Path) -> Iterator[Piece]:
    """The MIDI files that can be read and have a rendering."""
    for path in sorted((data / "midi").rglob("*.mid")):
        name = path.relative_to(data / "midi").with_suffix("").as_posix()
        audio = data / "midi-audio" / f"{name}.ogg"
        try:
            midi = mido.MidiFile(path)
        except (OSError, ValueError, mido.KeySignatureError):
            continue
        if audio.exists():
            yield Piece(name, audio, *facts_of(midi))


def facts_of(midi: Any) -> tuple[float, int | None, bool]:
    """The median tempo of the window, the key of its notes, and whether notes follow the tempo."""
    seconds, beats, tempo_bpm, started = 0.0, 0.0, 120.0, {}
    tempi: list[tuple[float, float]] = [(0.0, tempo_bpm)]
    onsets: list[float] = []
    notes: list[tuple[float, float, int]] = []
    for message in mido.merge_tracks(midi.tracks):
        passed = message.time / midi.ticks_per_beat
        beats += passed
        seconds += passed * 60 / tempo_bpm
        if message.type == "set_tempo":
            tempo_bpm = 6e7 / message.tempo
            tempi.append((seconds, tempo_bpm))
        elif message.type == "note_on" and message.velocity:
            onsets.append(beats)
            started[message.channel, message.note] = seconds
        elif message.type in ("note_on", "note_off"):
            start = started.pop((message.channel, message.note), None)
            if start is not None and message.channel != DRUM_CHANNEL:
                notes.append((start, seconds, message.note))
    first = min(WINDOW[0], max(seconds - 30, 0.0))
    last = first + 30
    shares = np.zeros(12)
    for start, end, note in notes:
        shares[note % 12] += max(min(end, last) - max(start, first), 0.0)
    turns = np.exp(2j * np.pi * np.outer(onsets, (1, 2, 3, 4, 6, 8)))
    is_on_grid = bool(onsets) and float(abs(turns.mean(axis=0)).max()) >= ON_GRID
    best_key = int(fits(shares).argmax()) if shares.any() else None
    return median_tempo(tempi, first, last), best_key, is_on_grid


def median_tempo(tempi: list[tuple[float, float]], first: float, last: float) -> float:
    """The median over time between two seconds, of tempi with the second from which they hold."""
    ends = [start for start, _ in tempi[1:]] + [np.inf]
    held = sorted(
        (bpm, min(end, last) - max(start, first))
        for (start, bpm), end in zip(tempi, ends, strict=True)
        if min(end, last) > max(start, first)
    )
    passed = np.cumsum([seconds for _, seconds in held])
    return held[int(np.searchsorted(passed, passed[-1] / 2))][0]


def report_midi(pieces: list[Piece], *, skip_others: bool) -> bool:
    """Print the figures of tempo and key."""
    started = time.process_time()
    sounds = [read_sound(piece.audio) for piece in pieces]
    decoded = time.process_time()
    described = [descriptors_from(measure_descriptors(sound).data) for sound in sounds]
    spent = (time.process_time() - decoded) / len(pieces)
    decoding = (decoded - started) / len(pieces)
    print(f"measuring 30 s: {spent:.3f} s of processor time; decoding them {decoding:.3f} s")
    tempi = {"soundalike": [d.tempo if d else None for d in described]}
    keys = {"soundalike": [d.key[0] + 12 * d.key[1] if d and d.key else None for d in described]}
    if not skip_others:
        import librosa

        mono = [half_rate(sound.samples) for sound in sounds]
        tempi["librosa"] = [float(librosa.beat.beat_track(y=y, sr=22050)[0][0]) for y in mono]
        chroma = [librosa.feature.chroma_stft(y=y, sr=22050).mean(axis=1) for y in mono]
        keys["chroma and correlation"] = [int(fits(shares).argmax()) for shares in chroma]
    is_reached = True
    for name, values in tempi.items():
        exact, multiple = tempo_figures(pieces, values)
        followed = [(p, v) for p, v in zip(pieces, values, strict=True) if p.follows]
        exact_followed, multiple_followed = tempo_figures(*map(list, zip(*followed, strict=True)))
        print(f"tempo, {name}: {exact:.3f}, with multiples {multiple:.3f} of {len(pieces)} files")
        print(
            f"    notes that follow their tempo: {exact_followed:.3f}, {multiple_followed:.3f} of "
            f"{len(followed)}"
        )
        if name == "soundalike":
            is_reached &= exact >= GOALS["tempo"] and multiple >= GOALS["tempo or a multiple"]
    figures = {}
    for name, found_keys in keys.items():
        points = [
            key_points(value, piece.key)
            for piece, value in zip(pieces, found_keys, strict=True)
            if piece.key is not None
        ]
        figures[name] = np.mean(np.array(points) == 1)
        mean = float(np.mean(points))
        print(f"key, {name}: {figures[name]:.3f}, MIREX score {mean:.3f} of {len(points)}")
    return bool(is_reached and figures["soundalike"] >= max(figures.values()))


def tempo_figures(pieces: list[Piece], values: list[float | None]) -> tuple[float, float]:
    """The shares within 4 % of the tempo, and of it or a multiple."""
    ratios = [(value or 0.0) / p.tempo for p, value in zip(pieces, values, strict=True)]
    exact = [abs(ratio - 1) <= 0.04 for ratio in ratios]
    multiple = [any(abs(ratio / m - 1) <= 0.04 for m in (1, 2, 0.5, 3, 1 / 3)) for ratio in ratios]
    return float(np.mean(exact)), float(np.mean(multiple))


def fits(shares: np.ndarray) -> np.ndarray:
    """The correlation of note shares [12] with each key [24]."""
    profiles = [np.roll(profile, note) for profile in (MAJOR, MINOR) for note in range(12)]
    return np.array([np.corrcoef(shares, profile)[0, 1] for profile in profiles])


def key_points(measured: int | None, true: int) -> float:
    """As MIREX scores: 1 for the key, 0.5 a fifth away, 0.3 its relative, 0.2 its parallel."""
    if measured is None:
        return 0.0
    if measured == true:
        return 1.0
    away, is_same_mode = (measured - true) % 12, measured // 12 == true // 12
    if is_same_mode:
        return 0.5 if away in (5, 7) else 0.0
    relative = 9 if true < 12 else 3
    return {relative: 0.3, 0: 0.2}.get(away, 0.0)


def report_moods(table: Path, folder: Path) -> bool:
    """Print how well energy tells fiery from wistful clips of validation artists."""
    energies, loudness, is_fiery = [], [], []
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mood"] in ("fiery", "wistful")]
    for row in rows:
        if row["split"] != "train":
            fields = measure_descriptors(read_sound(folder / row["path"])).fields
            energies.append(float(fields["measured.energy"]))
            loudness.append(float(fields["measured.loudness"]))
            is_fiery.append(row["mood"] == "fiery")
    area = float(sklearn.metrics.roc_auc_score(is_fiery, energies))
    by_level = float(sklearn.metrics.roc_auc_score(is_fiery, loudness))
    print(f"fiery above wistful, {len(is_fiery)} clips: energy {area:.3f}, loudness {by_level:.3f}")
    return area >= GOALS["energy"]


def print_weights(pieces: list[Piece], *, penalty: float = 0.005) -> None:
    """Fit the weights of `embedder/features/measuring/tempo_weights.py` by a softmax over tempi."""
    compared = tempo.tempi()
    octaves = np.log2(compared / tempo.USUAL)
    prior = np.stack([octaves, octaves**2, octaves**3], axis=1)
    evidence, targets = [], []
    for piece in pieces:
        is_near = np.abs(np.log2(compared / piece.tempo)) <= np.log2(1.04)
        if is_near.any():
            levels = mel_levels(half_rate(read_sound(piece.audio).samples), 22050)
            correlation = tempo.repetition(tempo.onset_rises(levels), 22050 / HOP)
            values = tempo.tempo_evidence(correlation, 60 * 22050 / HOP / compared)
            evidence.append(np.concatenate([values, prior], axis=1))
            targets.append(is_near)
    all_evidence, near = np.stack(evidence), np.stack(targets).astype(np.float64)
    spread = all_evidence.std(axis=(0, 1))
    scaled = all_evidence / spread

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        sums = scaled @ weights
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        of_near = (powers * near).sum(axis=1)
        shares = powers / powers.sum(axis=1, keepdims=True)
        gap = shares - powers * near / of_near[:, None]
        gradient = (gap[:, :, None] * scaled).sum(axis=(0, 1)) / len(scaled)
        value = -np.log(of_near / powers.sum(axis=1)).mean() + penalty * np.square(weights).sum()
        return float(value), gradient + 2 * penalty * weights

    fitted = scipy.optimize.minimize(loss, np.zeros(scaled.shape[2]), jac=True, method="L-BFGS-B")
    weights = np.round(fitted.x / spread, 3)
    print("WEIGHTS =", [tuple(pair) for pair in weights[:-3].reshape(-1, 2).tolist()])
    print("PRIOR =", tuple(weights[-3:].tolist()))


if __name__ == "__main__":
    sys.exit(main())
