"""Play files with mpv or ffplay, and read single keys from the terminal meanwhile.

The player is a child process with a list of arguments: no shell reads the name of a file.
"""

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.catalogue.records import TrackRecord

PLAYERS = ("mpv", "ffplay")
POLL_SECONDS = 0.1
ENDED, FAILED = "ended", "failed"
"""What `play` returns if no key ended the track."""


def find_player() -> str | None:
    """The path of the first player that is installed."""
    return next(filter(None, map(shutil.which, PLAYERS)), None)


MPV_END = "--end"


def play_command(player: str, track: TrackRecord) -> list[str]:
    """The arguments that play a track, or its part of a file."""
    start, end = track.start_seconds, track.end_seconds
    if Path(player).name.startswith("ffplay"):
        command = [player, "-nodisp", "-autoexit", "-loglevel", "error"]
        command += [] if start is None else ["-ss", f"{start:g}"]
        command += [] if end is None else ["-t", f"{end - (start or 0):g}"]
        return [*command, "-i", track.path]
    command = [player, "--no-video", "--no-terminal", "--no-config"]
    command += [] if start is None else [f"--start={start:g}"]
    command += [] if end is None else [f"{MPV_END}={end:g}"]
    return [*command, "--", track.path]


def play(command: list[str], keys: str) -> Generator[str, None, None]:
    """Play; yields each of the keys when it is pressed, then ENDED or FAILED.

    Closing the iterator stops the player.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            key = _pressed(POLL_SECONDS)
            if key and key in keys:
                yield key
        yield FAILED if process.returncode else ENDED
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def single_keys() -> Iterator[None]:
    """Keys are read without Enter inside the block; Ctrl-C still interrupts."""
    if os.name == "nt" or sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pressed(seconds: float) -> str:
    """A key that is pressed within some seconds; empty without one."""
    if os.name == "nt":
        import msvcrt

        if not msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]  # Windows
            time.sleep(seconds)
            return ""
        return str(msvcrt.getwch())  # type: ignore[attr-defined,unused-ignore]  # Windows
    try:
        number = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # there is no standard input
        time.sleep(seconds)
        return ""
    if not select.select([number], [], [], seconds)[0]:
        return ""
    data = os.read(number, 1)
    if not data:  # at its end it would be ready for ever
        time.sleep(seconds)
    return data.decode("ascii", "ignore")
