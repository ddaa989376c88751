"""An early Ctrl-C, closed streams, and names that no file can have."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index.library import Library
from tests.conftest import RunCli
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

START = "from cli.start import main; raise SystemExit(main())"
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


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of six tracks, beside their folder `music`."""
    folder = tmp_path_factory.mktemp("closed")
    for number in range(6):
        path = write_wav(folder / "music" / f"{number}.wav", number, n_samples=4000)
        tag_wav(path, genre="jazz" if number % 2 else "folk", artist=f"artist {number}")
    with Library.open_or_create(folder / "library") as opened:
        opened.index([folder / "music"], encoder=ToyEncoder())
    return folder / "library"


QUICK = ("library info", "playlist 1 --length 2")
READING = (
    *("query 1", "label 1", "models list", "models show default", "doctor", "library verify"),
    *("map -o {tmp}/map.csv", "evaluate library", "audit library", "library export -o {tmp}/x.csv"),
    *(
        "features {music}/1.wav -o {tmp}/pictures",
        "index --dry-run {music} --library {tmp}/new",
        "--version",
    ),
    *("playlist 1 --length 2 -o {tmp}/list.m3u8", "train --show-config {music}"),
)
ALL = (*QUICK, *(pytest.param(words, marks=pytest.mark.slow) for words in READING))


def run_redirected(words: str, redirection: str, library: Path, tmp: Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line of a shell."""
    line = words.format(tmp=tmp, music=library.parent / "music")
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "$0" --library {library} {line} {redirection}', START],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", ALL)
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [
        (">&-", "standard output is closed: there is nowhere to print to"),
        ("> /dev/full", "standard output: No space left on device"),
        ("1< /dev/null", "standard output: Bad file descriptor"),
    ],
)
def test_an_output_that_takes_nothing_is_bad_input(
    words: str, redirection: str, reason: str, library: Path, tmp_path: Path
) -> None:
    """There is nowhere to print to: exit code 3 and one line."""
    code, _, told = run_redirected(f"--quiet {words}", redirection, library, tmp_path)
    assert (code, told) == (3, f"soundalike: {reason}\n")


@pytest.mark.parametrize("words", ALL)
@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "2> /dev/full", "2< /dev/null"])
def test_other_closed_streams_change_nothing(
    words: str, redirection: str, library: Path, tmp_path: Path
) -> None:
    """Without an input, or with nowhere to print remarks to, the answer is printed."""
    code, answer, _ = run_redirected(words, redirection, library, tmp_path)
    assert code == 0
    assert answer


def test_a_failure_without_stderr_keeps_its_code(library: Path, tmp_path: Path) -> None:
    """Its line is lost, and its exit code is not."""
    assert run_redirected("query nosuch", "2> /dev/full", library, tmp_path)[0] == 3


@pytest.mark.parametrize(
    "words",
    [
        "playlist 1 --length 2 -o {below}.m3u8",
        "map -o {below}.html",
        "evaluate library -o {below}.html",
        "audit library -o {below}.html",
        "audit library --fix-split {below}.csv",
        "features {music}/1.wav -o {below}",
        "library export -o {below}.csv",
        "models export default -o {below}.zip",
        "models export default -o {below}",
        "train {music} -o {below}",
        "demo --folder {below}",
    ],
)
@pytest.mark.parametrize("deeper", ["", "sub/"])
def test_an_output_below_a_file_is_a_usage_error(
    words: str, deeper: str, run_cli: RunCli, library: Path, tmp_path: Path
) -> None:
    """`-o FILE/x.zip` cannot be written, and the message names the file in the way."""
    (tmp_path / "file").touch()
    below = tmp_path / "file" / f"{deeper}x"
    line = words.format(below=below, music=library.parent / "music").split()
    done = run_cli("--library", str(library), *line)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert f"{tmp_path / 'file'} is a file" in done.err


def test_a_nul_in_a_name_is_a_usage_error(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file has a NUL in its name: in an argument, and on standard input without -0."""
    assert run_cli("query", "a\0b").code == 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\0b" + os.linesep.encode())))
    done = run_cli("query", "-")
    assert (done.code, "give -0" in done.err) == (2, True)
