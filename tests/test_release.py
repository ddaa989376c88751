"""What `make release` promises, as far as it needs no network."""

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """The script of `make release`."""
    spec = importlib.util.spec_from_file_location("make_release", ROOT / "docs/make_release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_two_builds_are_the_same_to_the_bit(release: ModuleType, tmp_path: Path) -> None:
    """From different folders and with other times of change; the content is what users need."""
    pytest.importorskip("hatchling", reason="the group 'dev' is not installed")
    dist = tmp_path / "dist"
    dist.mkdir()
    sdist, wheel = release.build_twice(tmp_path, dist)
    for file in (sdist, wheel):
        release.check_content(file)
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("tests")]


def test_a_wheel_with_tests_in_it_is_refused(release: ModuleType, tmp_path: Path) -> None:
    """A folder too many, or a model too few, ends the release."""
    wheel = tmp_path / "soundalike-1-py3-none-any.whl"
    names = [*release.REQUIRED, "soundalike-1.dist-info/licenses/LICENSE"]
    for extra, is_whole in ((["tests/a.py"], True), ([], False)):
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in [*names[0 if is_whole else 1 :], *extra]:
                archive.writestr(name, "")
        with pytest.raises(SystemExit, match=r"tests|card\.json"):
            release.check_content(wheel)
