"""Where answers go: OSC to a real server, programs, events without flicker."""

import socket
import sys
from pathlib import Path

import pytest

from embedder.errors import UnknownChoice, UsageError
from index.catalogue.records import TrackRecord
from index.search.results import Neighbour
from soundalike.live.events import LabelEvents
from soundalike.live.heard import Heard
from soundalike.live.outputs import programs
from soundalike.live.outputs.osc import OscOutput, parse_address, slugs_of
from soundalike.live.outputs.programs import ProgramsOutput, parse_rule
from tests.live.osc_server import OscServer, osc_server, wait_for

__all__ = ["osc_server"]  # a fixture

LABELS = ("Kettle", "door: front")


def answer(seconds: float, kettle: float) -> Heard:
    """An answer with the probability of a kettle."""
    track = TrackRecord(1, "a.mp3", title="Song", artist="Artist")
    return Heard(
        seconds=seconds,
        field="kind",
        label="Kettle",
        labels=("Kettle",),
        probability=kettle,
        probabilities={"Kettle": kettle, "door: front": 1 - kettle},
        neighbours=(Neighbour(track, 1, 0.75, 0.1),),
        level=-20.0,
        silence=False,
        latency_seconds=0.0,
    )


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes more than a second to start a program."""
    monkeypatch.setattr(programs, "CLOSE_SECONDS", 30.0)


def test_osc_messages_reach_a_server(osc_server: OscServer) -> None:
    """Each answer is a label, a float for each label, Wekinator's list, neighbours and level."""
    port, messages = osc_server
    output = OscOutput(f"127.0.0.1:{port}", LABELS)
    output.hear(answer(2.0, 0.75))
    wait_for(messages, "/soundalike/level")
    output.close()
    assert dict(messages) == {
        "/soundalike/classes": LABELS,
        "/soundalike/label": ("Kettle", 0.75),
        "/soundalike/p/kettle": (0.75,),
        "/soundalike/p/door-front": (0.25,),
        "/wek/outputs": (0.75, 0.25),
        "/soundalike/neighbour": (1, "Artist", "Song", 0.75),
        "/soundalike/silence": (0,),
        "/soundalike/level": (-20.0,),
    }


def test_far_lab_gets_three_texts(osc_server: OscServer) -> None:
    """The other format is one message, as that program sends it."""
    port, messages = osc_server
    output = OscOutput(f"127.0.0.1:{port}", LABELS, osc_format="far-lab")
    output.hear(answer(2.0, 0.75))
    wait_for(messages, "/neuralnet2")
    output.close()
    assert messages == [
        ("/neuralnet2", ("['Kettle']", "[0.75, 0.25]", "['Kettle', 'door: front']"))
    ]


def test_an_absent_receiver_is_told_once() -> None:
    """The run goes on: a receiver may be started later."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    remarks: list[str] = []
    output = OscOutput(f":{port}", LABELS, warn=remarks.append)
    for seconds in range(3):
        output.hear(answer(seconds, 0.5))
    output.close()
    assert [f"127.0.0.1:{port} yet" in remark for remark in remarks] == [True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("127.0.0.1", 12000)),
        (":9000", ("127.0.0.1", 9000)),
        ("9000", ("127.0.0.1", 9000)),
        ("studio", ("studio", 12000)),
        ("[::1]:7", ("::1", 7)),
    ],
)
def test_an_address_may_leave_out_a_part(text: str, expected: tuple[str, int]) -> None:
    """The defaults are this computer and Wekinator's port."""
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["studio:port", "studio:70000", "no such host.invalid:1"])
def test_an_address_that_cannot_be_is_refused(text: str) -> None:
    """Before any sound is heard."""
    with pytest.raises(UsageError, match=r"--osc|HOST:PORT"):
        OscOutput(text, LABELS)


def test_slugs_are_ascii_and_differ() -> None:
    """TouchDesigner makes channels of addresses: no spaces, no two the same."""
    assert slugs_of(["Café", "cafe", "R&B / Soul", "日本"]) == (
        "cafe",
        "cafe-2",
        "r-b-soul",
        "label",
    )


def test_an_event_does_not_flicker() -> None:
    """It begins above 0.5, survives a dip, and ends a second after it fell below 0.35."""
    chances = [0.4, 0.6, 0.45, 0.3, 0.4, 0.3, 0.2, 0.2, 0.1, 0.6]
    events = LabelEvents("Kettle", hold_seconds=1.0)
    happened = [events.add(answer(n / 2, p)) for n, p in enumerate(chances)]
    moments = [(e.moment, e.seconds) for e in happened if e is not None]
    assert moments == [("begin", 0.5), ("end", 3.5), ("begin", 4.5)]
    last = events.finish(5.0)
    assert last is not None
    assert last.moment == "end"


def test_a_rule_names_a_label_a_moment_and_a_program() -> None:
    """Labels may contain colons; words are split as a shell splits them, without one."""
    rule = parse_rule(f"door: front:end:{sys.executable} -c 'print(1); exit()'", LABELS)
    assert (rule.label, rule.moment) == ("door: front", "end")
    assert rule.arguments == (sys.executable, "-c", "print(1); exit()")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Kettle", "LABEL:COMMAND"),
        ("Kettle:", "no command"),
        ("Kettle:no-such-program-anywhere", "no program is called"),
        ("Kettle:echo 'a", "quotation"),
    ],
)
def test_a_rule_that_cannot_run_is_refused(text: str, reason: str) -> None:
    """Before any sound is heard."""
    with pytest.raises(UsageError, match=reason):
        parse_rule(text, LABELS)
    with pytest.raises(UnknownChoice, match="Kettle"):
        parse_rule("kettel:echo", LABELS)


def test_a_program_runs_with_the_label_and_no_shell(tmp_path: Path) -> None:
    """Placeholders and the environment hold the values; metacharacters are plain text."""
    script = tmp_path / "note.py"
    script.write_text(
        "import os, sys, pathlib\n"
        "line = [*sys.argv[2:], os.environ['SOUNDALIKE_MOMENT']]\n"
        "open(sys.argv[1], 'a').write(' '.join(line) + '\\n')\n"
    )
    notes = tmp_path / "notes"
    command = f"{sys.executable} -S -E {script} {notes} {{label}} {{probability}} '$HOME;'"
    rules = [parse_rule(f"Kettle:{m}:{command}", LABELS) for m in ("begin", "end")]
    output = ProgramsOutput([rules[0]])
    output.hear(answer(1.0, 0.75))
    output.close()
    assert notes.read_text() == "Kettle 0.7500 $HOME; begin\n"
    ending = ProgramsOutput([rules[1]])
    ending.hear(answer(1.0, 0.75))
    ending.close()
    assert notes.read_text().splitlines()[1:] == ["Kettle 0.0000 $HOME; end"]


def test_a_program_that_runs_is_not_started_again() -> None:
    """A slow program never piles up; a code other than 0 is told."""
    remarks: list[str] = []
    rule = parse_rule(
        f"Kettle:{sys.executable} -S -c 'import time; time.sleep(0.5); raise SystemExit(3)'", LABELS
    )
    output = ProgramsOutput([rule], hold_seconds=0, warn=remarks.append)
    for seconds, chance in enumerate([0.9, 0.0, 0.9]):
        output.hear(answer(seconds, chance))
    output.close()
    assert ["still running" in text for text in remarks] == [True, False]
    assert "ended with code 3" in remarks[1]
