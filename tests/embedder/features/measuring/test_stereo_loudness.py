"""Loudness of stereo and surround files, against FFmpeg's own meter over the same seconds."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph

from embedder.audio.writing import write_audio
from embedder.encoding.sound import read_sound
from embedder.features.measuring.loudness import integrated_loudness

SECONDS = 14
RATES = {"wav": 44_100, "flac": 44_100, "mp3": 44_100, "ogg": 48_000}


def beats(seed: int, rate: int, *, steps_a_second: float = 5.38) -> np.ndarray:
    """Struck noise and tones; by default as fast as windows follow each other."""
    chance = np.random.default_rng(seed)
    times = np.arange(SECONDS * rate) / rate
    since = times % (1 / steps_a_second)
    pitch = 110 * 2 ** (np.floor(times * steps_a_second) % 12 / 12 + seed)
    tones = sum(np.sin(2 * np.pi * pitch * overtone * times) / overtone for overtone in range(1, 9))
    noise = chance.standard_normal(len(times))
    return (0.08 * (tones + noise) * np.exp(-12 * since)).astype(np.float32)


def channels_of(kind: str, rate: int) -> np.ndarray:
    """[channels, samples]"""
    left, right = beats(1, rate), beats(2, rate, steps_a_second=4.0)
    return {
        "mono in stereo": np.stack([left, left]),
        "uncorrelated": np.stack([left, right]),
        "one side": np.stack([left, 0 * left]),
        "nearly opposed": np.stack([left, -0.9 * left]),
        "opposed": np.stack([left, -left]),
        "wide": np.stack([left + 0.5 * right, left - 0.5 * right]),
        "a wide half": np.stack(
            [left, np.where(np.arange(len(left)) < len(left) / 2, left, right)]
        ),
    }[kind]


def by_ffmpeg(path: Path) -> float:
    """LUFS of a whole file, by FFmpeg's filter `ebur128`."""
    graph = Graph()
    lufs = float("nan")
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        source = graph.add_abuffer(template=stream, time_base=Fraction(1, stream.rate))
        meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        for frame in container.decode(stream):
            graph.push(frame)
            while True:
                try:
                    measured = graph.pull()
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
                lufs = float(measured.metadata.get("lavfi.r128.I", lufs))
    return lufs


def measured(path: Path) -> float:
    lufs = integrated_loudness(read_sound(path))
    assert lufs is not None
    return lufs


@pytest.mark.parametrize("suffix", RATES)
@pytest.mark.parametrize(
    "kind",
    [
        "mono in stereo",
        "uncorrelated",
        "one side",
        "nearly opposed",
        "opposed",
        "wide",
        "a wide half",
    ],
)
def test_stereo_has_the_loudness_of_both_channels(tmp_path: Path, kind: str, suffix: str) -> None:
    """Within half a LU of FFmpeg, however wide."""
    path = tmp_path / f"song.{suffix}"
    write_audio(path, channels_of(kind, RATES[suffix]), RATES[suffix])
    assert measured(path) == pytest.approx(by_ffmpeg(path), abs=0.5)


def test_surround_counts_all_its_speakers(tmp_path: Path) -> None:
    """Five channels and a bass-effects channel; those behind are 1.5 dB less here."""
    rate = RATES["wav"]
    five = np.stack([beats(seed, rate, steps_a_second=3 + seed / 3) for seed in range(1, 7)])
    path = tmp_path / "song.wav"
    write_audio(path, five * 0.5, rate)
    assert measured(path) == pytest.approx(by_ffmpeg(path), abs=1.0)


def test_mono_is_as_from_both_speakers(tmp_path: Path) -> None:
    """As loud as the same in two channels, 3 LU more than FFmpeg's single speaker."""
    write_audio(tmp_path / "mono.wav", beats(1, 44_100), 44_100)
    write_audio(tmp_path / "stereo.wav", channels_of("mono in stereo", 44_100), 44_100)
    assert measured(tmp_path / "mono.wav") == measured(tmp_path / "stereo.wav")
    assert measured(tmp_path / "mono.wav") == pytest.approx(
        by_ffmpeg(tmp_path / "mono.wav") + 3.01, abs=0.1
    )
