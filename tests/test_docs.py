"""Every example of the manual runs: console lines, Python blocks and settings files."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from embedder.config.checking import check_training
from embedder.config.loading import configure
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.datasets.synthesis.folder import write_music_folder
from embedder.encoding.encoder import TrackEncoder
from embedder.training.grid.grid import read_grid
from index.library import Library
from tests.conftest import RunCli
from tests.running_docs import run_line, write_history
from tests.test_house import imports_of_the_house

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (
    *("indexing", "querying", "playlists", "labels", "live", "training", "evaluation", "search"),
    *("page", "taste", "players"),
)
OLD_PHRASES = (
    "so-manieth",
    "only else",
    "nobody who may",
    "places that mislead",
    "told beside",
    "in one go",
    "what was there before",
    "as it came",
    "of which nobody",
    "that nobody has",
    "held to",
    "none: as the",
    "where there is none",
    "whoever",
)
WRITTEN_IN = ("embedder", "index", "soundalike", "cli", "docs", "notebooks", "benchmarks", "tests")
# The log keeps its old entries, and this file names the phrases.
MAY_BE_OLD = (ROOT / "docs" / "LOG.md", Path(__file__))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
# Copies of one song of each style, beside the music folder.
NAME_BY_STYLE = {"folk": "song", "ambient": "calm", "rock": "wild", "chiptune": "unknown"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to run the examples in: music, four songs beside it, and two libraries."""
    folder = tmp_path_factory.mktemp("desk")
    songs = write_music_folder(
        folder / "music",
        artists_per_style=2,
        songs_per_album=1,
        seconds=6.0,
        formats=(".flac", ".mp3", ".ogg"),
        sample_rate=22050,
    )
    for style, name in NAME_BY_STYLE.items():
        song = next(song.path for song in songs if song.genre == style)
        shutil.copy(song, folder / f"{name}{song.suffix}")
    write_history(folder / "listenbrainz.zip", [(song.artist, song.title) for song in songs])
    with Library.open_or_create(folder / "library") as library:
        library.index([folder / "music"], encoder=TrackEncoder.load("default"))
    shutil.copytree(folder / "library", folder / "other-library")
    return folder


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in a language. page: a path below docs, without suffix."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return [body for kind, body in BLOCK.findall(text) if kind == language]


@pytest.mark.parametrize("page", PAGES)
def test_the_console_lines_of_a_page_run(
    page: str, desk: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command succeeds and prints the lines that the page shows."""
    library = desk / f"{page}-library"
    if page != "indexing":  # that page makes its own
        shutil.copytree(desk / "library", library)
    monkeypatch.chdir(desk)
    monkeypatch.setenv("SOUNDALIKE_LIBRARY", str(library))
    for block in blocks(page, "console"):
        for example in block.split("$ ")[1:]:
            line, *shown = example.strip().splitlines()
            out = run_line(line, run_cli, monkeypatch)
            printed = [" ".join(row.split()) for row in out.splitlines()]
            for row in (row for row in shown if row.strip(". ")):
                start = " ".join(row.split("...")[0].split())
                assert any(text.startswith(start) for text in printed), f"{line}\n{row}\n{out}"


def test_the_python_blocks_run(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of the Python page run in order, in one namespace."""
    monkeypatch.chdir(desk)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks("python-api", "python"), start=1):
        code = compile(block, f"docs/python-api.md, block {number}", "exec")
        exec(code, names)  # noqa: S102 - our own page
    assert (desk / "evening.xspf").exists()


