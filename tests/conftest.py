"""What every test can rely on: nobody's own library is touched, and a way to call the command."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many workers run as there are cores. More threads of each would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Run:
    """How one command line ended."""

    code: int
    out: str
    err: str


RunCli = Callable[..., Run]


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Caches and settings of other libraries: one place, or each process would fill its own."""
    return tmp_path_factory.mktemp("xdg")


@pytest.fixture(scope="session", autouse=True)
def _quick_disk() -> Iterator[None]:
    """No test cuts the power, so nothing waits for the disk. Processes of their own still do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared_folder: Path) -> None:
    """The user's own folders are elsewhere while a test runs; each test has its own data."""
    monkeypatch.delenv("SOUNDALIKE_LIBRARY", raising=False)
    monkeypatch.delenv("SOUNDALIKE_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg-data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_folder / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shared_folder / "config"))


@pytest.fixture
def run_cli(capfd: pytest.CaptureFixture[str]) -> RunCli:
    """Runs one command line in this process: `run_cli("doctor", "--json").out`."""
    from cli.app import main

    def run(*arguments: str) -> Run:
        capfd.readouterr()
        code = main(arguments)
        captured = capfd.readouterr()
        return Run(code, captured.out, captured.err)

    return run
