"""The notebooks: stored with the outputs of their present code, on the public import alone."""

import ast
import base64
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
OURS = {"embedder", "index", "cli"}
MOST_BYTES = 2_000_000
ABSOLUTE_PATH = re.compile(r"(?<![\w.~<:])/(?!/)[\w.-]+/\w")
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """The script that `make notebooks` calls."""
    spec = importlib.util.spec_from_file_location("runner", ROOT / "docs" / "run_notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all notebooks, so that the music is made once."""
    return tmp_path_factory.mktemp("desk")


def cells_of(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, in their order."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def notebook_of(*sources: str) -> dict[str, Any]:
    """A notebook with these code cells."""
    cells = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    return {"cells": cells, "metadata": {}}


def texts_in(path: Path) -> list[str]:
    """All that a notebook's outputs say in words."""
    outputs = [output for cell in cells_of(path) for output in cell.get("outputs", [])]
    texts = ["".join(output.get("text", "")) for output in outputs]
    for output in outputs:
        texts += ["".join(data) for kind, data in output.get("data", {}).items() if "text" in kind]
    return texts


def test_there_are_notebooks() -> None:
    """The tests below have something to test."""
    assert len(NOTEBOOKS) == 6


@each_notebook
def test_the_outputs_of_a_notebook_are_current(path: Path, runner: ModuleType) -> None:
    """The stored outputs were made by the code that stands above them."""
    assert runner.is_current(runner.read(path)), "run make notebooks"


@each_notebook
def test_every_cell_was_run_in_order(path: Path) -> None:
    """The counts of the code cells are 1, 2, 3 …"""
    counts = [c["execution_count"] for c in cells_of(path) if c["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_the_outputs_name_no_path_of_a_machine(path: Path) -> None:
    """What is shown would be the same on another machine."""
    assert [text for text in texts_in(path) if ABSOLUTE_PATH.search(text)] == []


@each_notebook
def test_the_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    """Each page that a text links to exists."""
    cells = [cell for cell in cells_of(path) if cell["cell_type"] == "markdown"]
    text = "".join("".join(cell["source"]) for cell in cells)
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert [link for link in links if not (path.parent / link).exists()] == []


@each_notebook
def test_a_notebook_uses_the_public_import_alone(path: Path) -> None:
    """Nothing is imported from below `soundalike`."""
    code = "\n".join("".join(c["source"]) for c in cells_of(path) if c["cell_type"] == "code")
    modules = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            modules.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.Import):
            modules |= {name.name.split(".")[0] for name in node.names}
    assert "soundalike" in modules
    assert modules & OURS == set()


def test_the_notebooks_are_small() -> None:
    """A clone stays small, though the pictures are stored."""
    assert sum(path.stat().st_size for path in NOTEBOOKS) < MOST_BYTES


def test_a_change_of_the_code_makes_the_outputs_stale(runner: ModuleType) -> None:
    """A run stores the digest of the code; another code has another digest."""
    notebook = notebook_of("1 + 1")
    assert not runner.is_current(notebook)
    runner.run(notebook, "test")
    assert runner.is_current(notebook)
    notebook["cells"][0]["source"] = ["1 + 2"]
    assert not runner.is_current(notebook)


def test_a_run_stores_what_is_printed_and_the_last_value(runner: ModuleType) -> None:
    """Cells share their names, and each shows its own output."""
    notebook = notebook_of("number = 6\nprint('six')", "number * 7", "number;")
    runner.run(notebook, "test")
    printed, value, quiet = (cell["outputs"] for cell in notebook["cells"])
    assert printed == [{"output_type": "stream", "name": "stdout", "text": ["six\n"]}]
    assert value[0]["data"] == {"text/plain": ["42"]}
    assert value[0]["execution_count"] == 2
    assert quiet == []


def test_a_run_stores_figures_as_pictures(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure becomes a PNG in the cell that drew it, and is closed."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    notebook = notebook_of("import matplotlib.pyplot as plt", "plt.plot([1, 2]);", "1")
    runner.run(notebook, "test")
    first, drawn, last = (cell["outputs"] for cell in notebook["cells"])
    assert [output["output_type"] for output in drawn] == ["display_data"]
    assert base64.b64decode(drawn[0]["data"]["image/png"]).startswith(b"\x89PNG")
    assert first == []
    assert len(last) == 1


@pytest.mark.slow
@each_notebook
def test_a_notebook_runs(
    path: Path, runner: ModuleType, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cell runs on what those before it made; all files lie in one folder."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(desk)
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    runner.run(runner.read(path), path.name)
    assert {file.name for file in desk.iterdir()} <= {"soundalike-demo", "household"}
