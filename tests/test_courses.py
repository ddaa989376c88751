"""The commands of docs/courses.md run on miniatures of the courses' own data sets."""

import json
import re
import shlex
from pathlib import Path

import pytest

from embedder.config.checking import check_training
from embedder.config.loading import configure
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.datasets.opening import open_dataset
from embedder.training.grid.grid import read_grid
from tests import course_miniatures
from tests.conftest import RunCli

PAGE = (Path(__file__).parents[1] / "docs" / "courses.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
SECTIONS = [part for part in PAGE.split("\n## ")[1:] if "```console" in part]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four data sets, the page's settings files and an unknown sound."""
    folder = tmp_path_factory.mktemp("courses")
    course_miniatures.gtzan(folder / "gtzan")
    course_miniatures.cats_dogs(folder / "cats_dogs")
    course_miniatures.fma_small(folder / "fma_small")
    course_miniatures.magnatagatune(folder / "mtt")
    course_miniatures.write_sound(folder / "unknown.wav", 1, 99, seconds=12)
    for body in toml_blocks():
        (folder / body.split("\n")[0].removeprefix("# ")).write_text(body)
    return folder


def toml_blocks() -> list[str]:
    """The settings files of the page; the first line of each is its name."""
    return [body for kind, body in BLOCK.findall(PAGE) if kind == "toml"]


def test_every_data_set_is_read_with_its_split(desk: Path) -> None:
    """The layouts and the stored sides are those of the courses."""
    counts = {}
    for name in ("gtzan", "cats_dogs", "fma_small", "mtt"):
        dataset = open_dataset(desk / name)
        assert dataset.left_out == ()
        sides = [row.split for row in dataset.rows]
        counts[name] = (dataset.layout, len(sides), sides.count("test"))
    assert counts["cats_dogs"] == ("folders", 20, 6)
    assert counts["fma_small"] == ("fma", 36, 9)
    assert counts["mtt"] == ("magnatagatune", 48, 18)
    assert counts["gtzan"][:2] == ("gtzan", 30)


@pytest.mark.parametrize("body", toml_blocks(), ids=lambda body: body.split("\n")[0][2:])
def test_the_settings_files_are_accepted(desk: Path, body: str) -> None:
    """Each configures a run, or is a grid whose every variant does."""
    path = desk / body.split("\n")[0].removeprefix("# ")
    tiny = TRAINING_PRESETS["tiny"]
    if "seeds" in body:
        base = configure(tiny, toml=desk / "triplets.toml")
        for cell in read_grid(path, base, desk / "cells", data=desk):
            check_training(cell.config)
    else:
        check_training(configure(tiny, toml=path))


def in_shape(row: str) -> str:
    """The words of a row, sorted, with # for numbers: figures and ranks differ by machine."""
    masked = re.sub(r"[-+]?\d+(\.\d+)?(e-?\d+)?", "#", row)
    return " ".join(sorted(masked.replace(",", " ").split()))


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split("\n")[0])
def test_the_commands_of_a_course_run(
    section: str, desk: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command succeeds and prints the lines that the page shows."""
    monkeypatch.chdir(desk)
    for block in [body for kind, body in BLOCK.findall(section) if kind == "console"]:
        for example in block.split("$ ")[1:]:
            line, *shown = example.strip().splitlines()
            run = run_cli(*shlex.split(line)[1:])
            assert run.code == 0, f"{line}\n{run.err}"
            printed = {in_shape(row) for row in run.out.splitlines()}
            for row in (row for row in shown if row.strip(". ")):
                assert in_shape(row) in printed, f"{line}\n{row}\n{run.out}"


@pytest.mark.slow
def test_each_improvement_trains(desk: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """Every variant of the page's grid ends in the table."""
    words = [
        f"{word} {number % 3} {number} 1" for number, word in enumerate(["guitar", "drums", "slow"])
    ]
    (desk / "words.txt").write_text("\n".join([*words, "piano 1 1 0", "female 2 0 1"]) + "\n")
    grid = (desk / "improvements.toml").read_text().replace("[0, 1, 2]", "[0]")
    grid = grid.replace("=words.txt", f"={desk / 'words.txt'}")
    (tmp_path / "grid.toml").write_text(grid)
    run = run_cli(
        "--json", "train", str(desk / "mtt"), "--preset", "tiny",
        "--config", str(desk / "triplets.toml"), "--set", "loop.epochs=1",
        "--grid", str(tmp_path / "grid.toml"), "-o", str(tmp_path / "runs"),
    )  # fmt: skip
    assert run.code == 0, run.err
    rows = json.loads(run.out)["rows"]
    assert len(rows) == grid.count("[[variant]]")
    assert all("tag_map" in row["scores"] and not row["n_failed"] for row in rows)
