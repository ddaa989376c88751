"""The examples run: lights over UDP, functions on events, a patch whose parts fit together."""

import json
import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from tests.live.sounds import RATE, noise, write_labelled_model

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_lights_get_the_colour_of_the_sound() -> None:
    """Each record becomes a packet of WLED's protocol, received on a loopback port."""
    records = [
        {"probabilities": {"a": 1.0, "b": 0.0}, "silence": False, "level": 0.0},
        {"probabilities": {"a": 0.5, "b": 0.5}, "silence": False, "level": -25.0},
        {"probabilities": {}, "silence": True, "level": -100.0},
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        port = str(receiver.getsockname()[1])
        command = [sys.executable, "-S", str(EXAMPLES / "wled_lights.py"), "127.0.0.1"]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        subprocess.run(
            [*command, "--port", port, "--lights", "2"], input=lines, text=True, check=True
        )
        packets = [list(receiver.recv(2000)) for _ in records]
    assert packets == [
        [2, 2, 255, 0, 0, 255, 0, 0],
        [2, 2, 64, 64, 64, 64, 64, 64],
        [2, 2, 0, 0, 0, 0, 0, 0],
    ]


def test_functions_are_called_on_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A label begins with the sound and ends in the silence after it."""
    model = write_labelled_model(tmp_path / "model")
    song = tmp_path / "song.wav"
    samples = np.concatenate([noise(3), np.zeros(4 * RATE, np.float32)])
    write_audio(song, samples[None], RATE)
    script = str(EXAMPLES / "callback.py")
    monkeypatch.setattr(sys, "argv", [script, str(song), str(model)])
    runpy.run_path(script, run_name="__main__")
    moments = re.findall(r"s  (\w+) (begins|ends)", capsys.readouterr().out)
    label = moments[0][0]
    assert (label, "begins") in moments
    assert moments[-1] == (label, "ends")


def test_the_patch_connects_objects_that_exist() -> None:
    """Every connection of the patch names two of its objects, and it routes our addresses."""
    text = (EXAMPLES / "osc_to_pure_data" / "soundalike.pd").read_text(encoding="utf-8")
    statements = [part.strip() for part in re.split(r"(?<!\\);", text) if part.strip()]
    objects = [
        line for line in statements if re.match(r"#X (obj|msg|text|floatatom|symbolatom)", line)
    ]
    wires = [
        [int(n) for n in line.split()[2:]] for line in statements if line.startswith("#X connect")
    ]
    assert all(max(source, target) < len(objects) for source, _, target, _ in wires)
    assert "netreceive -u -b 12000" in objects[1]
    routed = re.search(r"route (label .*)$", objects[5])
    assert routed is not None
    source = (EXAMPLES.parent / "soundalike" / "live" / "outputs" / "osc.py").read_text("utf-8")
    for name in routed[1].split():
        assert f'"/soundalike/{name}' in source
