"""The rules of the house, checked on the house itself."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from typer.core import TyperGroup

from cli.loading import command_names, load_command

ROOT = Path(__file__).parents[1]
PACKAGES = ("embedder", "index", "soundalike", "cli", "beetsplug")
HIGHEST_LINES = 300
MOST_LINES = 30
STDOUT_WRITERS = (
    ROOT / "cli" / "output.py",
    # Child processes, whose standard output is a pipe to their parent.
    ROOT / "embedder" / "audio" / "decoder_child.py",
    ROOT / "embedder" / "audio" / "streaming.py",
    ROOT / "embedder" / "audio" / "transcoder_child.py",
    ROOT / "embedder" / "encoding" / "processes" / "encoder_child.py",
    ROOT / "soundalike" / "server" / "jobs" / "child.py",
)
BY_NUMBER = {("os.write", "1"), ("open", "1"), ("os.fdopen", "1")}
SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
WRITTEN = [
    *SOURCES,
    *(f for f in (ROOT / "docs").rglob("*") if f.suffix in {".md", ".py"}),
    *(ROOT / "benchmarks").rglob("*.py"),
    *ROOT.glob("*.md"),
    *ROOT.glob("*.toml"),
    *ROOT.glob("*.txt"),
    ROOT / "Makefile",
    ROOT / ".ci" / "run",
]
# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.~])/(?:work|home|root|opt|Users|tmp)/\w")
REGISTRIES = re.compile(
    "py" + r"pi\.org|python" + "hosted|index-url|find-links|ana" + r"conda\.org"
)


def name_of(file: object) -> str:
    """A file's path in the checkout, as a test's name."""
    return str(file.relative_to(ROOT)) if isinstance(file, Path) else str(file)


@cache
def tree_of(file: Path) -> ast.Module:
    """A source file, parsed once."""
    return ast.parse(file.read_text(encoding="utf-8"))


def test_a_module_opens_with_what_it_is_for() -> None:
    """Each source file has a docstring."""
    assert [name_of(file) for file in SOURCES if not ast.get_docstring(tree_of(file))] == []


def test_an_init_holds_its_docstring_alone() -> None:
    """Importing a package imports nothing else; the public package resolves its names."""
    public = ROOT / "soundalike" / "__init__.py"
    inits = [file for file in SOURCES if file.name == "__init__.py" and file != public]
    assert len(inits) > 30
    assert [name_of(file) for file in inits if len(tree_of(file).body) != 1] == []


def test_standard_output_has_one_writer() -> None:
    """Only the files that are allowed to write to stdout do it."""
    writers = {file: _writes_to_stdout(tree_of(file)) for file in SOURCES}
    outside = {name_of(file): lines for file, lines in writers.items() if lines}
    assert outside.keys() <= {name_of(file) for file in STDOUT_WRITERS}, outside


def test_no_python_file_is_long() -> None:
    """Tests, benchmarks, notebooks and the scripts of the docs are as short as the sources."""
    folders = (*PACKAGES, "tests", "benchmarks", "docs", "notebooks")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    n_lines = {name_of(file): file.read_bytes().count(b"\n") for file in files}
    assert {name: n for name, n in n_lines.items() if n >= HIGHEST_LINES} == {}, "split them"


def test_a_command_parses_calls_and_prints() -> None:
    """A function of a command has at most thirty lines below its docstring."""
    long_ones = []
    for file in (ROOT / "cli" / "commands").rglob("*.py"):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                n_lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                long_ones += [f"{name_of(file)}: {node.name}"] if n_lines > MOST_LINES else []
    assert long_ones == [], "the logic belongs elsewhere"


def _writes_to_stdout(tree: ast.AST) -> list[int]:
    """Lines that print, echo or touch sys.stdout or its number."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first = ast.unparse(node.args[0]) if node.args else ""
            called = ast.unparse(node.func)
            if called in {"print", "typer.echo", "typer.secho"} or (called, first) in BY_NUMBER:
                lines.append(node.lineno)
        elif isinstance(node, ast.Attribute):
            if ast.unparse(node) in {"sys.stdout", "sys.__stdout__"}:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            lines += [node.lineno for alias in node.names if "stdout" in alias.name]
    return lines


@pytest.mark.parametrize(
    "line",
    [
        "print('a')",
        "typer.echo('a')",
        "sys.stdout.buffer.write(b'a')",
        "sys.__stdout__.write('a')",
        "from sys import stdout",
        "os.write(1, b'a')",
        "open(1, 'w')",
    ],
)
def test_a_writer_to_stdout_would_be_found(line: str) -> None:
    """Every usual way to write to standard output counts."""
    assert _writes_to_stdout(ast.parse(f"x = 1\n{line}")) == [2]


