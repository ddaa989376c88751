"""Music or speech, and ten genres, from two seconds: what a head on the default model can tell.

    python benchmarks/live_classifier.py speech DATA
    python benchmarks/live_classifier.py genres DATA

speech: windows of 2 s of the clips in DATA/fma-clips and DATA/gtzan-clips, of DATA/midi-audio, and
of voices of espeak-ng (Debian: `apt install espeak-ng`), which reads on in a simulated room, as
does the midi-audio. A logistic regression on the vectors, five folds, held out by track and by
speaker (a variant of espeak-ng); then one that learns from midi-audio and speech alone and answers
for the real clips. The exit code is 1 below 0.97.

genres: pictures of DATA/gtzan-spectrograms, whole (30 s) and 2 s of them, repeated to their width
as `listen` repeats a window. Each is fitted as benchmarks/genre_votes/gtzan-fit.toml says, on the
training and validation side of the filtered split without the artists of its test side, on which
it is measured.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.audio.decoding import read_whole
from embedder.audio.resampling import resampled
from embedder.datasets.files import audio_files_below
from embedder.encoding.encoder import TrackEncoder
from embedder.training.heads import fitted_head
from embedder.training.settings import TrainingRequest, training_config
from embedder.training.train import train

GOAL = 0.97
WINDOW_SECONDS = 2.0
N_WINDOWS = 5
N_MIDI, N_FOLDS = 45, 5
LANGUAGES = ("en-gb", "en-us", "de", "fr", "es", "it", "pl", "sv", "pt")
VARIANTS = ("m1", "m3", "m7", "f2", "f4")
"""Speakers. Each is held out in a fold of its own."""
TEXT = (
    "The kettle stands on the stove, and somebody has left the door open. In the evening the wind "
    "comes from the north. Please call me when the train has passed the second bridge, and bring "
    "seven apples, a ladder and the old photograph. Nobody knows why the clock stopped at noon."
)
CROPS = 5
GTZAN_SECONDS = 30.0

Floats = NDArray[np.float32]
Windows = dict[str, tuple[str, Floats]]
"""Of each track or voice: its kind and the vectors of its windows."""


def in_a_room(samples: Floats, rate: int, generator: np.random.Generator) -> Floats:
    """Echoes of a room, and its noise 10 to 30 dB below."""
    decay = generator.uniform(0.1, 0.4)
    times = np.arange(round(decay * rate)) / rate
    echoes = generator.normal(size=len(times)) * np.exp(-6.9 * times / decay)
    echoes *= generator.uniform(0.2, 0.8) / np.sqrt(np.square(echoes).sum())
    echoes[0] = 1.0
    size = len(samples) + len(echoes)
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(echoes, size), size)[: len(samples)]
    spectrum = np.fft.rfft(generator.normal(size=len(samples)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), len(samples))
    gain = wet.std() / pink.std() * 10 ** (-generator.uniform(10, 30) / 20)
    noisy: Floats = (wet + gain * pink).astype(np.float32)
    return noisy


def voice(number: int, folder: Path) -> Path:
    """A WAV of one of 45 voices: a language, a speaker, and a pace and pitch of its own."""
    generator = np.random.default_rng([7, number])
    name = f"{LANGUAGES[number % 9]}+{VARIANTS[number // 9]}"
    path = folder / f"{name}.wav"
    pace, pitch = generator.integers(130, 190), generator.integers(30, 70)
    words = ("-v", name, "-s", str(pace), "-p", str(pitch), "-w", str(path), TEXT)
    subprocess.run(["espeak-ng", *words], check=True)  # noqa: S607  # Debian's
    return path


def windows_of(path: Path, encoder: TrackEncoder, *, seed: int | None = None) -> Floats:
    """The vectors of windows that are spread over a file; with a seed, heard in a room."""
    sound = read_whole(path)
    samples, rate = sound.samples, sound.sample_rate
    if seed is not None:
        samples = in_a_room(samples, rate, np.random.default_rng([11, seed]))
    model_rate = encoder.model.sample_rate or rate
    size = round(WINDOW_SECONDS * rate)
    starts = np.linspace(0, len(samples) - size, N_WINDOWS + 2)[1:-1].astype(int)
    vectors = []
    for start in starts:
        window = resampled(samples[start : start + size], from_rate=rate, to_rate=model_rate)
        vectors.append(encoder.encode_waveform(window, model_rate, name=path.name).vector)
    return np.stack(vectors)


def all_windows(data: Path, model: str) -> Windows:
    """Real music, rendered music and speech."""
    encoder = TrackEncoder.load(model, device="cpu")
    windows: Windows = {}
    for name in ("fma-clips", "gtzan-clips"):
        for path in audio_files_below(data / name):
            windows[f"{name}/{path.stem}"] = "real", windows_of(path, encoder)
    rendered = sorted(audio_files_below(data / "midi-audio"))
    chosen = np.random.default_rng(0).choice(len(rendered), N_MIDI, replace=False)
    for number in chosen.tolist():
        path = rendered[number]
        windows[str(path)] = "midi", windows_of(path, encoder, seed=number)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(len(LANGUAGES) * len(VARIANTS)):
            path = voice(number, Path(folder))
            windows[path.stem] = "speech", windows_of(path, encoder, seed=1000 + number)
    return windows


def right_windows(windows: Windows, training: list[str], queries: list[str]) -> dict[str, Floats]:
    """Which windows of each query are named correctly, by a head that learns from `training`."""
    vectors = torch.from_numpy(np.concatenate([windows[name][1] for name in training]))
    truth = np.repeat([windows[name][0] == "speech" for name in training], N_WINDOWS)
    both = np.stack([~truth, truth], axis=1).astype(np.float32)
    head = fitted_head(
        (np.arange(len(vectors)), vectors), both, ("music", "speech"), kind="softmax", field="kind"
    )
    assert head is not None  # both kinds are there
    return {
        name: head.probabilities(windows[name][1]).argmax(axis=1) == (windows[name][0] == "speech")
        for name in queries
    }


def measure_speech(data: Path, model: str) -> bool:
    """Print the shares of right windows; whether the goal is met."""
    windows = all_windows(data, model)
    names = [list(windows)[at] for at in np.random.default_rng(0).permutation(len(windows))]
    right: dict[str, Floats] = {}
    for fold in range(N_FOLDS):
        queries = [name for name in names[fold::N_FOLDS] if windows[name][0] != "speech"]
        queries += [name for name in names if name.endswith(f"+{VARIANTS[fold]}")]
        right |= right_windows(windows, [name for name in names if name not in queries], queries)
    print(f"{model}: windows of {WINDOW_SECONDS:g} s, {N_WINDOWS} a track, {N_FOLDS} folds")
    shares = {}
    for kind in ("real", "midi", "speech"):
        of_kind = np.concatenate([right[name] for name in names if windows[name][0] == kind])
        shares[kind] = of_kind.mean()
        print(f"  {kind:7} {shares[kind]:.3f} of {len(of_kind)}")
    music = np.concatenate([right[name] for name in names if windows[name][0] != "speech"])
    balanced = float((music.mean() + shares["speech"]) / 2)
    print(f"  mean of music and speech {balanced:.3f}  goal {GOAL:g}")
    real = [name for name in names if windows[name][0] == "real"]
    strangers = right_windows(windows, [name for name in names if name not in real], real)
    share = np.concatenate(list(strangers.values())).mean()
    print(f"  real clips, learnt from midi-audio and speech alone: {share:.3f}")
    return balanced >= GOAL


def write_pictures(source: Path, folder: Path, *, seconds: float) -> Path:
    """The pictures of both sides; of each, crops of so many seconds, repeated to the width."""
    with (source / "tracks.csv").open(encoding="utf-8") as file:
        rows = {row["track"]: row for row in csv.DictReader(file)}
    tested = {row["artist"] for row in rows.values() if row["split"] == "test"} - {""}
    arrays = np.load(source / "spectrograms.npz")
    pictures, keys, lines = [], [], ["track,genre,artist,split"]
    for track, picture in zip(arrays["track"], arrays["spectrogram"], strict=True):
        row = rows[str(track)]
        side = row["split"]
        if not side or (side != "test" and row["artist"] in tested):
            continue
        width = picture.shape[1]
        size = round(seconds / GTZAN_SECONDS * width)
        n_crops = 1 if size >= width else CROPS
        places = [0] if n_crops == 1 else np.linspace(0, width - size, CROPS + 2)[1:-1]
        for number, first in enumerate(np.asarray(places).astype(int).tolist()):
            crop = picture[:, first : first + size]
            pictures.append(np.tile(crop, (1, -(-width // size)))[:, :width])
            keys.append(f"{track}-{number}")
            artist = row["artist"].replace(",", " ") or f"unknown {track}"
            lines.append(f"{keys[-1]},{row['genre']},{artist},{side}")
    folder.mkdir()
    np.savez(folder / "spectrograms.npz", spectrogram=np.stack(pictures), track=np.array(keys))
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def measure_genres(data: Path) -> None:
    """Print the accuracy on the test side from 30 s and from 2 s."""
    recipe = Path(__file__).parent / "genre_votes" / "gtzan-fit.toml"
    request = TrainingRequest(
        toml=recipe,
        assignments=("stopping.measure_test=true", "dataset.cache_gigabytes=2"),
    )
    for seconds in (GTZAN_SECONDS, WINDOW_SECONDS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pictures = write_pictures(
                data / "gtzan-spectrograms", folder / "pictures", seconds=seconds
            )
            config = training_config(request)
            result = train(pictures, config, folder / "run")
        scores = result.test
        print(
            f"{seconds:4g} s: head {scores['head_accuracy']:.3f}, vote of the 5 nearest "
            f"{scores['accuracy']:.3f} of {result.n_tracks['test']} pictures "
            f"({result.n_tracks['train']} in training)"
        )


def main() -> int:
    """Run one of the two measurements; 1 if its goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speech", "genres"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    if options.what == "genres":
        measure_genres(options.data)
        return 0
    return int(not measure_speech(options.data, options.model))


if __name__ == "__main__":
    sys.exit(main())
