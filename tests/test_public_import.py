"""The package `soundalike`: what people import, what it costs, and what type checkers see of it."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import soundalike
import soundalike.errors

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "faiss", "pandas", "numpy", "umap", "sklearn", "matplotlib", "av"}
HIGHEST_MILLISECONDS = 60
REVEALING = """
import soundalike
from soundalike import Library, SearchRequest, TrackEncoder, train
reveal_type(Library.search)
reveal_type(SearchRequest(("song.flac",)).k)
reveal_type(TrackEncoder.load)
reveal_type(train)
soundalike.Librarian
"""


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout


def typed_names() -> dict[str, str]:
    """The names that type checkers see, each with the module it comes from."""
    tree = ast.parse(Path(inspect.getfile(soundalike)).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {str(name.asname): str(node.module) for node in imports for name in node.names}


@pytest.mark.parametrize("name", soundalike.__all__)
def test_a_name_is_what_its_module_defines(name: str) -> None:
    """Each public name resolves to the object that the type checker's import names."""
    assert getattr(soundalike, name) is getattr(importlib.import_module(typed_names()[name]), name)


def test_type_checkers_see_the_names_of_the_run() -> None:
    """The imports for type checkers and the table for the run list the same names."""
    assert sorted(typed_names()) == sorted(soundalike.__all__)


def test_a_public_name_comes_from_below() -> None:
    """No name comes from the command line, which stands above this package."""
    packages = {home.split(".")[0] for home in typed_names().values()}
    assert packages == {"embedder", "index", "soundalike"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as in any module."""
    with pytest.raises(AttributeError, match="'soundalike' has no attribute 'Librarian'"):
        soundalike.Librarian  # noqa: B018 - looking it up is the test


def test_dir_lists_the_names_before_their_first_use() -> None:
    """A shell completes names that are not imported yet."""
    listed = python("import soundalike; print(*dir(soundalike))").split()
    assert set(soundalike.__all__) <= set(listed)


def test_the_import_loads_nothing_else_of_the_program() -> None:
    """The package alone brings in neither the engine nor a heavy library."""
    code = "import soundalike, sys; print(*{name.split('.')[0] for name in sys.modules})"
    assert HEAVY & set(python(code).split()) == set()
    assert {"embedder", "index", "cli"} & set(python(code).split()) == set()


def test_opening_a_library_needs_no_torch() -> None:
    """The library and the requests come without torch, pandas and UMAP."""
    code = (
        "from soundalike import Library, SearchRequest, LabelRequest, PlaylistRequest, VoteSettings"
        "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert {"torch", "pandas", "umap", "matplotlib"} & set(python(code).split()) == set()


def test_the_import_is_quick() -> None:
    """The best of three imports takes less processor time than a person notices."""
    code = (
        "import time; began = time.process_time(); import soundalike"
        "; print((time.process_time() - began) * 1000)"
    )
    assert min(float(python(code)) for _ in range(3)) < HIGHEST_MILLISECONDS


def test_every_error_can_be_imported() -> None:
    """`soundalike.errors` has the whole tree of errors."""
    tree = [soundalike.SoundalikeError]
    for error in tree:
        tree += error.__subclasses__()
    ours = {error.__name__ for error in tree if error.__module__ == "embedder.errors"}
    assert ours == set(soundalike.errors.__all__)


def strict_mypy(code: str, folder: Path) -> list[str]:
    """What a strict mypy says of some code."""
    snippet = folder / "snippet.py"
    snippet.write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(snippet)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    return ended.stdout.splitlines()


@pytest.mark.slow
def test_mypy_sees_the_real_types(tmp_path: Path) -> None:
    """A strict mypy knows the types behind the names, and refuses a name that is not there."""
    *revealed, refused = strict_mypy(REVEALING, tmp_path)
    returned = ("QueryResult", '"int"', "TrackEncoder", "TrainingResult")
    assert [name in line for name, line in zip(returned, revealed, strict=True)] == [True] * 4
    assert 'Module has no attribute "Librarian"' in refused


@pytest.mark.slow
def test_the_python_of_the_manual_passes_a_strict_mypy(tmp_path: Path) -> None:
    """What the page shows, short forms too, is right in the eyes of an editor."""
    page = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert strict_mypy("\n".join(blocks), tmp_path) == []