@cache
def imports_of_the_house() -> dict[str, set[str]]:
    """Which modules of ours each module imports, at its top, in functions and for typing."""
    files = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in SOURCES
    }
    graph: dict[str, set[str]] = {}
    for module, file in files.items():
        names: set[str] = set()
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{module}: write imports in full"
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= {name if name in files else str(node.module) for name in inner}
        graph[module] = (names & set(files)) - {module}
    return graph


def circles_in(graph: dict[str, set[str]]) -> set[str]:
    """What is left when everything that imports nothing left is taken away, again and again.

    Empty if there is no circle, otherwise the circles and what imports them.
    """
    left = dict(graph)
    while leaves := {module for module, imported in left.items() if not imported & set(left)}:
        left = {module: imported for module, imported in left.items() if module not in leaves}
    return set(left)


def test_no_imports_go_in_a_circle() -> None:
    """All imports together, lazy and typing ones too, have a lowest and a highest module."""
    assert circles_in(imports_of_the_house()) == set()


def test_a_circle_would_be_found() -> None:
    """Two modules that import each other are named, with what imports them, and no others."""
    graph = {"top": {"a"}, "a": {"b"}, "b": {"a", "leaf"}, "leaf": set(), "other": {"leaf"}}
    assert circles_in(graph) == {"top", "a", "b"}


def test_lazy_and_typing_imports_count() -> None:
    """The walk sees an import inside a function and one under TYPE_CHECKING."""
    graph = imports_of_the_house()
    assert "index.search.search" in graph["index.library"], "it is under TYPE_CHECKING"
    assert "index.indexing.run" in graph["index.library"], "it is inside a function"


@pytest.mark.parametrize(("package", "most"), [("index", 12), ("embedder", 13)])
def test_the_top_of_a_package_stays_small(package: str, most: int) -> None:
    """A new file belongs in a room, not at the top."""
    entries = {
        path.name
        for path in (ROOT / package).iterdir()
        if path.name not in {"__init__.py", "__pycache__", "py.typed"}
    }
    assert len(entries) <= most, sorted(entries)


def test_modules_do_no_work_at_import() -> None:
    """No module calls a function of torch, logging or the environment while it is imported."""
    forbidden = re.compile(r"^(torch\.(cuda|set_)|logging\.basicConfig|os\.(environ|getenv))")
    found = []
    for file in SOURCES:
        for statement in tree_of(file).body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.If):
                continue
            found += [
                f"{name_of(file)}:{node.lineno}"
                for node in ast.walk(statement)
                if isinstance(node, ast.Attribute | ast.Call) and forbidden.match(ast.unparse(node))
            ]
    assert found == []


@pytest.mark.parametrize("names", [MACHINE_PATHS, REGISTRIES], ids=["paths", "registries"])
def test_nothing_names_one_machine(names: re.Pattern[str]) -> None:
    """No file names a path of one machine, or the host of a package registry."""
    naming = {name_of(file): names.findall(file.read_text(encoding="utf-8")) for file in WRITTEN}
    assert len(naming) > 500
    assert {file: found for file, found in naming.items() if found} == {}


def test_constraints_are_names_and_versions() -> None:
    """Each constraint is one name and one version, once."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    names = [re.sub(r"[-_.]+", "-", pin.split("==")[0].lower()) for pin in pins]
    assert len(names) == len(set(names))


def all_commands() -> list[tuple[str, ...]]:
    """Every command's words, sub-commands too."""
    words: list[tuple[str, ...]] = []
    for name in command_names():
        command = load_command(name)
        inner = list(command.commands) if isinstance(command, TyperGroup) else []
        words += [(name,), *((name, sub) for sub in inner)]
    return words


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_has_help_and_docs(words: tuple[str, ...]) -> None:
    """A command explains itself and each of its options, and stands in docs/cli.md."""
    command = load_command(words[0])
    for word in words[1:]:
        assert isinstance(command, TyperGroup)
        command = command.commands[word]  # type: ignore[assignment]  # Typer's own classes of click's
    assert command.help, "the docstring of the function is its help"
    wordless = [p.name for p in command.params if not getattr(p, "help", None)]
    assert wordless == [], "every option says what it does"
    heading = f"soundalike {' '.join(words)}\n"
    assert heading in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), "run make docs"


@pytest.mark.parametrize("page", ["cli_reference", "settings"])
def test_a_written_page_is_current(page: str) -> None:
    """docs/cli.md and docs/settings.md are what `make docs` would write now."""
    script = ROOT / "docs" / f"write_{page}.py"
    ended = subprocess.run(
        [sys.executable, str(script), "--check"], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
