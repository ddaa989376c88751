"""Help pages: one style, plain names, and a worked example for each command."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

from cli.help_pages import EXAMPLE_MARK, parts_of_help, plain_limits
from cli.loading import command_names, load_command
from cli.options import SWITCHES, VALUED
from tests.conftest import RunCli

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "cli.md"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]\b")
COMMAND_LINE = re.compile(r"(['`]?)soundalike ([a-z]+)((?: [^\s'\"`;:,.)]+)*)")


def commands() -> dict[tuple[str, ...], Any]:
    """Every command and sub-command by its words."""
    by_words: dict[tuple[str, ...], Any] = {}
    for name in command_names():
        command = load_command(name)
        by_words[name,] = command
        inner = command.commands if isinstance(command, TyperGroup) else {}
        by_words |= {(name, sub_name): sub for sub_name, sub in inner.items()}
    return by_words


COMMANDS = commands()


def options_of(command: Any) -> set[str]:
    """The options that this command accepts."""
    own = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    return own | {*SWITCHES, *VALUED, "--help"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_ends_with_an_example(words: tuple[str, ...], run_cli: RunCli) -> None:
    """The last lines of a help page are a command line and what it prints or does."""
    page = run_cli(*words, "--help").out
    _, heading, example = page.partition("\nExample:\n")
    assert heading
    line, *outcome = (text.strip() for text in example.strip().splitlines())
    assert line.startswith(f"{EXAMPLE_MARK}soundalike {words[0]}")
    assert " ".join(outcome).endswith(".")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_example_can_be_typed(words: tuple[str, ...]) -> None:
    """The parser takes the command line of the example, options and all."""
    _, example = parts_of_help(COMMANDS[words].help)
    typed = shlex.split(example.partition("\n")[0].removeprefix(EXAMPLE_MARK))[1:]
    command, rest = COMMANDS[typed[0],], typed[1:]
    if isinstance(command, TyperGroup):
        command, rest = command.commands[rest[0]], rest[1:]
    local = [word for word in rest if word not in SWITCHES]
    assert command.make_context("example", local) is not None


def test_the_reference_has_no_internal_names() -> None:
    """The reference shows neither type names nor doubled dots as arguments."""
    text = REFERENCE.read_text(encoding="utf-8")
    assert re.findall(r"<[a-z][^>\n]*>|\{[^}\n]*\}|\.{3}\]?\.{3}|╭|x>=", text) == []


def test_summaries_are_whole_sentences(run_cli: RunCli) -> None:
    """No summary in a list of commands is cut off."""
    for words in ((), ("models",), ("library",)):
        listed = run_cli(*words, "--help").out.partition("\nCommands:\n")[2].partition("\n\n")[0]
        cut = [line for line in listed.splitlines() if not line.endswith(".") or "..." in line]
        assert listed
        assert cut == []


def test_limits_are_words() -> None:
    """Typer's inequalities become words; a filter's stay."""
    assert plain_limits("Many.  [default: (20); x>=1]") == "Many.  [default: 20; at least 1]"
    assert plain_limits("S.  [0<=x<=1]") == "S.  [0 to 1]"
    assert plain_limits("'year>=1970'") == "'year>=1970'"


def test_a_wrong_value_says_what_to_give(run_cli: RunCli) -> None:
    """The option, the value and the limits, in our words."""
    for option, value, advice in (
        ("-k", "x", "give a whole number, 1 or more"),
        ("-k", "0", "give a whole number, 1 or more"),
        ("--min-score", "2", "give a number from 0 to 1"),
    ):
        ended = run_cli("query", "1", option, value)
        assert ended.code == 2
        assert ended.err == f"soundalike: {option} {value}: {advice}. See soundalike query --help\n"


def test_a_missing_argument_is_named_as_in_the_help(run_cli: RunCli) -> None:
    """The argument has the name of the help page, without dots."""
    message = "soundalike: DATASET|library is missing. See soundalike evaluate --help\n"
    assert run_cli("evaluate").err == message


def test_a_query_for_nothing_says_what_it_takes(run_cli: RunCli) -> None:
    """A query takes tracks or a text, so neither alone is missing."""
    ended = run_cli("query")
    assert ended.code == 2
    assert "name a file or an id, or give a text" in ended.err


def test_an_error_of_the_parser_names_the_command(run_cli: RunCli) -> None:
    """The error points to the help of the command, not of the program."""
    assert "See soundalike query --help" in run_cli("query", "1", "--explain=3").err


def texts(folder: str) -> Iterator[tuple[Path, str]]:
    """Every text in the sources that is no docstring, pieces of one message together."""
    for file in (ROOT / folder).rglob("*.py"):
        if file.name in {"page_style.py", "page.py", "charts.py"}:
            continue  # style sheets
        tree = ast.parse(file.read_text(encoding="utf-8"))
        pieces = {id(part) for node in ast.walk(tree) for part in inner_pieces(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield file, "".join(piece_text(part) for part in node.values)
            elif isinstance(node, ast.Constant) and id(node) not in pieces:
                yield file, node.value if isinstance(node.value, str) else ""


def inner_pieces(node: ast.AST) -> list[ast.AST]:
    """The constants of a formatted text, and a docstring's."""
    if isinstance(node, ast.JoinedStr):
        return list(node.values)
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return [node.value] if is_docstring else []


def piece_text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "X"


ALL_OPTIONS = set().union(*map(options_of, COMMANDS.values()), {"--debug"})


@pytest.mark.parametrize("folder", ["cli", "index", "embedder"])
def test_messages_name_only_options_that_exist(folder: str) -> None:
    """Advice such as "give --force" can be followed by some command."""
    wrong = [
        (str(file.relative_to(ROOT)), option)
        for file, text in texts(folder)
        for option in OPTION.findall(text)
        if option not in ALL_OPTIONS
        and "var(" not in text
        and text != option  # the word of another program's command line
    ]
    assert wrong == []


@pytest.mark.parametrize("name", command_names())
def test_a_command_advises_its_own_options(name: str) -> None:
    """An option in a command's own messages is one of that command's, or of the named one."""
    command = COMMANDS[name,]
    inner = list(command.commands.values()) if isinstance(command, TyperGroup) else []
    own = set().union(*map(options_of, [command, *inner]))
    wrong = [
        (text, option)
        for file, text in texts("cli/commands")
        if file.stem == name and "soundalike " not in text
        for option in OPTION.findall(text)
        if option not in own and text != option  # the word of another command line
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["cli", "index", "embedder"])
def test_command_lines_in_messages_can_be_typed(folder: str) -> None:
    """'soundalike COMMAND --option' in a message names a command and options that it has."""
    wrong = []
    for file, text in texts(folder):
        for quote, name, rest in COMMAND_LINE.findall(text):
            words = rest.split()
            command = COMMANDS.get((name, *words[:1])) or COMMANDS.get((name,))
            options = [word for word in words if OPTION.fullmatch(word)]
            is_wrong = command is not None and not options_of(command).issuperset(options)
            if is_wrong or (quote and command is None):
                wrong.append((file.name, text))
    assert wrong == []
