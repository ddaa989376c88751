"""Runs the console lines of the manual, with what they need."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.conftest import RunCli

ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"http://[\d.]+:(\d+)/")
PATIENCE_SECONDS = 60.0


def run_line(line: str, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> str:
    """The output of a line with pipes; programs other than soundalike run as processes."""
    if line.startswith("soundalike serve"):
        return _run_server(shlex.split(line)[1:])
    data = b""
    for part in line.split(" | "):
        words = shlex.split(part)
        if words[0] == "soundalike":
            monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
            run = run_cli(*words[1:])
            assert run.code == 0, f"{line}\n{run.err}"
            data = os.fsencode(run.out)
        else:
            completed = subprocess.run(words, input=data, capture_output=True, check=True)
            data = completed.stdout
    return data.decode("utf-8", "replace")


def _run_server(words: list[str]) -> str:
    """Start a server on a free port, and ask it; what it says, as if the port were 8000."""
    command = [sys.executable, "-m", "cli", *words, "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        told = server.stderr.readline()
        address = ADDRESS.search(told)
        assert address, told + server.stderr.read()
        try:
            answer = _status(f"http://127.0.0.1:{address[1]}/")
        finally:
            server.terminate()
        assert answer == (401 if "--token" in words else 200)
    return told.replace(f":{address[1]}/", ":8000/")


def _status(address: str) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urlopen(address) as answer:  # noqa: S310 - our own server
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def write_history(path: Path, songs: Iterable[tuple[str, str]]) -> None:
    """What ListenBrainz exports: a play of each song, of an artist and a title."""
    listens = [
        {
            "listened_at": 1_700_000_000 + 300 * number,
            "track_metadata": {"artist_name": artist, "track_name": title},
        }
        for number, (artist, title) in enumerate(songs)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("listens/2023/11.jsonl", "\n".join(map(json.dumps, listens)))
