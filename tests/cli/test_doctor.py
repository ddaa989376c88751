"""`soundalike doctor` reports what is installed and what is missing."""

import importlib.metadata
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from cli.diagnosis import EXTRAS, REQUIRED, install_command
from tests.conftest import RunCli

ROOT = Path(__file__).parents[2]


def test_doctor_reports_in_json(run_cli: RunCli) -> None:
    """The report names versions, devices, folders and extras, and finds no problem."""
    run = run_cli("doctor", "--json")
    report = json.loads(run.out)
    states = {(check["area"], check["name"]): check for check in report["checks"]}
    assert states["package", "torch"]["detail"] == importlib.metadata.version("torch")
    assert states["device", "cpu"]["state"] == "ok"
    assert states["self-test", "sound"]["state"] == "ok"
    assert {"library", "models", "cache"} <= {name for area, name in states if area == "folder"}
    assert report["healthy"]
    assert run.code == 0


def test_doctor_shows_the_library_that_is_meant(run_cli: RunCli) -> None:
    """--library changes the folder that is shown."""
    run = run_cli("doctor", "--library", "elsewhere")
    assert "elsewhere" in run.out


def test_a_missing_package_is_told(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing required package is named, and the exit code is 4."""
    monkeypatch.setattr("cli.diagnosis.REQUIRED", ("no-such-package",))
    run = run_cli("doctor")
    assert run.code == 4
    assert "no-such-package" in run.err


def test_the_doctor_knows_the_dependencies() -> None:
    """The doctor checks the dependencies in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    dependencies = {re.split(r"[<>=;\[ ]", line)[0] for line in project["dependencies"]}
    assert set(REQUIRED) == {name for name in dependencies if not name.startswith("faiss")}


def test_only_extras_that_do_something_are_offered() -> None:
    """Each offered extra is in pyproject.toml, and the code imports each of its modules."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(EXTRAS) <= set(tomllib.loads(text)["project"]["optional-dependencies"])
    sources = "\n".join(
        file.read_text(encoding="utf-8")
        for package in ("embedder", "index", "soundalike")
        for file in (ROOT / package).rglob("*.py")
    )
    for module in (module for modules in EXTRAS.values() for module in modules):
        assert re.search(rf"^\s*(import|from) {module}\b", sources, re.MULTILINE), module


def test_without_a_checkout_the_advice_names_no_index(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An installed wheel does not know where its source is, so the advice names the folder."""
    monkeypatch.setattr("cli.diagnosis.__file__", str(tmp_path / "cli" / "diagnosis.py"))
    words = install_command("mpd").split()
    assert words[:3] == ["pip", "install", "'.[mpd]'"]


def test_a_missing_extra_is_installed_from_the_checkout(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice does not name a package on an index, which may be another project's."""
    monkeypatch.setattr("cli.diagnosis.EXTRAS", {"mpd": ("no_such_module",)})
    report = json.loads(run_cli("doctor", "--json").out)
    (check,) = [check for check in report["checks"] if check["area"] == "extra"]
    command = shlex.split(check["detail"].removeprefix("not installed: "))
    assert command == ["pip", "install", f"{ROOT}[mpd]"]
