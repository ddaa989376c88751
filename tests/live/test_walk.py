"""The walk-through of docs/live.md: two household sounds, from recordings to messages."""

import re
import shlex
from pathlib import Path

import pytest

from embedder.audio.writing import write_audio
from tests.conftest import RunCli
from tests.live.household import RATE, kitchen, recording_of_doors, recording_of_kettle
from tests.live.osc_server import OscServer, osc_server

__all__ = ["osc_server"]  # a fixture

PAGE = Path(__file__).parents[2] / "docs" / "live.md"
WALK = re.compile(r"^## A kettle and a door\n.*?^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
N_TAKES = 10


@pytest.mark.slow  # it trains on the features of the default model
def test_the_walk_through_ends_with_messages_that_name_the_sounds(
    run_cli: RunCli,
    osc_server: OscServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each line of the page runs; a real OSC server receives kettle and door in their turn."""
    monkeypatch.chdir(tmp_path)
    port, messages = osc_server
    write_audio(Path("door.flac"), recording_of_doors(N_TAKES, seed=1)[None], RATE)
    write_audio(Path("kettle.flac"), recording_of_kettle(N_TAKES, seed=2)[None], RATE)
    write_audio(Path("kitchen.flac"), kitchen(seed=3)[None], RATE)
    block = WALK.search(PAGE.read_text(encoding="utf-8"))
    assert block is not None
    said = ""
    for line in block[1].splitlines():
        assert line.startswith("soundalike ")
        words = shlex.split(line.replace("127.0.0.1:12000", f"127.0.0.1:{port}"))[1:]
        if words[0] == "listen":  # by the clock it would take as long as the sound
            words += ["--speed", "0", "--hop", "0.5"]
        run = run_cli(*words)
        assert run.code == 0, run.err
        said += run.out + run.err
    assert re.search(r"Cross-validation: (19|20) of 20 tracks are right", said)
    assert "All takes of door, kettle are from one session or one recording" in said
    labels = [values[0] for address, values in messages if address == "/soundalike/label"]
    labels = [label for label in labels if label not in ("silence", "unknown")]
    turns = [label for n, label in enumerate(labels) if n == 0 or label != labels[n - 1]]
    assert turns == ["kettle", "door"]
