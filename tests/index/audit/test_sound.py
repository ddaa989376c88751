"""Audits of files: copies in other formats, and faults of the audio."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.audio.inspecting import inspect_audio
from embedder.audio.measuring import SoundMeasures
from embedder.audio.writing import write_audio
from embedder.errors import AudioError
from index.audit.audit import AuditSettings, audit
from index.audit.sound import OF_FILES, judge_sound
from index.evaluate.subjects import open_subject

RATE = 22050
Samples = NDArray[np.float32]


def melody(seed: int, *, seconds: float = 24.0) -> Samples:
    """Two voices of random notes, a little apart in stereo: float32 [2, samples]."""
    generator = np.random.default_rng(seed)
    voices = []
    for octave in (1.0, 2.0):
        notes = []
        while sum(map(len, notes)) < seconds * RATE:
            time = np.arange(round(generator.uniform(0.15, 0.6) * RATE)) / RATE
            hertz = 110 * octave * 2 ** (generator.integers(0, 24) / 12)
            tone = sum(np.sin(2 * np.pi * hertz * h * time) / h for h in range(1, 6))
            notes.append(tone * np.exp(-3 * time))
        voices.append(np.concatenate(notes)[: round(seconds * RATE)])
    left, right = 0.2 * voices[0] + 0.1 * voices[1], 0.1 * voices[0] + 0.2 * voices[1]
    return np.stack([left, right]).astype(np.float32)


def kinds_of(path: Path) -> list[str]:
    return [
        finding.kind for finding in judge_sound("track", inspect_audio(path, sample_rate=11025))
    ]


def clipped(samples: Samples) -> Samples:
    return np.clip(8 * samples, -1, 1)


def half_silent(samples: Samples) -> Samples:
    quiet = samples.copy()
    quiet[:, : round(0.6 * samples.shape[1])] = 0
    return quiet


def one_sided(samples: Samples) -> Samples:
    return samples * np.array([[1.0], [0.0]], dtype=np.float32)


def twice_the_same(samples: Samples) -> Samples:
    return np.repeat(samples[:1], 2, axis=0)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (lambda samples: samples, []),
        (lambda samples: samples[:1], []),
        (np.zeros_like, ["silent"]),
        (half_silent, ["silent"]),
        (clipped, ["clipped"]),
        (twice_the_same, ["mono-as-stereo"]),
        (one_sided, ["one-sided"]),
    ],
    ids=["well", "mono", "zero", "half-silent", "clipped", "mono-as-stereo", "one-sided"],
)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_a_fault_is_named_in_every_format(
    tmp_path: Path, change: Callable[[Samples], Samples], kinds: list[str], suffix: str
) -> None:
    """Sound files and true mono files are not reported."""
    path = tmp_path / f"track{suffix}"
    write_audio(path, change(melody(0, seconds=6)), RATE)
    assert kinds_of(path) == kinds


@pytest.mark.parametrize(("suffix", "bit_rate_kbps"), [(".ogg", 64), (".m4a", 64), (".mp3", 64)])
def test_one_channel_twice_is_seen_behind_an_encoder(
    tmp_path: Path, suffix: str, bit_rate_kbps: int
) -> None:
    """The encoder makes the channels differ a little; narrow stereo is not reported."""
    samples = melody(0, seconds=6)
    mono, path = twice_the_same(samples), tmp_path / f"track{suffix}"
    write_audio(path, mono, RATE, bit_rate_kbps=bit_rate_kbps)
    assert kinds_of(path) == ["mono-as-stereo"]
    narrow = mono + np.float32(0.1) * (samples - mono)
    write_audio(path, narrow, RATE, bit_rate_kbps=bit_rate_kbps)
    assert kinds_of(path) == []


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".ogg"])
def test_channels_that_cancel_each_other_out_are_found(tmp_path: Path, suffix: str) -> None:
    """The mean of the channels is silent, the file is not."""
    mono = twice_the_same(melody(0, seconds=6))
    turned = mono * np.array([[1.0], [-1.0]], dtype=np.float32)
    write_audio(tmp_path / f"track{suffix}", turned, RATE)
    assert kinds_of(tmp_path / f"track{suffix}") == ["cancelling"]


def test_silent_channels_of_surround_sound_are_no_fault(tmp_path: Path) -> None:
    """A film's bass and back channels are often empty."""
    samples = np.concatenate([melody(0, seconds=6), np.zeros((4, 6 * RATE), dtype=np.float32)])
    write_audio(tmp_path / "track.flac", samples, RATE)
    assert kinds_of(tmp_path / "track.flac") == []


def test_measurements_equal_what_was_written(tmp_path: Path) -> None:
    """Peak, length, channels, and the share of samples at full scale."""
    samples = np.zeros((2, RATE), dtype=np.float32)
    samples[0, 1000:1500] = 1.0
    samples[1] = 0.25
    write_audio(tmp_path / "track.wav", samples, RATE, sample_format="float32")
    sound = inspect_audio(tmp_path / "track.wav", sample_rate=RATE)
    assert (sound.peak, sound.n_channels) == (1.0, 2)
    assert sound.found_seconds == pytest.approx(1.0)
    assert sound.clipped_share == pytest.approx(500 / RATE)
    levels = np.sqrt(np.square(samples).sum(axis=1))
    assert sound.quieter_channel_level == pytest.approx(levels.min() / levels.max(), rel=1e-4)
    difference, total = samples[0] - samples[1], samples[0] + samples[1]
    expected = np.sqrt(np.square(difference).sum() / np.square(total).sum())
    assert sound.side_level == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(sound.waveform.samples, samples.mean(axis=0), atol=1e-6)


