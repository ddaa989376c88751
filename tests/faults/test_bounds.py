"""Bounds of memory and processor time for files that are made to cost much.

A child takes the steps of `index` that open a file: digest, tags, excerpts, the sound to measure.
"""

import json
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.embedder.hostile_files import write_wav
from tests.faults.processes import ROOT

MIB = 2**20
MOST_BYTES = 400 * MIB
"""More than the process has before. A song of ten minutes takes 120 MiB."""
MOST_SECONDS = 30.0
"""Of processor time. A song of ten minutes takes half a second."""
HOURS = 3
CHILD = """
import json, resource, sys
from pathlib import Path
from embedder.audio.digest import audio_digest
from embedder.audio.excerpts import load_excerpts
from embedder.config.model import ExcerptConfig
from embedder.encoding.sound import read_sound
from embedder.errors import AudioError
from embedder.features.measuring.measurers import measure, measurer_names
from index.indexing.tags import read_tags

def most_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

path, before, reason, problem = Path(sys.argv[1]), most_bytes(), "", ""
try:
    audio_digest(path)
    problem = read_tags(path).problem
    load_excerpts(path, ExcerptConfig(n_excerpts=4, excerpt_seconds=10.0), sample_rate=22050)
    measure(read_sound(path), measurer_names())
except AudioError as error:
    reason = error.reason
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([most_bytes() - before, usage.ru_utime + usage.ru_stime, reason, problem]))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a file cost, and how it was read."""

    n_bytes: int
    seconds: float
    reason: str
    """Why it was refused; empty: it was read."""
    problem: str
    """Why its tags were left out."""


def cost_of(path: Path) -> Cost:
    """Read a file in a child, with a limit on its address space and time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (120, 120)),
    )
    assert done.returncode == 0, done.stderr
    return Cost(*json.loads(done.stdout))


def check(cost: Cost) -> None:
    """Within the bounds."""
    assert cost.n_bytes < MOST_BYTES
    assert cost.seconds < MOST_SECONDS


def write_silence(path: Path, *, hours: float, rate: int = 8000) -> Path:
    """Silence in FLAC: some bytes for eight seconds."""
    with av.open(str(path), "w", format="flac") as container:
        options = {"frame_size": "65535", "compression_level": "0"}
        stream = container.add_stream("flac", rate=rate, layout="mono", options=options)
        block = av.AudioFrame.from_ndarray(
            np.zeros((1, 2**18), dtype=np.int16), format="s16", layout="mono"
        )
        block.sample_rate = rate
        for _ in range(round(hours * 3600 * rate / 2**18)):
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    return path


@pytest.mark.slow
def test_hours_of_silence_cost_little(tmp_path: Path) -> None:
    """A file of hours in some kilobytes is refused as silent, or read, within bounds."""
    path = write_silence(tmp_path / "silence.flac", hours=HOURS)
    assert path.stat().st_size < 200_000
    check(cost_of(path))


def write_noise_at(path: Path, sample_rate: int) -> None:
    """Four seconds of noise."""
    noise = np.random.default_rng(0).standard_normal(4 * sample_rate) / 9
    write_audio(path, noise.astype(np.float32), sample_rate)


def endless_flac(path: Path) -> None:
    """A header of 2^36 - 1 samples before four seconds of sound."""
    write_audio(
        path, np.random.default_rng(0).standard_normal(44_100).astype(np.float32) / 9, 44_100
    )
    data = bytearray(path.read_bytes())
    data[21] |= 0x0F  # the lowest four bits of the byte, and the next four bytes
    data[22:26] = b"\xff" * 4
    path.write_bytes(data)


def endless_wav(path: Path) -> None:
    """A header of 2^31 samples before a tenth of a second of sound."""
    write_wav(path)
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)


def many_channels(path: Path) -> None:
    """A thousand channels."""
    write_wav(path, n_channels=1000, n_frames=1000)


HEADERS: dict[str, Callable[[Path], None]] = {
    "endless.flac": endless_flac,
    "endless.wav": endless_wav,
    "channels.wav": many_channels,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused_within_bounds(name: str, tmp_path: Path) -> None:
    """What it claims costs nothing; what it has is read, or the file is refused."""
    HEADERS[name](tmp_path / name)
    cost = cost_of(tmp_path / name)
    check(cost)
    assert cost.n_bytes < 100 * MIB


@pytest.mark.slow
def test_a_tag_of_100_megabytes_is_left_out(tmp_path: Path) -> None:
    """The file is read as if it had no tags, and the report says so."""
    path, n_bytes = tmp_path / "tagged.mp3", 100 * 10**6
    write_audio(
        path, np.random.default_rng(0).standard_normal(99_000).astype(np.float32) / 9, 22_050
    )
    sound = path.read_bytes()
    size = n_bytes + 10
    synchsafe = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    with path.open("wb") as file:
        file.write(b"ID3\x03\0\0" + synchsafe + b"TXXX" + struct.pack(">I", n_bytes) + b"\0\0")
        file.seek(n_bytes, os.SEEK_CUR)  # a hole: zeros that take no room
        file.write(sound)
    cost = cost_of(path)
    check(cost)
    assert (cost.reason, "its tags are left out" in cost.problem) == ("", True)
