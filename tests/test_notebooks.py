"""The notebooks run from top to bottom, and are kept without what they printed."""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, in their order."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all, so that the music is made once."""
    return tmp_path_factory.mktemp("desk")


def test_there_are_notebooks() -> None:
    """The tests below have something to test."""
    assert len(NOTEBOOKS) == 5


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    """No output and no count of runs stands in the file, and its links lead somewhere."""
    cells = cells_of(notebook)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    linked = [part.split(")")[0] for part in text.split("](")[1:]]
    assert [link for link in linked if not (notebook.parent / link).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell runs on what those before it made."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(desk)
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    names: dict[str, object] = {}
    for number, cell in enumerate(cells_of(notebook), start=1):
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec")
            exec(code, names)  # noqa: S102 - our own notebook
            for figure in map(plt.figure, plt.get_fignums()):
                figure.canvas.draw()
            plt.close("all")
    written = [path.name for path in desk.iterdir()]
    assert written == ["soundalike-demo"], "all that a notebook writes lies in one folder"
