"""The command line as a whole: global options, exit codes and start-up."""

import logging
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cli.loading import command_names
from tests.conftest import RunCli

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "faiss", "umap", "pandas", "numpy", "av", "sklearn", "matplotlib", "transformers")


def run_python(code: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """A fresh interpreter in the checkout."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )


def test_no_command_shows_help_on_stderr(run_cli: RunCli) -> None:
    """Without a command the help goes to stderr and the code is that of a usage error."""
    run = run_cli()
    assert run.code == 2
    assert run.out == ""
    assert "Usage: soundalike" in run.err


def test_help_is_data(run_cli: RunCli) -> None:
    """With --help, the help goes to stdout and the exit code is 0."""
    run = run_cli("--help")
    assert run.code == 0
    assert "doctor" in run.out
    assert run.err == ""


def test_version(run_cli: RunCli) -> None:
    """--version prints the name and a version, after a command too."""
    assert run_cli("--version").out.startswith("soundalike ")
    assert run_cli("doctor", "--version").out.startswith("soundalike ")


def test_unknown_command_suggests_the_nearest(run_cli: RunCli) -> None:
    """A mistyped command is one line that names the nearest."""
    run = run_cli("docter")
    assert run.code == 2
    assert run.err.count("\n") == 1
    assert "'doctor'" in run.err


def test_unknown_option_suggests_the_nearest(run_cli: RunCli) -> None:
    """A mistyped global option is one line that names the nearest, wherever it stands."""
    for line in (["--jsn", "doctor"], ["doctor", "--jsn"]):
        run = run_cli(*line)
        assert run.code == 2
        assert run.err.count("\n") == 1
        assert "--json" in run.err


def test_a_missing_sub_command_lists_them(run_cli: RunCli) -> None:
    """A group without its sub-command names all of them."""
    run = run_cli("models")
    assert run.code == 2
    assert "use one of list" in run.err


def test_a_full_disk_is_told() -> None:
    """If stdout cannot be written, one line says why and the exit code is 3."""
    line = f'"{sys.executable}" -m cli --help > /dev/full'
    ended = subprocess.run(["/bin/bash", "-c", line], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 3
    assert ended.stderr == b"soundalike: No space left on device\n"


def test_loggers_are_left_as_they_were(run_cli: RunCli) -> None:
    """A call of main() inside a program leaves the program's logging alone."""
    logger = logging.getLogger("embedder")
    before = (logger.level, list(logger.handlers))
    run_cli("models", "list", "--debug")
    assert (logger.level, logger.handlers) == before


def test_two_forms_at_once_are_refused(run_cli: RunCli) -> None:
    """--json and --paths together are a usage error that names both."""
    run = run_cli("doctor", "--json", "--paths")
    assert run.code == 2
    assert "--json and --paths" in run.err


def test_library_needs_a_value(run_cli: RunCli) -> None:
    """--library at the end of the line says that it needs a folder."""
    run = run_cli("doctor", "--library")
    assert run.code == 2
    assert "--library needs a value" in run.err


def test_a_command_without_paths_refuses_paths(run_cli: RunCli) -> None:
    """--paths is a usage error for a command that prints no paths."""
    run = run_cli("doctor", "--paths")
    assert run.code == 2
    assert "no paths to print" in run.err


def test_help_imports_nothing_heavy() -> None:
    """No help page imports torch, FAISS or another heavy package."""
    ended = run_python(f"""
        import sys
        from cli.app import main
        for words in [[], *([name] for name in {command_names()!r})]:
            assert main([*words, "--help"]) == 0
            heavy = set({HEAVY!r}) & set(sys.modules)
            assert not heavy, (words, heavy)
        """)
    assert ended.returncode == 0, ended.stderr.decode()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["evaluate", "nosuch"], 3),
        (["evaluate", "library", "--library", "nosuch"], 3),
        (["audit", "nosuch"], 3),
        (["train", "nosuch", "-o", "run"], 3),
        (["train", ".", "-o", "RUN"], 2),
        (["train", ".", "--resume", "--force"], 2),
    ],
    ids=str,
)
def test_a_command_that_cannot_start_imports_no_torch(
    words: list[str], code: int, tmp_path: Path
) -> None:
    """A wrong path or an existing run is refused before torch is imported."""
    (tmp_path / "run.json").touch()
    words = [str(tmp_path) if word == "RUN" else word for word in words]
    ended = run_python(f"""
        import sys
        from cli.app import main
        code = main({words!r})
        heavy = {{"torch", "scipy", "sklearn", "pandas"}} & set(sys.modules)
        assert not heavy, heavy
        sys.exit(code)
        """)
    assert ended.returncode == code, ended.stderr.decode()


def test_a_closed_pipe_is_quiet() -> None:
    """A reader that closes the pipe early causes neither a message nor an error."""
    endless = """
import itertools, sys, types
from cli.app import main
from cli.options import globals_of
from cli.output import emit
import typer
def run(context: typer.Context) -> None:
    "Count."
    emit(globals_of(context), rows=({"n": n} for n in itertools.count()))
sys.modules["cli.commands.doctor"] = types.SimpleNamespace(run=run)
sys.exit(main(["doctor", "--ndjson"]))
"""
    for words in ("-m cli --help", f"-c {shlex.quote(endless)}"):
        line = f'"{sys.executable}" {words} | head -c 0; echo ${{PIPESTATUS[0]}}'
        ended = subprocess.run(
            ["/bin/bash", "-c", line], cwd=ROOT, capture_output=True, timeout=60, check=True
        )
        assert ended.stderr == b""
        assert ended.stdout.strip() == b"0"


def test_ctrl_c_ends_with_130() -> None:
    """An interrupt is one word on stderr and code 130."""
    ended = run_python(
        f"""
        import os, signal, sys, types
        import cli.app
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` takes it away
        def run() -> None:
            "Wait."
            os.kill(os.getpid(), {int(signal.SIGINT)})
        sys.modules["cli.commands.doctor"] = types.SimpleNamespace(run=run)
        sys.exit(cli.app.main(["doctor"]))
        """,
    )
    assert ended.returncode == 130
    assert ended.stderr == b"soundalike: interrupted\n"


def test_completion_offers_commands() -> None:
    """The shell's completion knows the commands."""
    completion = {"_SOUNDALIKE_COMPLETE": "complete_bash", "COMP_WORDS": "soundalike doc"}
    ended = run_python(
        "from cli.app import main; main([])", env={**os.environ, **completion, "COMP_CWORD": "1"}
    )
    assert ended.stdout.split() == [b"doctor"]


def test_completion_script_can_be_shown() -> None:
    """--show-completion prints a script for the shell."""
    ended = run_python(
        "from cli.app import main; main(['--show-completion', 'bash'])",
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )
    assert b"_SOUNDALIKE_COMPLETE" in ended.stdout
