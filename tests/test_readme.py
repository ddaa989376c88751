"""The commands in README and CONTRIBUTING exist, and cheap ones run."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cli.loading import command_names
from tests.conftest import RunCli

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md")
CHEAP = ("doctor", "models list", "--version", "--help")
GLOBAL_FLAGS = {"--json", "--ndjson", "--paths", "--quiet", "--debug", "--library", "-0"}


def console_lines(program: str) -> list[str]:
    """The calls of a program in the console blocks of the pages, with pipes split."""
    lines: list[str] = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL):
            typed = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
            lines += [part.strip() for line in typed for part in line.split(" | ")]
    return sorted({line for line in lines if line.split()[0] == program})


def promised() -> set[str]:
    """The commands that the README says do not exist yet."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sentence = re.search(r"^Not there yet: (.*?)\.$", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`(\w+)`", sentence[1])) if sentence else set()


@pytest.mark.parametrize("line", console_lines("soundalike"))
def test_a_line_of_the_readme_works(line: str, run_cli: RunCli) -> None:
    """Its command and options exist, and a cheap line succeeds."""
    words = shlex.split(line)[1:]
    if words[0].startswith("-"):
        assert words[0] in run_cli("--help").out
        return
    if words[0] not in command_names():
        assert words[0] in promised(), f"no command {words[0]}"
        return
    page = run_cli(words[0], "--help").out
    options = [word.split("=")[0] for word in words if re.match(r"-\w|--\w", word)]
    assert [o for o in options if o not in page and o not in GLOBAL_FLAGS] == []
    if line.removeprefix("soundalike ") in CHEAP:
        run = run_cli(*words)
        assert run.code == 0, run.err


@pytest.mark.parametrize("line", console_lines("make"))
def test_a_make_line_has_its_target(line: str) -> None:
    """The Makefile has the target."""
    completed = subprocess.run(
        ["make", "--dry-run", *line.split()[1:]], cwd=ROOT, capture_output=True, check=False
    )
    assert completed.returncode == 0, completed.stderr.decode()


@pytest.mark.parametrize("page", [*PAGES, "docs/LOG.md", "benchmarks/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link and picture of a page exists."""
    file = ROOT / page
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text(encoding="utf-8"))
    assert [target for target in targets if not (file.parent / target).exists()] == []
