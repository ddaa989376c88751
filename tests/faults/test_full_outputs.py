"""Every command that writes, on a disk that is full and on one that is read-only."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedder.config.loading import to_toml
from embedder.config.model import BackboneConfig, ModelConfig
from embedder.models.exporting import export_model
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.small_sets import small_config, write_array_set
from tests.faults.processes import Workshop, open_workshop, small_disk
from tests.index.toy_encoder import tag_wav, write_wav

N_FILES = 8
PRELOAD = (
    "cli.app",
    "embedder.features.drawing",
    "embedder.features.saving",
    "embedder.models.exporting",
    "embedder.models.importing",
    "embedder.training.train",
    "index.audit.audit",
    "index.evaluate.evaluation",
    "index.evaluate.page",
    "index.labels.files.writing",
    "index.library",
    "index.map.pictures",
    "index.playlists.make",
    "index.search.search",
    "mutagen.wave",
    "rich.table",
)


@dataclass(frozen=True, slots=True)
class Places:
    """`home` has room. `disk` is full or read-only; it has music, a library and a folder."""

    home: Path
    disk: Path
    journal: Path


def make_music(folder: Path, *, first: int) -> Path:
    """Files of half a second, half of them with a genre."""
    for number in range(N_FILES):
        path = write_wav(folder / f"{number}.wav", first + number, n_samples=4000)
        if number % 2:
            tag_wav(path, genre="jazz" if number % 4 == 1 else "folk", artist=f"artist {number}")
    return folder


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
        ballast.write(bytes(free))


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Command lines as they are, with everything imported."""
    folder = tmp_path_factory.mktemp("commands")
    with open_workshop(folder, setup="plain", preload=PRELOAD) as made:
        yield made


@pytest.fixture(scope="module", params=["full", "read-only"])
def places(
    request: pytest.FixtureRequest, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Places]:
    """Libraries, music and models; then the disk fills up, or becomes read-only."""
    home = tmp_path_factory.mktemp("home")
    config = ModelConfig(backbone=BackboneConfig(filters=(2,)))
    save_model(home / "model", seeded_network(config, seed=2))
    export_model(home / "model", home / "packed.zip")
    export_model(home / "model", home / "graph.onnx")
    write_array_set(home / "set", tracks_per_genre=12)
    (home / "small.toml").write_text(to_toml(small_config(epochs=1)))
    with small_disk(home / "disk", size="8m") as disk:
        make_music(home / "music", first=0)
        make_music(disk / "music", first=50)
        for library, music in ((disk / "library", home), (home / "library", disk)):
            done = workshop.run("--library", library, "index", music / "music")
            assert done.code == 0, done.err
        done = workshop.run("--library", home / "library", "label", "5", "--write", "--yes")
        assert done.code == 0, done.err
        (journal,) = (home / "library").glob("*.jsonl")
        if request.param == "full":
            fill(disk)
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield Places(home, disk, journal)


LINES = {
    "new library": "--library {disk}/new index {home}/music",
    "index": "--library {disk}/library index {disk}/music",
    "remove": "--library {disk}/library library remove 1",
    "rebuild": "--library {disk}/library library rebuild",
    "label the files": "--library {home}/library label 1 3 --write --yes",
    "label in the library": "--library {disk}/library label 1 3 --write --yes",
    "undo": "--library {home}/library label --undo {journal}",
    "features": "features {home}/music/1.wav -o {disk}/pictures",
    "feature arrays": "features {home}/music/1.wav -o {disk}/pictures --arrays",
    "evaluate": "--library {home}/library evaluate library -o {disk}/page.html",
    "audit": "--library {home}/library audit library -o {disk}/page.html",
    "fix split": "--library {home}/library audit library --fix-split {disk}/split.csv",
    "import a folder": "models import {home}/model --as new",
    "import a zip": "models import {home}/packed.zip --as new",
    "import ONNX": "models import {home}/graph.onnx --spec {home}/graph.toml --as new",
    "export a folder": "models export {home}/model -o {disk}/copy",
    "export a zip": "models export {home}/model -o {disk}/copy.zip",
    "export ONNX": "models export {home}/model -o {disk}/copy.onnx",
    "export csv": "--library {home}/library library export -o {disk}/tracks.csv",
    "export json": "--library {home}/library library export -o {disk}/tracks.json",
    "export npz": "--library {home}/library library export -o {disk}/tracks.npz",
    "map html": "--library {home}/library map -o {disk}/map.html",
    "map png": "--library {home}/library map -o {disk}/map.png",
    "map svg": "--library {home}/library map -o {disk}/map.svg",
    "map csv": "--library {home}/library map -o {disk}/map.csv",
    "m3u8": "--library {home}/library playlist 1 --length 3 -o {disk}/list.m3u8",
    "xspf": "--library {home}/library playlist 1 --length 3 -o {disk}/list.xspf",
    "json": "--library {home}/library playlist 1 --length 3 -o {disk}/list.json",
    "train": "train {home}/set --config {home}/small.toml -o {disk}/run",
    "demo": "demo --folder {disk}/demo",
}


def leftovers(disk: Path) -> list[str]:
    """Unfinished files."""
    names = [path.name for path in disk.rglob("*")]
    return [name for name in names if name.startswith(".") or name.endswith(("tmp", "partial"))]


@pytest.mark.parametrize("name", LINES)
def test_a_disk_that_takes_nothing(
    name: str, places: Places, workshop: Workshop, commands: Workshop
) -> None:
    """Exit code 3, and one line that names the place; nothing unfinished stays there."""
    words = LINES[name].format(home=places.home, disk=places.disk, journal=places.journal).split()
    bench = workshop if "index" in words else commands
    ended = bench.run(
        "--quiet", *words, environment={"SOUNDALIKE_MODELS": str(places.disk / "models")}
    )
    assert ended.code == 3, ended.err
    assert ended.err.count("\n") == 1, ended.err
    assert str(places.disk) in ended.err
    assert leftovers(places.disk) == []
