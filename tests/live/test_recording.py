"""Takes: cut at pauses, trimmed, numbered, and checked for their level."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import read_whole
from embedder.audio.writing import write_audio
from embedder.errors import BadInput, UsageError
from index.indexing.tags import read_tags
from soundalike.live.recording.folder import TakesFolder, checked_label, count_takes
from soundalike.live.recording.recorder import Recorder
from soundalike.live.recording.recording import RecordSettings, takes_in_recording
from soundalike.live.recording.takes import (
    cut_at_pauses,
    levels_of,
    silence_of_recording,
    trimmed,
)
from tests.live.sounds import RATE, ArraySource, Floats, noise

ROOM = 0.001
"""-60 dB below full scale."""


def recording(*spans: tuple[float, float], seconds: float, room: float = ROOM) -> Floats:
    """Noise of a room, with loud sounds from a start for some seconds."""
    samples = noise(seconds, level=room, seed=9)
    for seed, (start, length) in enumerate(spans):
        first = round(start * RATE)
        samples[first : first + round(length * RATE)] += noise(length, seed=seed)
    return samples


def nothing(level: float) -> None:
    """Nobody watches."""


def test_takes_are_cut_at_pauses() -> None:
    """A short gap stays inside a take, a click is no take, and each take has its whole sound."""
    samples = recording((1, 0.6), (1.8, 0.4), (4, 1.0), (6.5, 0.01), (7.6, 0.2), seconds=8)
    silence_db = silence_of_recording(samples, RATE)
    takes = [
        (t.start / RATE, t.stop / RATE) for t in cut_at_pauses(samples, RATE, silence_db=silence_db)
    ]
    assert len(takes) == 3
    for (start, end), (first, last) in zip(takes, [(1, 2.2), (4, 5), (7.6, 7.8)], strict=True):
        assert first - 0.5 < start <= first
        assert last <= end < last + 0.5
    assert takes[2][1] - takes[2][0] == pytest.approx(0.5), "no shorter than models read"


def test_a_long_sound_is_cut_into_pieces() -> None:
    """A kettle of 5.3 s gives two takes of 2 s and one of 1.3 s, but no rest of 0.4 s."""
    for length, n_takes in ((5.3, 3), (4.4, 2)):
        samples = recording((1, length), seconds=8)
        parts = cut_at_pauses(samples, RATE, silence_db=-40, take_seconds=2)
        assert [part.stop - part.start for part in parts[:2]] == [2 * RATE, 2 * RATE]
        assert len(parts) == n_takes


def test_a_quiet_sound_in_a_noisy_room_is_found() -> None:
    """The threshold follows the room, not a fixed level."""
    samples = recording((2, 1), seconds=5, room=0.01)
    silence_db = silence_of_recording(samples, RATE)
    assert -40 < silence_db < -20
    assert len(cut_at_pauses(samples, RATE, silence_db=silence_db)) == 1
    assert silence_of_recording(np.empty(0, np.float32), RATE) == -60


def test_a_take_is_trimmed_but_not_too_short() -> None:
    """Quiet ends go; half a second stays; a take without sound is none."""
    samples = recording((1, 0.1), seconds=3)
    take = trimmed(samples, RATE, silence_db=-40)
    assert take is not None
    assert len(take) == RATE // 2
    assert trimmed(samples, RATE, silence_db=0) is None


@pytest.mark.parametrize(
    ("level", "is_clipped", "is_low"),
    [(3.0, True, False), (0.1, False, False), (0.001, False, True)],
)
def test_levels_warn_of_clipping_and_of_too_low(
    level: float, is_clipped: bool, is_low: bool
) -> None:
    """Samples at full scale, or none above -30 dB."""
    levels = levels_of(np.clip(noise(0.5, level=level), -1, 1))
    assert (levels.is_clipped, levels.is_low) == (is_clipped, is_low)
    assert bool(levels.advice) == (is_clipped or is_low)


def test_takes_are_numbered_on_and_never_replaced(tmp_path: Path) -> None:
    """A second session goes on after the highest number; other labels are counted, too."""
    write_audio(_made(tmp_path / "door") / "found.wav", noise(1)[None], RATE)
    for session in ("monday", "tuesday"):
        folder = TakesFolder(tmp_path, "kettle", session=session)
        folder.save(noise(0.5), RATE, silence_db=-50)
    (tmp_path / "kettle" / "kettle-001.flac").unlink()
    take = TakesFolder(tmp_path, "kettle", session="wednesday").save(
        noise(0.5), RATE, silence_db=-50
    )
    assert take.path.name == "kettle-003.flac"
    assert count_takes(tmp_path) == {"door": 1, "kettle": 2}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("label", ["", " ", "a/b", "..", ".hidden", "tab\there", "x" * 101])
def test_a_label_that_is_no_folder_is_refused(label: str) -> None:
    """It would write elsewhere, or nowhere."""
    with pytest.raises(UsageError, match=r"folder|longer"):
        checked_label(label)


def test_a_recording_becomes_the_takes_of_a_label(tmp_path: Path) -> None:
    """Each take holds the sound between two pauses; --take limits their number."""
    path = tmp_path / "kettle.wav"
    write_audio(path, recording((1, 1.0), (4, 1.0), seconds=6)[None], RATE)
    folder = TakesFolder(tmp_path / "out", "kettle", session=path.name)
    takes = list(takes_in_recording(path, folder, RecordSettings()))
    assert [take.seconds for take in takes] == pytest.approx([1.08, 1.08], abs=0.05)
    sound = read_whole(takes[1].path).samples
    assert abs(float(np.sqrt(np.mean(sound**2))) - 0.1) < 0.01
    (one,) = takes_in_recording(path, folder, RecordSettings(n_takes=1))
    assert one.path.name == "kettle-003.flac"
    assert read_tags(one.path).genre == "kettle"
    assert read_tags(one.path).album == "", "an album would be a group that no split divides"
    with pytest.raises(BadInput, match="Give a lower --silence"):
        list(takes_in_recording(path, folder, RecordSettings(silence_db=0)))


def test_a_take_lasts_from_the_first_sound_to_a_pause() -> None:
    """The room is measured first; the take begins before its sound and ends after it."""
    samples = recording((2, 0.7), (4.5, 0.5), seconds=6)
    with Recorder(ArraySource([samples], is_live=True)) as recorder:
        recorder.room(1.0, on_level=nothing)
        assert recorder.silence_db == pytest.approx(-50, abs=1)
        levels: list[float] = []
        first = recorder.take_until_silence(pause_seconds=0.5, on_level=levels.append)
        second = recorder.take_until_silence(pause_seconds=0.5, on_level=nothing)
    assert len(first) / RATE == pytest.approx(0.78, abs=0.05)
    assert len(second) / RATE == pytest.approx(0.58, abs=0.05)
    assert max(levels) == pytest.approx(-20, abs=1)


def test_a_take_without_a_sound_is_an_error() -> None:
    """After ten seconds without a sound; a take of fixed length is the room's own sound."""
    samples = recording(seconds=24)
    with Recorder(ArraySource([samples], is_live=True)) as recorder:
        recorder.room(1.0, on_level=nothing)
        assert len(recorder.take_of(2.0, on_level=nothing)) == 2 * RATE
        with pytest.raises(BadInput, match=r"nothing louder than -5\d dB was heard"):
            recorder.take_until_silence(pause_seconds=0.5, on_level=nothing)
