"""Errors: one line on stderr, and an exit code for scripts."""

import errno
import inspect
import sys
import types

import pytest

from cli.failures import EXIT_CODES, exit_code_of, report
from embedder import errors
from tests.conftest import RunCli


def all_errors() -> list[type[errors.SoundalikeError]]:
    """Every exception class of the tree."""
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    return [kind for kind in classes if issubclass(kind, errors.SoundalikeError)]


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_has_an_exit_code(kind: type[errors.SoundalikeError]) -> None:
    """Each class below the root has its own exit code in the table, and never that of a bug."""
    ancestors = [ancestor for ancestor in EXIT_CODES if issubclass(kind, ancestor)]
    assert len(ancestors) > 1 or kind is errors.SoundalikeError
    assert exit_code_of(kind.__new__(kind)) in {2, 3, 4, 5}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.OutputExists("map.html"), 2),
        (errors.AudioTooShort("a.mp3", "short"), 3),
        (errors.LibraryBusy("x"), 3),
        (errors.CorruptArtefact("x"), 4),
        (errors.PartialFailure("x"), 5),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device"), 3),
        (OSError(errno.EIO, "Input/output error"), 3),
        (OSError(errno.ESTALE, "Stale file handle"), 3),
        (MemoryError(), 3),
        (OSError(errno.EINVAL, "Invalid argument"), 1),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    """Each error has the exit code that docs/cli.md promises."""
    assert exit_code_of(error) == code


def test_a_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Newlines and undecodable bytes in a name cannot break the line."""
    report(errors.BadInput("a\nb \udcff"), debug=False)
    assert capsys.readouterr().err == "soundalike: a b \\xff\n"


def run_failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the doctor command raise this."""

    def run() -> None:
        """Fail."""
        raise error

    monkeypatch.setitem(sys.modules, "cli.commands.doctor", types.SimpleNamespace(run=run))


def test_a_bug_is_owned_up_to(monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    """An unexpected exception is one line that calls it a bug of ours and names --debug."""
    run_failing(monkeypatch, ZeroDivisionError("division by zero"))
    run = run_cli("doctor")
    assert run.code == 1
    assert run.err.count("\n") == 1
    assert "bug of ours" in run.err
    assert "--debug" in run.err


def test_debug_adds_the_traceback(monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    """--debug shows where an expected error came from, before its line."""
    run_failing(monkeypatch, errors.NotFound("no such track"))
    assert run_cli("doctor").err == "soundalike: no such track\n"
    message = run_cli("doctor", "--debug").err
    assert "Traceback" in message
    assert message.endswith("soundalike: no such track\n")


def test_rank_zero_is_the_first_to_say_what_all_ranks_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of the settings waits for rank zero; one of a file names its process at once."""
    waits: list[int] = []
    monkeypatch.setattr("cli.failures.wait_for_rank_zero", lambda: waits.append(1))
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert report(errors.AudioError("song.mp3", "is gone"), debug=False) == 3
    assert capsys.readouterr().err == "soundalike, process 2 of 2: song.mp3: is gone\n"
    assert waits == []
    assert report(errors.ConfigError("lower it"), debug=False) == 2
    assert capsys.readouterr().err == "soundalike, process 2 of 2: lower it\n"
    assert waits == [1]
    monkeypatch.setenv("RANK", "0")
    assert report(errors.ConfigError("lower it"), debug=False) == 2
    assert capsys.readouterr().err == "soundalike: lower it\n"
    assert waits == [1]
