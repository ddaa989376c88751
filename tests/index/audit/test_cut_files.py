"""Files that were cut off: named wherever their container says how long they should be."""

import struct
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame

from embedder.audio.decoding import probe, read_stretches
from embedder.audio.inspecting import inspect_audio
from embedder.audio.promised_bytes import SoundBytes, sound_bytes
from embedder.audio.writing import write_audio
from index.audit.sound import judge_sound
from tests.embedder.audio_files import RATE, truncated, tune

CONTAINERS = {
    "track.wav": ("wav", "pcm_s16le", {}),
    "long.wav": ("wav", "pcm_s16le", {"rf64": "always"}),
    "track.w64": ("w64", "pcm_s16le", {}),
    "track.aiff": ("aiff", "pcm_s16be", {}),
    "track.au": ("au", "pcm_s16be", {}),
    "track.caf": ("caf", "pcm_s16be", {}),
    "track.flac": ("flac", "flac", {}),
    "track.mp3": ("mp3", "libmp3lame", {}),
    "track.ogg": ("ogg", "libopus", {}),
    "other.oga": ("ogg", "flac", {}),
    "track.m4a": ("ipod", "aac", {"movflags": "faststart"}),
    "track.mka": ("matroska", "flac", {}),
}


def write(path: Path, *, seconds: float = 8.0) -> None:
    """Sound in the container that stands beside the name above."""
    container_name, codec, options = CONTAINERS[path.name]
    rate = 48000 if codec == "libopus" else RATE
    samples = tune(seconds, rate=rate)
    with av.open(str(path), "w", format=container_name, options=options) as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate, layout="stereo"))
        is_planar = codec in ("libmp3lame", "aac")
        kind = "fltp" if is_planar else "flt" if codec == "libopus" else "s16"
        stream.codec_context.format = kind
        laid_out = np.ascontiguousarray(samples if is_planar else samples.T.reshape(1, -1))
        whole_numbers = np.round(laid_out * 30000).astype(np.int16)
        frame = AudioFrame.from_ndarray(
            whole_numbers if kind == "s16" else laid_out, kind, layout="stereo"
        )
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def cut_off(path: Path, *, max_seconds: float = 1800.0) -> list[str]:
    """What an audit says of a file's end."""
    sound = inspect_audio(path, sample_rate=11025, max_seconds=max_seconds)
    return [finding.why for finding in judge_sound("track", sound) if finding.kind == "truncated"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, name: str) -> None:
    """A cut file is found in every container that states its length or end; a whole file is not."""
    write(tmp_path / name)
    assert cut_off(tmp_path / name) == []
    truncated(tmp_path / name, keep=0.6)
    assert len(cut_off(tmp_path / name)) == 1


@pytest.mark.parametrize("name", ["track.wav", "track.flac", "track.mp3", "track.m4a"])
def test_the_end_is_looked_up_where_listening_stops_before(tmp_path: Path, name: str) -> None:
    """A long file is read in part, and its end is checked as well."""
    write(tmp_path / name)
    assert cut_off(tmp_path / name, max_seconds=2.0) == []
    truncated(tmp_path / name, keep=0.6)
    assert len(cut_off(tmp_path / name, max_seconds=2.0)) == 1


def test_a_wav_says_how_much_is_missing(tmp_path: Path) -> None:
    """The message has the length of the header and the real one."""
    write(tmp_path / "track.wav")
    truncated(tmp_path / "track.wav", keep=0.25)
    assert cut_off(tmp_path / "track.wav") == ["its header says 8.0 s, but it ends after 2.0 s"]


def wav_of(*chunks: bytes) -> bytes:
    """A WAV, 16 bits, mono, at 8 kHz, of some chunks after the first one."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    body = b"WAVE" + form + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


SOUND = np.arange(-8000, 8000, dtype="<i2").tobytes()


def test_chunks_of_odd_length_are_passed_over(tmp_path: Path) -> None:
    """Such chunks are padded to an even length, before or behind the samples."""
    path = tmp_path / "track.wav"
    listing = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"
    data = b"data" + struct.pack("<I", len(SOUND)) + SOUND
    path.write_bytes(wav_of(listing, data, listing))
    assert sound_bytes(path) == SoundBytes(promised=len(SOUND), held=len(SOUND))
    assert cut_off(path) == []
    path.write_bytes(wav_of(listing, data)[:-20000])
    assert cut_off(path) == ["its header says 2.0 s, but it ends after 0.8 s"]


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_promises_nothing(tmp_path: Path, size: int) -> None:
    """Its header says that the length is unknown."""
    path = tmp_path / "track.wav"
    path.write_bytes(wav_of(b"data" + struct.pack("<I", size) + SOUND))
    assert sound_bytes(path) is None


def test_no_cut_is_survived_in_silence(tmp_path: Path) -> None:
    """Cut anywhere at all, reading the promise raises nothing and invents nothing."""
    path = tmp_path / "track.wav"
    write_audio(path, tune(0.01), RATE)
    whole = path.read_bytes()
    for n_bytes in range(len(whole) + 1):
        path.write_bytes(whole[:n_bytes])
        stated_bytes = sound_bytes(path)
        assert stated_bytes is None or stated_bytes.promised == len(whole) - 44
        assert stated_bytes is None or stated_bytes.held == max(0, n_bytes - 44)


def test_a_film_whose_pictures_go_on_is_not_cut_off(tmp_path: Path) -> None:
    """Its sound ends before the file does, as its header says."""
    path = tmp_path / "film.mkv"
    samples = tune(3)
    with av.open(str(path), "w") as container:
        sound = container.add_stream("flac", rate=RATE, layout="stereo")
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        laid_out = np.round(samples.T.reshape(1, -1) * 30000).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(laid_out), "s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        for _ in range(60):
            still = VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
            container.mux(pictures.encode(still))
        container.mux(pictures.encode(None))
    assert cut_off(path) == []
    assert probe(path).duration_seconds == pytest.approx(3.0, abs=0.1)
    assert inspect_audio(path, sample_rate=11025).found_seconds == pytest.approx(3.0, abs=0.1)


def test_files_joined_end_to_end_are_not_cut_off(tmp_path: Path) -> None:
    """The header of the first is too short then, and FFmpeg's guess from its bit rate too long."""
    first, second = tmp_path / "first.mp3", tmp_path / "second.mp3"
    write_audio(first, 0.01 * tune(4), RATE, bit_rate_kbps=64)
    write_audio(second, tune(8, seed=1), RATE, bit_rate_kbps=256)
    whole = first.read_bytes() + second.read_bytes()
    (tmp_path / "joined.mp3").write_bytes(whole)
    info = probe(tmp_path / "joined.mp3")
    assert info.is_estimated
    assert info.duration_seconds is not None
    assert info.duration_seconds > 20
    assert cut_off(tmp_path / "joined.mp3") == []
    assert not probe(first).is_estimated
    read = read_stretches(tmp_path / "joined.mp3", lambda seconds: [seconds - 2], seconds=1.0)
    assert read.duration_seconds == pytest.approx(12, abs=0.2)
