"""Reading parts of a file gives exactly the samples of decoding the whole file."""

import logging
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedder.audio.decoding import read_stretches, read_whole
from embedder.audio.writing import write_audio
from tests.embedder.audio_files import (
    RATE,
    aac_without_container,
    ogg_vorbis,
    tone,
    truncated,
    tune,
    video,
)

SECONDS = 12.0


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One tune in every format."""
    folder = tmp_path_factory.mktemp("tunes")
    samples = tune(SECONDS)
    paths = {name: folder / f"tune.{name}" for name in ("mp3", "flac", "opus", "m4a", "wav")}
    for path in paths.values():
        write_audio(path, samples, RATE)
    paths["ogg"] = folder / "vorbis.ogg"
    ogg_vorbis(paths["ogg"], samples[0])
    for name in ("mp4", "ts", "avi"):
        paths[name] = folder / f"film.{name}"
        video(paths[name], samples, seconds=SECONDS)
    paths["aac"] = folder / "tune.aac"
    aac_without_container(paths["aac"], samples)
    paths["thin"] = folder / "thin.mp3"  # its frames borrow bits from many frames before
    write_audio(paths["thin"], tune(SECONDS, rate=8000), 8000, bit_rate_kbps=8)
    return paths


# AAC fills bands with noise whose generator goes on from frame to frame: never twice the same.
TOLERANCE = {"m4a": 0.08, "mp4": 0.08, "ts": 0.08, "avi": 0.08, "aac": 0.08}
FORMATS = ("mp3", "thin", "flac", "opus", "ogg", "wav", "m4a", "mp4", "ts", "avi", "aac")


@pytest.mark.parametrize("name", FORMATS)
def test_a_stretch_is_a_part_of_the_whole(tunes: dict[str, Path], name: str) -> None:
    """After a seek, the samples equal those of decoding everything."""
    waveform = read_whole(tunes[name])
    starts = (0.0, 0.013, 0.31, 1.0, 4.9999, 5.3, 10.81)
    stretches = read_stretches(tunes[name], lambda _: starts, seconds=0.7)
    for start, samples in zip(starts, stretches.samples, strict=True):
        first = round(start * waveform.sample_rate)
        expected = waveform.samples[first : first + len(samples)]
        assert np.abs(samples - expected).max() <= TOLERANCE.get(name, 2e-5)
        assert np.corrcoef(samples, expected)[0, 1] > 0.995


@pytest.mark.parametrize("name", ["mp3", "flac", "wav", "opus"])
def test_resampled_stretches_join_the_whole(tunes: dict[str, Path], name: str) -> None:
    """At another rate, too, the edges of a stretch have the samples of the whole."""
    waveform = read_whole(tunes[name], sample_rate=16000)
    starts = (0.0, 2.0, 7.0)
    stretches = read_stretches(tunes[name], lambda _: starts, seconds=1.0, sample_rate=16000)
    for start, samples in zip(starts, stretches.samples, strict=True):
        first = round(start * 16000)
        assert np.abs(samples - waveform.samples[first : first + 16000]).max() < 1e-4


@given(
    name=st.sampled_from(FORMATS),
    places=st.lists(st.floats(0, 1), min_size=1, max_size=5),
    seconds=st.floats(0.01, 3.0),
    sample_rate=st.sampled_from([0, 8000, 22050, 48000]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_stretch_has_the_given_length(
    tunes: dict[str, Path], name: str, places: list[float], seconds: float, sample_rate: int
) -> None:
    """In any order, each stretch has as many samples as its seconds, and all are finite."""
    starts = [place * (11.5 - seconds) for place in places]
    stretches = read_stretches(
        tunes[name], lambda _: starts, seconds=seconds, sample_rate=sample_rate
    )
    assert stretches.samples.shape == (len(starts), round(seconds * stretches.sample_rate))
    assert stretches.sample_rate == (sample_rate or stretches.sample_rate)
    assert np.isfinite(stretches.samples).all()
    assert min(stretches.n_read) >= stretches.samples.shape[1] - 1


def test_stretches_beyond_the_end_are_zeros(tunes: dict[str, Path]) -> None:
    """A stretch over the end has its real samples, their count, and zeros."""
    stretches = read_stretches(tunes["flac"], lambda _: [0.0, 11.5], seconds=1.0)
    assert stretches.n_read == (RATE, RATE // 2)
    assert not stretches.samples[1, RATE // 2 :].any()
    assert stretches.samples[1, : RATE // 2].any()


def test_the_plan_gets_the_length(tunes: dict[str, Path]) -> None:
    """The plan is called once, with the length of the file."""
    planned_seconds: list[float] = []

    def plan(duration_seconds: float) -> list[float]:
        planned_seconds.append(duration_seconds)
        return [1.0]

    assert read_stretches(tunes["mp3"], plan, seconds=1.0).duration_seconds == SECONDS
    assert planned_seconds == [SECONDS]


def test_a_shorter_file_than_it_says_is_planned_again(
    tunes: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """For a truncated MP3 the plan is called again with the real length."""
    path = tmp_path / "cut.mp3"
    path.write_bytes(tunes["mp3"].read_bytes())
    truncated(path, keep=0.5)
    with caplog.at_level(logging.DEBUG):
        stretches = read_stretches(path, lambda seconds: [0.9 * seconds - 0.5], seconds=0.5)
    assert stretches.duration_seconds == pytest.approx(6.0, abs=0.1)
    assert stretches.n_read == (RATE // 2,)
    assert "its header says 12.00 s, it has" in caplog.text


def test_matroska_is_right_within_its_milliseconds(tmp_path: Path) -> None:
    """Matroska counts in milliseconds, so a stretch may be off by one."""
    path = tmp_path / "film.mkv"
    video(path, tune(6.0), seconds=6.0)
    samples = read_whole(path).samples
    stretch = read_stretches(path, lambda _: [3.0], seconds=0.5).samples[0]
    around = samples[3 * RATE - 200 : 3 * RATE + len(stretch) + 200]
    lag = int(np.argmax(np.correlate(around, stretch, mode="valid"))) - 200
    assert abs(lag) <= 0.0012 * RATE


def test_frequencies_above_half_the_rate_are_removed(tmp_path: Path) -> None:
    """A tone above half the new rate vanishes, and a tone well below keeps its level."""
    for hertz, keeps in ((3000, True), (9000, True), (12000, False), (15000, False)):
        path = tmp_path / f"{hertz}.wav"
        write_audio(path, tone(hertz, 3.0), RATE, sample_format="float32")
        samples = read_stretches(path, lambda _: [1.0], seconds=1.0, sample_rate=22050).samples
        level_db = 20 * np.log10(samples.std() / (0.5 / np.sqrt(2)) + 1e-12)
        assert (abs(level_db) < 0.1) if keeps else (level_db < -80)


def test_a_tone_stays_in_time_at_another_rate(tmp_path: Path) -> None:
    """Resampling keeps the phase and level of a tone."""
    path = tmp_path / "tone.wav"
    write_audio(path, tone(1000, 3.0), RATE, sample_format="float32")
    samples = read_stretches(path, lambda _: [1.0], seconds=1.0, sample_rate=16000).samples[0]
    assert np.abs(samples - tone(1000, 1.0, rate=16000)).max() < 1e-4


@pytest.mark.slow
def test_seeking_is_far_quicker_than_decoding_everything(tmp_path: Path) -> None:
    """Ten short excerpts of a long MP3 take at most a third of the time of the whole."""
    path = tmp_path / "long.mp3"
    write_audio(path, tune(240), RATE)
    read_stretches(path, lambda _: [1.0], seconds=1.0)
    began = time.process_time()
    read_stretches(path, lambda _: [23.0 * i for i in range(10)], seconds=3.0)
    stretches = time.process_time() - began
    began = time.process_time()
    read_whole(path)
    assert stretches < (time.process_time() - began) / 3