def test_the_python_block_of_the_readme_runs(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes a library of its own, and saves a playlist."""
    monkeypatch.chdir(desk)
    (block,) = blocks("../README", "python")
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own page
    assert (desk / "from-python.m3u8").exists()


@pytest.mark.parametrize("block", blocks("training", "toml"))
def test_a_settings_file_of_the_training_page_is_valid(block: str, tmp_path: Path) -> None:
    """It can be read as settings over a preset, or as a grid of them."""
    path = tmp_path / "settings.toml"
    path.write_text(block, encoding="utf-8")
    preset = TRAINING_PRESETS["base"]
    if "[grid]" in block:
        assert len(read_grid(path, preset, tmp_path, data=tmp_path)) == 12
    else:
        check_training(configure(preset, toml=path))


def trips() -> dict[str, list[str]]:
    """The files of each trip in CONTRIBUTING, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Three trips through the code")[1].split("\n## ")[0]
    lists = re.findall(r"^(A .*):\n\n((?:\d+\. .*\n)+)", section, flags=re.MULTILINE)
    return {title: re.findall(r"^\d+\. `(\S+)`", steps, re.MULTILINE) for title, steps in lists}


def heights() -> dict[str, int]:
    """How high each room is in the layers that import-linter checks; the highest has the most."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {
        contract.get("containers", [""])[0]: contract["layers"]
        for contract in contracts["contracts"]
        if contract["type"] == "layers"
    }
    rooms = ["cli", *(f"index/{name}" for name in layers["index"])]
    rooms += [f"embedder/{name}" for name in layers["embedder"]]
    height_of = {}
    for height, names in enumerate(reversed(rooms)):
        package, _, names = names.rpartition("/")
        for name in re.findall(r"\w+", names):
            height_of[f"{package}/{name}".lstrip("/")] = height
    return height_of


@pytest.mark.parametrize("package", ["index", "embedder"])
def test_the_layout_names_every_room(package: str) -> None:
    """The drawing in CONTRIBUTING has each folder and module of a package."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = text.split("```text")[1].split("```")[0]
    rooms = [
        room.name
        for room in (ROOT / package).iterdir()
        if (room / "__init__.py").exists() or (room.suffix == ".py" and room.stem != "__init__")
    ]
    assert [room for room in rooms if not re.search(rf"\b{re.escape(room)}", drawing)] == []


@pytest.mark.parametrize("title", trips())
def test_the_files_of_a_trip_exist(title: str) -> None:
    """Each line of a trip in CONTRIBUTING names a file."""
    files = trips()[title]
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert len(files) > 10


@pytest.mark.parametrize("title", trips())
def test_a_trip_goes_down_once_and_up_once(title: str) -> None:
    """The layers of its files fall to the lowest one, and rise from there."""
    height_of = heights()
    path = [
        height_of["cli" if file.startswith("cli/") else "/".join(file.split("/")[:2])]
        for file in (name.replace("library.py", "library") for name in trips()[title])
    ]
    lowest = path.index(min(path))
    assert path[: lowest + 1] == sorted(path[: lowest + 1], reverse=True)
    assert path[lowest:] == sorted(path[lowest:])


def callers() -> list[tuple[str, str]]:
    """The module of each step of the trips, and that of the step which the page says calls it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    pairs = []
    for title, files in trips().items():
        modules = [file.removesuffix(".py").replace("/", ".") for file in files]
        lines = text.split(f"{title}:\n\n")[1].split("\n\n")[0].splitlines()
        for number, line in enumerate(lines[1:], start=2):
            named = re.search(r"\(step (\d+)\)", line)
            caller = int(named[1]) if named else number - 1
            assert caller < number, line
            pairs.append((modules[number - 1], modules[caller - 1]))
    return pairs


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    return imports_of_the_house()


@pytest.mark.parametrize(("module", "caller"), sorted(set(callers())))
def test_a_step_of_a_trip_is_called_as_the_page_says(
    module: str, caller: str, imports: dict[str, set[str]]
) -> None:
    """The step before it, or the one in brackets, imports it."""
    assert module in imports[caller]


def test_the_python_page_uses_the_public_import_alone() -> None:
    """No block imports from below `soundalike`."""
    code = "\n".join(blocks("python-api", "python"))
    modules = set(re.findall(r"^(?:from|import) (\w+)", code, flags=re.MULTILINE))
    assert modules == {"pathlib", "soundalike"}


@pytest.mark.parametrize("page", [file.name for file in sorted(DOCS.glob("*.md"))])
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    """Every relative link of a page exists."""
    text = (DOCS / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [target for target in targets if not (DOCS / target).exists()] == []


def test_each_promise_names_its_test() -> None:
    """Every row of the safety page ends with a test that exists."""
    text = (DOCS / "safety.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| (?!promise)", line)]
    missing = []
    for row in rows:
        named = re.search(r"\| `(tests/\S+\.py)::(\w+)` \|$", row)
        assert named, row
        file = ROOT / named[1]
        if not file.exists() or f"\ndef {named[2]}(" not in file.read_text(encoding="utf-8"):
            missing.append(f"{named[1]}::{named[2]}")
    assert missing == []
    assert len(rows) > 30


def test_each_promise_of_the_security_page_names_its_tests() -> None:
    """Every row names tests, or files of tests, that exist."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| (?!promise)", line)]
    named = [
        re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row.rsplit(" | ", 1)[1]) for row in rows
    ]
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    for path, name in (pair for tests in named for pair in tests):
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_old_phrases_do_not_come_back() -> None:
    """Prose in code, tests and docs has none of the phrases that were hard to read."""
    old = re.compile(rf"\b(?:{'|'.join(OLD_PHRASES)})\b", re.IGNORECASE)
    files = [
        *(file for folder in WRITTEN_IN for file in (ROOT / folder).rglob("*")),
        *ROOT.glob("*.md"),
    ]
    phrases = {
        str(file.relative_to(ROOT)): old.findall(unwrapped(file.read_text(encoding="utf-8")))
        for file in files
        if file.suffix in {".py", ".md", ".ipynb", ".html", ".js"} and file not in MAY_BE_OLD
    }
    assert len(phrases) > 300
    assert {file: written for file, written in phrases.items() if written} == {}


def unwrapped(text: str) -> str:
    """The text with each break of a line, and a comment's sign after it, as one space."""
    return re.sub(r"\s*\n\s*(?:#\s*)?", " ", text)
