"""Encoding one track: its vector and excerpts, failures, stretches, silence."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.requests import (
    TrackRequest,
)
from embedder.errors import (
    AudioError,
    AudioTooShort,
    MissingAudio,
    SilentAudio,
    UnknownChoice,
    UsageError,
)
from tests.embedder.encoding.songs import RATE, tune


def test_a_track_becomes_a_vector_of_unit_length(encoder: TrackEncoder, songs: list[Path]) -> None:
    """The vector is float32, of the model's size and of length one."""
    encoding = encoder.encode(songs[0])
    assert encoding.vector.dtype == np.float32
    assert encoding.vector.shape == (encoder.embedding_size,)
    assert np.linalg.norm(encoding.vector) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(np.asarray(encoding), encoding.vector)


def test_the_vector_is_the_mean_of_the_excerpts(encoder: TrackEncoder, songs: list[Path]) -> None:
    """Excerpts have their times, and the track's vector is their mean at unit length."""
    encoding = encoder.encode(songs[8])
    mean = encoding.excerpt_vectors.mean(axis=0)
    np.testing.assert_allclose(encoding.vector, mean / np.linalg.norm(mean), atol=1e-5)
    assert len(encoding.starts_seconds) == len(encoding.excerpt_vectors) == 2
    assert encoding.duration_seconds == pytest.approx(10.5, abs=0.1)


def test_a_single_track_that_fails_raises(encoder: TrackEncoder, tmp_path: Path) -> None:
    """`encode` raises the error that `encode_many` records."""
    with pytest.raises(MissingAudio):
        encoder.encode(tmp_path / "missing.mp3")
    silent = tmp_path / "silent.wav"
    write_audio(silent, np.zeros((1, 3 * RATE), dtype=np.float32), RATE)
    with pytest.raises(SilentAudio, match="there is no sound in it"):
        encoder.encode(silent)


def test_silent_stretches_do_not_pull_the_mean(encoder: TrackEncoder, tmp_path: Path) -> None:
    """The silent half of a track has no excerpt."""
    path = tmp_path / "half.wav"
    sounding = tune(10.0)
    write_audio(path, np.concatenate([sounding, np.zeros_like(sounding)], axis=1), RATE)
    encoding = encoder.encode(path)
    assert len(encoding.excerpt_vectors) == 1
    assert encoding.starts_seconds[0] < 10


def test_a_stretch_of_a_track(encoder: TrackEncoder, tmp_path: Path) -> None:
    """`start_seconds` and `seconds` choose the part; one beyond the end is an error."""
    path = tmp_path / "two.wav"
    low, high = tune(10.0, pitch_hz=110), tune(10.0, pitch_hz=1760)
    write_audio(path, np.concatenate([low, high], axis=1), RATE)
    first = encoder.encode(path, start_seconds=1.0, seconds=3.0)
    second = encoder.encode(path, start_seconds=14.0, seconds=3.0)
    alone = tmp_path / "alone.wav"
    write_audio(alone, low, RATE)
    near = float(first.vector @ encoder.encode(alone).vector)
    far = float(second.vector @ encoder.encode(alone).vector)
    assert near > far
    with pytest.raises(AudioTooShort, match="20"):
        encoder.encode(path, start_seconds=40.0)


def test_samples_that_are_decoded_already(encoder: TrackEncoder) -> None:
    """Decoded excerpts become vectors without a file."""
    samples = np.concatenate([tune(2.0), tune(2.0, pitch_hz=880)])
    vectors = encoder.encode_samples(samples, RATE)
    assert vectors.shape == (2, encoder.embedding_size)
    assert not np.allclose(vectors[0], vectors[1])


def test_an_unknown_model_lists_the_known(tmp_path: Path) -> None:
    """The message has the unknown name."""
    with pytest.raises(UnknownChoice, match="unknown model 'nosuch'"):
        TrackEncoder.load("nosuch")


def test_errors_cross_the_process_boundary(encoder: TrackEncoder, tmp_path: Path) -> None:
    """An error from a decoder process has its class and reason, also for an unusual file name."""
    path = tmp_path / "line\nbreak \udcff.mp3"
    path.write_text("no music")
    with DecoderProcess(encoder.config) as decoder, pytest.raises(AudioError) as far:
        decoder.load(TrackRequest(path))
    with pytest.raises(AudioError) as near:
        encoder.encode(path)
    assert (type(far.value), far.value.reason) == (type(near.value), near.value.reason)


def test_sound_in_memory_is_encoded_as_a_file(encoder: TrackEncoder, tmp_path: Path) -> None:
    """The same samples give the same vectors, whether they fill an excerpt, many or none."""
    for seconds in (0.7, 9.0):
        path = tmp_path / f"{seconds}.wav"
        samples = tune(seconds)
        write_audio(path, samples, RATE, sample_format="float32")
        file = encoder.encode(path)
        memory = encoder.encode_waveform(samples[0], RATE)
        np.testing.assert_array_equal(memory.excerpt_vectors, file.excerpt_vectors)
        assert memory.starts_seconds == file.starts_seconds
    with pytest.raises(UsageError, match=f"this model takes {RATE}"):
        encoder.encode_waveform(samples[0], 1000)
