"""An early Ctrl-C, closed streams, and names that no file can have."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import RunCli

COMMAND = (sys.executable, "-c", "from cli.start import main; raise SystemExit(main())")
STARTED = "from cli.start import main; print(flush=True); raise SystemExit(main())"


@pytest.mark.parametrize("milliseconds", [0, 50, 100, 200, 300])
def test_ctrl_c_at_once_is_one_line(milliseconds: int) -> None:
    """However early the signal comes, there is one line, no traceback, and exit code 130."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED, "--json", "index", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    process.stdout.readline()  # Python itself has started
    time.sleep(0.01 + milliseconds / 1000)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=60)
        assert process.stderr is not None
        message = process.stderr.read()
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, message) == (130, b"soundalike: interrupted\n")


def test_a_closed_output_is_bad_input() -> None:
    """A closed stdout (`>&-`) is one line and exit code 3."""
    script = subprocess.list2cmdline([*COMMAND[:2]]) + ' "$0" models list >&-'
    done = subprocess.run(
        ["bash", "-c", script, COMMAND[2]], stderr=subprocess.PIPE, check=False, timeout=120
    )
    assert done.returncode == 3
    assert done.stderr == (b"soundalike: standard output is closed: there is nowhere to print to\n")


def test_an_output_below_a_file_is_a_usage_error(run_cli: RunCli, tmp_path: Path) -> None:
    """`-o FILE/x.zip` cannot be written, and the message names the file in the way."""
    (tmp_path / "file").touch()
    done = run_cli("models", "export", "default", "-o", str(tmp_path / "file" / "sub" / "x.zip"))
    assert done.code == 2
    assert f"{tmp_path / 'file'} is a file" in done.err


def test_a_nul_in_a_name_is_a_usage_error(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file has a NUL in its name: in an argument, and on standard input without -0."""
    assert run_cli("query", "a\0b").code == 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\0b" + os.linesep.encode())))
    done = run_cli("query", "-")
    assert (done.code, "give -0" in done.err) == (2, True)
