"""The doctor finds what is there and says what is not."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pytest

from cli.diagnosis import EXTRAS, REQUIRED
from tests.conftest import RunCli


def test_doctor_reports_in_json(run_cli: RunCli) -> None:
    """The report names versions, devices, folders and extras, and the installation is well."""
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
    """A package that is required and not there ends with 4 and its name."""
    monkeypatch.setattr("cli.diagnosis.REQUIRED", ("no-such-package",))
    run = run_cli("doctor")
    assert run.code == 4
    assert "no-such-package" in run.err


def test_the_doctor_knows_the_dependencies() -> None:
    """What the doctor looks for is what pyproject.toml asks for."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    asked = {re.split(r"[<>=;\[ ]", line)[0] for line in project["dependencies"]}
    assert set(REQUIRED) == {name for name in asked if not name.startswith("faiss")}
    assert set(EXTRAS) == set(project["optional-dependencies"])
