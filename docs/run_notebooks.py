"""Run the notebooks on the demo's music and store what their cells show.

    python docs/run_notebooks.py [--folder FOLDER] [NOTEBOOK...]

FOLDER keeps the music, libraries and runs for the next time (default: a folder that is removed).
A notebook stores a digest of its code cells, so that `is_current` can tell without a run whether
the outputs belong to the code. Warnings and progress are not stored.
"""

import argparse
import ast
import base64
import contextlib
import hashlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
METADATA = "soundalike"
DOTS_PER_INCH = 80
COLOURS = 256
"""In a stored picture: enough for a spectrogram, at a third of the size."""

Notebook = dict[str, Any]
Output = dict[str, Any]


def read(path: Path) -> Notebook:
    """A notebook's document."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code_cells(notebook: Notebook) -> list[dict[str, Any]]:
    """The cells that run, in their order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def digest(notebook: Notebook) -> str:
    """The digest of the code."""
    sources = ["".join(cell["source"]) for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16]


def is_current(notebook: Notebook) -> bool:
    """Whether the stored outputs were made by this code."""
    stored = notebook["metadata"].get(METADATA, {}).get("outputs_of")
    return bool(stored == digest(notebook))


def run(notebook: Notebook, name: str) -> None:
    """Run the cells in the current folder, and store their outputs in the notebook."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), start=1):
        cell["execution_count"] = number
        cell["outputs"] = _run_cell("".join(cell["source"]), f"{name}, code {number}", names)
        for output in cell["outputs"]:
            if output["output_type"] == "execute_result":
                output["execution_count"] = number
    notebook["metadata"][METADATA] = {"outputs_of": digest(notebook)}


def _run_cell(source: str, title: str, names: dict[str, Any]) -> list[Output]:
    """What a cell prints, its last value (unless it ends with a semicolon), and its figures."""
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    shown = None
    if isinstance(last, ast.Expr) and not source.rstrip().endswith(";"):
        tree.body.pop()
        shown = compile(ast.Expression(last.value), title, "eval")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, title, "exec"), names)  # noqa: S102  # our own notebook
        value = None if shown is None else eval(shown, names)  # noqa: S307  # our own notebook
    outputs: list[Output] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    outputs += _figures()
    if value is not None:
        outputs.append({"output_type": "execute_result", "metadata": {}, "data": _shown(value)})
    return outputs


def _shown(value: Any) -> dict[str, list[str]]:
    """A value as text, and as HTML if it can."""
    data = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_().splitlines(keepends=True)
    return data


def _figures() -> list[Output]:
    """The open figures as pictures; they are closed."""
    import matplotlib.pyplot as plt
    from PIL import Image

    outputs: list[Output] = []
    for figure in map(plt.figure, plt.get_fignums()):
        drawn, stored = io.BytesIO(), io.BytesIO()
        figure.savefig(drawn, dpi=DOTS_PER_INCH, facecolor="white", bbox_inches="tight")
        picture = Image.open(drawn).convert("RGB")
        # Other methods turn black text into the nearest dark colour of a spectrogram.
        few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(stored, "png", optimize=True)
        data = {
            "image/png": base64.b64encode(stored.getvalue()).decode() + "\n",
            "text/plain": [repr(figure)],
        }
        outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
    plt.close("all")
    return outputs


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook as Jupyter does."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def main(folder: Path, paths: list[Path]) -> None:
    """Run notebooks in one folder, one after the other."""
    os.environ["MPLBACKEND"] = "Agg"
    with contextlib.chdir(folder):
        for path in paths:
            notebook = read(path)
            run(notebook, path.name)
            if str(folder) in json.dumps(notebook, ensure_ascii=False):
                raise SystemExit(f"{path.name}: shows a path of this machine")
            write(notebook, path)
            print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the notebooks and store their outputs.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--folder", type=Path, help="keep music, libraries and runs here")
    given = parser.parse_args()
    chosen = [path.absolute() for path in given.notebooks] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
        main(given.folder.absolute(), chosen)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary), chosen)