def test_a_level_that_stands_still_is_silence(tmp_path: Path) -> None:
    """A constant is silence, however large it is."""
    samples = np.full((2, 4 * RATE), 0.1, dtype=np.float32)
    write_audio(tmp_path / "track.wav", samples, RATE)
    assert "silent" in kinds_of(tmp_path / "track.wav")


def test_the_share_of_silence_equals_a_loop() -> None:
    """Over tenths of a second, whatever pieces the sound comes in."""
    generator = np.random.default_rng(0)
    loudness = np.repeat(generator.choice([0.0, 0.0005, 0.3], 97), RATE // 14)
    samples = (loudness * generator.uniform(-1, 1, (2, len(loudness)))).astype(np.float32)
    measures, start = SoundMeasures(RATE), 0
    while start < samples.shape[1]:
        n = int(generator.integers(1, 9000))
        measures.add(samples[:, start : start + n])
        start += n
    length = RATE // 10
    blocks = [samples[:, at : at + length] for at in range(0, samples.shape[1], length)]
    quiet = [np.ptp(b, axis=1).max() / 2 < 1e-3 for b in blocks if b.shape[1] == length]
    assert 0.2 < measures.quiet_share < 0.8
    assert measures.quiet_share == pytest.approx(np.mean(quiet))


def test_of_a_long_file_only_the_beginning_is_kept(tmp_path: Path) -> None:
    """The rest is measured as it passes, so that an hour needs no more memory than a minute."""
    samples = melody(0, seconds=8)
    samples[:, 6 * RATE :] = 1.0
    write_audio(tmp_path / "track.wav", samples, RATE)
    whole = inspect_audio(tmp_path / "track.wav", sample_rate=RATE)
    sound = inspect_audio(tmp_path / "track.wav", sample_rate=RATE, kept_seconds=3.0)
    assert len(sound.waveform.samples) == 3 * RATE
    np.testing.assert_array_equal(sound.waveform.samples, whole.waveform.samples[: 3 * RATE])
    assert (sound.found_seconds, sound.peak) == (pytest.approx(8.0), whole.peak)
    assert sound.clipped_share == pytest.approx(0.25)


def test_what_is_no_sound_says_why(tmp_path: Path) -> None:
    """The reason is the one that other commands give."""
    (tmp_path / "track.mp3").write_bytes(b"no sound" * 100)
    with pytest.raises(AudioError, match="not a format"):
        inspect_audio(tmp_path / "track.mp3", sample_rate=11025)


def test_a_file_of_one_sample_is_named_and_no_more(tmp_path: Path) -> None:
    """It is too short for a spectrogram; all other files are compared as usual."""
    (tmp_path / "jazz").mkdir()
    write_audio(tmp_path / "jazz" / "click.wav", np.full((1, 1), 0.5, dtype=np.float32), RATE)
    for name, loudness in (("0.flac", 1.0), ("1.flac", 0.5)):
        write_audio(tmp_path / "jazz" / name, np.float32(loudness) * melody(3), RATE)
    done = audit(open_subject(tmp_path, layout="folders"), settings=AuditSettings()).audit
    assert [finding.tracks for finding in done.of_kind("silent")] == [("jazz/click.wav",)]
    assert [finding.tracks for finding in done.of_kind("near-duplicate")] == [
        ("jazz/0.flac", "jazz/1.flac")
    ]


def test_copies_in_a_folder_are_found(tmp_path: Path) -> None:
    """An equal file, a quiet MP3 of another rate, a part of a song; no song is another's copy."""
    for number in range(12):
        genre = ("jazz", "rock")[number % 2]
        (tmp_path / genre).mkdir(exist_ok=True)
        write_audio(tmp_path / genre / f"{number:02}.flac", melody(number), RATE)
    original = tmp_path / "jazz" / "00.flac"
    (tmp_path / "rock" / "equal.flac").write_bytes(original.read_bytes())
    write_audio(tmp_path / "jazz" / "quiet.mp3", 0.25 * melody(2), RATE, bit_rate_kbps=64)
    write_audio(tmp_path / "rock" / "part.ogg", melody(5)[:, 7 * RATE : 21 * RATE], RATE)
    (tmp_path / "rock" / "broken.mp3").write_bytes(b"no sound" * 100)
    done = audit(open_subject(tmp_path, layout="folders"), settings=AuditSettings()).audit
    assert set(OF_FILES) <= set(done.checked)
    tracks_by_kind = {
        kind: [set(finding.tracks) for finding in done.of_kind(kind)]
        for kind in ("exact-duplicate", "near-duplicate", "unreadable", "label-conflict")
    }
    assert tracks_by_kind["exact-duplicate"] == [{"jazz/00.flac", "rock/equal.flac"}]
    assert sorted(map(sorted, tracks_by_kind["near-duplicate"])) == [
        ["jazz/02.flac", "jazz/quiet.mp3"],
        ["rock/05.flac", "rock/part.ogg"],
    ]
    assert tracks_by_kind["unreadable"] == [{"rock/broken.mp3"}]
    assert tracks_by_kind["label-conflict"] == [{"jazz/00.flac", "rock/equal.flac"}]
