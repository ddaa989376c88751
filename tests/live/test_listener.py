"""Listening gives the answers of reading the whole file, window by window."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.encoding.classifier import TrackClassifier
from embedder.errors import UsageError
from soundalike.live.heard import UNKNOWN
from soundalike.live.listening import listen, open_listener
from soundalike.live.settings import ListenSettings
from soundalike.live.sources.file import FileSource
from tests.live.sounds import RATE, ArraySource, noise, write_labelled_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose labels are calm and loud."""
    return write_labelled_model(tmp_path_factory.mktemp("live") / "model")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of noise that gets louder, at another rate than the model's."""
    path = tmp_path_factory.mktemp("live") / "song.wav"
    samples = np.random.default_rng(3).normal(size=5 * 16000) * np.linspace(0.01, 0.3, 5 * 16000)
    write_audio(path, samples[None].astype(np.float32), 16000)
    return path


def test_the_answers_are_those_of_the_whole_file(model: Path, song: Path) -> None:
    """At each time, the probabilities are those of classifying that part of the file."""
    settings = ListenSettings(1.0, 0.5, smoothing_seconds=0)
    answers = list(listen(FileSource(song, speed=0), model=model, settings=settings))
    classifier = TrackClassifier.load(model)
    assert [heard.seconds for heard in answers] == pytest.approx(np.arange(1.0, 5.01, 0.5))
    for heard in answers[1:]:  # a resampler has no sound before the first window
        part = classifier.classify(song, start_seconds=heard.seconds - 1, seconds=1)
        assert heard.probabilities == pytest.approx(part.probabilities, abs=1e-5)
        assert heard.label == part.label


def test_probabilities_are_averaged_over_time(model: Path, song: Path) -> None:
    """Two windows to average: each answer is the mean of the last two single answers."""
    single, smooth = (
        list(listen(FileSource(song, speed=0), model=model, settings=settings))
        for settings in (ListenSettings(1.0, 0.5, 0.5), ListenSettings(1.0, 0.5, 1.0))
    )
    for before, now, mean in zip(single, single[1:], smooth[1:], strict=False):
        expected = (before.probabilities["loud"] + now.probabilities["loud"]) / 2
        assert mean.probabilities["loud"] == pytest.approx(expected)


def test_silence_has_no_label_and_is_not_encoded(model: Path) -> None:
    """In silence there is no label; the sound after it is not averaged with the sound before."""
    silent = np.zeros(2 * RATE, dtype=np.float32)
    source = ArraySource([noise(1.0), silent, noise(1.0, seed=2)])
    settings = ListenSettings(1.0, 1.0, smoothing_seconds=10)
    listener = open_listener(source, model=model, settings=settings)
    answers = list(listener.heard())
    assert [heard.label is None for heard in answers] == [False, True, True, False]
    assert [heard.silence for heard in answers] == [False, True, True, False]
    alone = ArraySource([noise(1.0, seed=2)])
    (expected,) = listen(alone, model=model, settings=settings)
    assert answers[-1].probabilities == pytest.approx(expected.probabilities)
    assert (listener.summary().n_windows, listener.summary().n_silent) == (4, 2)


def test_a_short_sound_is_repeated_and_not_padded(model: Path) -> None:
    """Half a second in a silent window has the answer of that half second alone."""
    sound = noise(0.6)
    padded = np.concatenate([np.zeros(RATE, np.float32), sound, np.zeros(3200, np.float32)])
    settings = ListenSettings(2.0, 2.0)
    (heard,) = listen(ArraySource([padded]), model=model, settings=settings)
    alone = TrackClassifier.load(model)
    part = padded[
        round((heard.begins_seconds or 0) * RATE) : round((heard.ends_seconds or 0) * RATE)
    ]
    assert len(part) < 0.75 * RATE
    expected = alone.of_encoding(alone.encoder.encode_waveform(part, RATE)).probabilities
    assert heard.probabilities == pytest.approx(expected, abs=1e-6)


def test_a_label_below_the_threshold_is_unknown(model: Path, song: Path) -> None:
    """The probability is still given."""
    settings = ListenSettings(threshold=1.0)
    heard = next(iter(listen(FileSource(song, speed=0), model=model, settings=settings)))
    assert (heard.label, heard.labels) == (UNKNOWN, ())
    assert heard.probability == max(heard.probabilities.values())


def test_a_window_too_short_for_the_model_is_refused(model: Path, song: Path) -> None:
    """The message says how long a window must be."""
    with pytest.raises(UsageError, match=r"needs at least 0\.5 seconds"):
        open_listener(FileSource(song, speed=0), model=model, settings=ListenSettings(0.3))
