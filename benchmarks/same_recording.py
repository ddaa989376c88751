"""Measure how well copies of a recording are recognised in other encodings.

    python benchmarks/same_recording.py CHOOSING_FOLDERS... --report FOLDERS... [--tracks 100]

The thresholds of `embedder.features.measuring.fingerprint` were chosen on the choosing folders;
figures are printed for both sides. The report side takes a seeded sample of `--tracks` tracks. Each
is encoded as MP3 at 64 kbit/s, Opus at 48, AAC at 96, 14 dB quieter, with a cut of 1 to 5
seconds at the beginning and up to 5 at the end, and at 22 050 Hz. All are indexed into a library
with the bundled model, and a copy is found if it has the recording of its original. All pairs of
different tracks of all folders are compared as well: each pair that matches is printed. Then the
time of the fingerprint is measured next to that of the whole analysis, in turns.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from embedder.audio.decoding import read_whole
from embedder.audio.writing import write_audio
from embedder.datasets.files import audio_files_below
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.measuring_many import measure_many
from embedder.encoding.requests import TrackMeasures, TrackRequest
from embedder.encoding.sound import read_sound
from embedder.features.measuring.fingerprint import NAME, Comparison, fingerprint
from index.library import Library

GOAL_RECALL, GOAL_SHARE = 0.98, 0.05
FORMS = ("mp3", "opus", "aac", "quiet", "cut", "rate")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("choosing", nargs="+", type=Path)
    parser.add_argument("--report", nargs="+", type=Path, required=True)
    parser.add_argument("--tracks", type=int, default=100)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    files = {
        "choosing": [file for folder in options.choosing for file in audio_files_below(folder)],
        "report": [file for folder in options.report for file in audio_files_below(folder)],
    }
    everything = [*files["choosing"], *files["report"]]
    pairs = list(matching_pairs(everything))
    print(f"{len(everything)} tracks, all pairs: {len(pairs)} match")
    for first, second, likeness in pairs:
        print(f"  {likeness:.2f}  {first}  {second}")
    recalls = {}
    for side in ("choosing", "report"):
        rows = np.sort(rng.permutation(len(files[side]))[: options.tracks])
        recalls[side] = recall_of([files[side][row] for row in rows], rng)
        n_tracks, parts = len(rows), recalls[side]
        print(f"{side}: recall {np.mean(list(parts.values())):.4f} of {n_tracks} tracks, {parts}")
    share = share_of_analysis(files["report"][:20])
    print(f"fingerprint: {share:.3f} of the analysis (goal {GOAL_SHARE})")
    recall = float(np.mean(list(recalls["report"].values())))
    sys.exit(recall < GOAL_RECALL or share > GOAL_SHARE)


def matching_pairs(files: Sequence[Path]) -> Iterator[tuple[Path, Path, float]]:
    """All pairs of files whose fingerprints match, whatever their vectors."""
    requests = [TrackRequest(file, measurers=(NAME,)) for file in files]
    prints = {
        result.path: result.measured[0].values.data
        for result in measure_many(requests)
        if isinstance(result, TrackMeasures) and result.measured[0].values.data
    }
    comparison, paths = Comparison(n_kept=len(prints)), list(prints)
    for position, first in enumerate(paths):
        others = paths[position + 1 :]
        matches = comparison.matches(prints[first], [prints[other] for other in others])
        for other, match in zip(others, matches, strict=True):
            if match.is_copy:
                yield first, other, match.likeness


def recall_of(files: Sequence[Path], rng: np.random.Generator) -> dict[str, float]:
    """The share of copies that the library puts into the recording of their original, by form."""
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder) / "music"
        for number, file in enumerate(files):
            write_forms(file, music / f"{number:04}", rng)
        library = Library.open_or_create(Path(folder) / "library")
        library.index([music])
        recordings = {Path(track.path): track.recording for track in library.all_tracks()}
        library.close()
    found: dict[str, list[bool]] = {form: [] for form in FORMS}
    for path, recording in recordings.items():
        if path.stem != "original":
            original = next(
                p for p in recordings if p.parent == path.parent and p.stem == "original"
            )
            found[path.stem].append(recording == recordings[original])
    joined = sum(
        recordings[a] == recordings[b]
        for a, b in combinations(recordings, 2)
        if a.parent != b.parent and a.stem == b.stem == "original"
    )
    print(f"  pairs of different tracks in one recording: {joined}")
    return {form: round(float(np.mean(flags)), 4) for form, flags in found.items()}


def write_forms(file: Path, folder: Path, rng: np.random.Generator) -> None:
    """The original and its six other forms, in a folder of their own."""
    folder.mkdir(parents=True)
    rate = 44100
    samples = np.atleast_2d(read_whole(file, sample_rate=rate).samples)
    write_audio(folder / "original.flac", samples, rate)
    write_audio(folder / "mp3.mp3", samples, rate, bit_rate_kbps=64)
    write_audio(folder / "aac.m4a", samples, rate, bit_rate_kbps=96)
    wide = np.atleast_2d(read_whole(file, sample_rate=48000).samples)
    write_audio(folder / "opus.opus", wide, 48000, bit_rate_kbps=48)
    write_audio(folder / "quiet.flac", np.float32(0.2) * samples, rate)
    first, last = (round(float(s) * rate) for s in (rng.uniform(1, 5), rng.uniform(0, 5)))
    write_audio(folder / "cut.mp3", samples[:, first : samples.shape[1] - last], rate)
    narrow = np.atleast_2d(read_whole(file, sample_rate=22050).samples)
    write_audio(folder / "rate.flac", narrow, 22050)


def share_of_analysis(files: Sequence[Path], n_rounds: int = 5) -> float:
    """The fingerprint's time over that of encoding, on one core; the least time of each file."""
    encoder = TrackEncoder.load("default", device="cpu")
    whole = np.full(len(files), np.inf)
    alone = np.full(len(files), np.inf)
    for _ in range(n_rounds):
        for row, file in enumerate(files):
            sound = read_sound(file)
            started = time.perf_counter()
            encoder.encode(file)
            encoded = time.perf_counter()
            fingerprint(sound)
            alone[row] = min(alone[row], time.perf_counter() - encoded)
            whole[row] = min(whole[row], encoded - started)
    print(f"  {1000 * alone.mean():.1f} ms of {1000 * whole.mean():.1f} ms a track")
    return float(alone.sum() / whole.sum())


if __name__ == "__main__":
    main()
