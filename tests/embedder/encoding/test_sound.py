"""The sound that measurers get: the middle 30 seconds of a track, the same for every model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.config.model import ExcerptConfig, FrontEndConfig, MemberExcerpts, ModelConfig
from embedder.encoding.loading import load_track, measure_track
from embedder.encoding.measuring_many import measure_many
from embedder.encoding.processes.messages import measured_of, message_of
from embedder.encoding.requests import TrackRequest
from embedder.encoding.sound import SOUND_RATE, read_sound

MIDDLE = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=1, excerpt_seconds=30.0, placement="centre"),
    front_end=FrontEndConfig(sample_rate=SOUND_RATE),
)
PIECES = replace(MIDDLE, excerpts=ExcerptConfig())


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 seconds of noise at 8 kHz."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 40 * 8000).astype(np.float32)
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    write_audio(path, samples, 8000)
    return path


@pytest.mark.parametrize("seconds", [None, 12.5])
def test_every_model_gives_the_same_sound(song: Path, seconds: float | None) -> None:
    """It is decoded separately if a model reads other excerpts, and not if it reads this."""
    start = None if seconds is None else 5.0
    request = TrackRequest(song, start, seconds, ("any",))
    loaded = [load_track(request, config) for config in (MIDDLE, PIECES)]
    assert [track.separate_sound is None for track in loaded] == [True, False]
    one, other = (track.sound(MIDDLE) for track in loaded)
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.start_seconds == other.start_seconds == 5.0
    assert len(one.samples) == SOUND_RATE * (seconds or 30)


def test_a_part_of_a_combined_model_gives_the_sound(song: Path) -> None:
    """If an encoder of the model reads the middle 30 seconds, nothing more is decoded."""
    patches = MemberExcerpts(n_excerpts=4, excerpt_seconds=3.0, sample_rate=4000)
    middle = MemberExcerpts(1, 30.0, "centre", sample_rate=SOUND_RATE)
    excerpts = replace(MIDDLE.excerpts, members=(patches, middle))
    combined = ModelConfig(excerpts, FrontEndConfig(kind="waveform", sample_rate=0))
    loaded = load_track(TrackRequest(song, 5.0, 12.5, ("any",)), combined)
    assert loaded.separate_sound is None
    sound, expected = loaded.sound(combined), read_sound(song, start_seconds=5.0, seconds=12.5)
    np.testing.assert_array_equal(sound.samples, expected.samples)
    assert sound.start_seconds == expected.start_seconds


def test_a_short_track_is_not_repeated(tmp_path: Path) -> None:
    """The excerpt of a model repeats it, the sound does not."""
    path = tmp_path / "short.wav"
    write_audio(path, np.full(4000, 0.5, dtype=np.float32), 8000)
    sound = load_track(TrackRequest(path, measurers=("any",)), MIDDLE).sound(MIDDLE)
    assert len(sound.samples) == len(read_sound(path).samples) == SOUND_RATE // 2


def test_without_measurers_nothing_more_is_decoded(song: Path) -> None:
    """A request of a model alone reads its excerpts alone."""
    assert load_track(TrackRequest(song), PIECES).separate_sound is None


def test_a_child_measures_the_same(song: Path, tmp_path: Path) -> None:
    """A decoder process measures as this process does, also a track without a fingerprint."""
    short = tmp_path / "short.wav"
    write_audio(short, np.full(4000, 0.5, dtype=np.float32), 8000)
    requests = [TrackRequest(path, measurers=("fingerprint",)) for path in (song, short)]
    expected = [measure_track(request) for request in requests]
    assert [bool(result.measured[0].values.data) for result in expected] == [True, False]
    assert list(measure_many(requests, workers=1)) == expected


def test_what_was_measured_survives_its_message(song: Path) -> None:
    """An encoding process sends it to its parent as JSON."""
    (measured,) = measure_track(TrackRequest(song, measurers=("fingerprint",))).measured
    assert measured_of(json.loads(json.dumps(message_of(measured)))) == measured
