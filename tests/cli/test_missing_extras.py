"""An optional package that is not installed: one line that names what to install."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
PROGRAM = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
from cli.app import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("missing", "extra", "words"),
    [
        ("fastapi", "serve", ("serve",)),
        ("uvicorn", "serve", ("serve",)),
        ("sounddevice", "live", ("listen",)),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(
    missing: str, extra: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    """The exit code is 2, and neither a traceback nor a bug of ours is reported."""
    line = [sys.executable, "-c", PROGRAM, missing, "--library", str(tmp_path / "none"), *words]
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert f"needs the extra '{extra}'" in ended.stderr
    assert f"pip install '.[{extra}]'" in ended.stderr


def test_every_named_extra_exists() -> None:
    """A message never names an extra that pyproject.toml does not have."""
    named = set()
    for package in ("embedder", "index", "soundalike", "cli"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                if is_call and node.func.id == "MissingExtra":
                    named.add(ast.literal_eval(node.args[1]))
    assert named
    assert named <= EXTRAS.keys()
