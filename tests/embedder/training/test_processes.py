"""Training over two processes with `torchrun`, on CPUs."""

import json
import sys
from pathlib import Path

import pytest

from embedder.models.registry import load_model
from tests.embedder.small_sets import write_array_set
from tests.embedder.training import torchrun_runs as torchrun

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds the ranks in /proc"),
]

EPOCHS = 8
ONE_EXAMPLE = ("--set", "sampler.kind=plain", "--set", "sampler.batch_size=1")


def line(run: str) -> tuple[str, ...]:
    return ("train", "set", "--config", "small.toml", "-o", run)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set, settings, and a finished run of two processes."""
    place = tmp_path_factory.mktemp("processes")
    write_array_set(place / "set")
    torchrun.write_settings(place / "small.toml", epochs=EPOCHS)
    code, out, err = torchrun.start(place, *line("two")).wait()
    assert code == 0, err
    (place / "out.txt").write_text(out)
    (place / "err.txt").write_text(err)
    return place


def test_two_processes_learn_as_one_does(folder: Path) -> None:
    """Each epoch of a run has the same loss, steps and scores, and so has the finished model."""
    code, _, err = torchrun.run_alone(folder, *line("one"))
    assert code == 0, err
    one, two = torchrun.log_of(folder / "one"), torchrun.log_of(folder / "two")
    assert [row["step"] for row in two] == [row["step"] for row in one]
    assert [row["learning_rate"] for row in two] == [row["learning_rate"] for row in one]
    for name in ("loss", "positive_distance", "negative_distance", "map"):
        expected = [float(row[name]) for row in one]
        assert [float(row[name]) for row in two] == pytest.approx(expected, rel=1e-3), name
    results = [json.loads((folder / run / "run.json").read_text()) for run in ("one", "two")]
    assert results[0]["scores"] == pytest.approx(results[1]["scores"], abs=1e-3)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_run_with_a_killed_rank_resumes_as_if_unbroken(folder: Path, rank: int) -> None:
    """The other rank ends with a message, and --resume gives the same log and the same model."""
    run = folder / f"killed {rank}"
    started = torchrun.start(folder, *line(run.name))
    torchrun.kill_rank(started, rank, log=run / "log.csv", epochs=2)
    code, _, err = started.wait()
    assert code == 1
    if rank == 1:  # otherwise nobody is left who speaks
        assert "another process of this run has ended" in err
    assert "a bug of ours" not in err
    assert len(torchrun.log_of(run)) < EPOCHS
    code, _, err = torchrun.start(folder, "train", "set", "-o", run.name, "--resume").wait()
    assert code == 0, err
    assert torchrun.log_of(run) == torchrun.log_of(folder / "two")
    fingerprints = {load_model(folder / name / "best").card.fingerprint for name in (run, "two")}
    assert len(fingerprints) == 1


def test_a_run_of_two_processes_goes_on_in_one(folder: Path) -> None:
    """The state of a run does not depend on how many processes it had."""
    run = folder / "fewer"
    started = torchrun.start(folder, *line(run.name))
    torchrun.kill_rank(started, 1, log=run / "log.csv", epochs=3)
    started.wait()
    code, _, err = torchrun.run_alone(folder, "train", "set", "-o", run.name, "--resume")
    assert code == 0, err
    one, two = torchrun.log_of(run), torchrun.log_of(folder / "two")
    assert [row["step"] for row in one] == [row["step"] for row in two]
    losses = [float(row["loss"]) for row in two]
    assert [float(row["loss"]) for row in one] == pytest.approx(losses, rel=1e-3)


def test_one_rank_alone_writes_and_speaks(folder: Path) -> None:
    """There is one summary, one line for an epoch, and one file for TensorBoard."""
    assert (folder / "out.txt").read_text().count("held out tracks") == 1
    talk = (folder / "err.txt").read_text()
    assert [talk.count(f"epoch {n}/{EPOCHS}:") for n in range(1, EPOCHS + 1)] == [1] * EPOCHS
    assert len(list((folder / "two").glob("events.out.tfevents.*"))) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "set", "--folds", "2"), "--folds works in one process"),
        (("train", "set", "--from", "two/best", "--fit"), "--fit works in one process"),
        (("train", "nowhere", "-o", "new"), "nowhere"),
        (("library", "info"), "library runs in one process"),
        ((*line("new"), *ONE_EXAMPLE), "a batch has 1 examples"),
        ((*line("new"), "--set", "loop.compile=true"), "loop.compile works in one process"),
    ],
)
def test_what_cannot_be_shared_is_refused_once(
    folder: Path, words: tuple[str, ...], message: str
) -> None:
    """Rank zero says it in one line, and no run's folder is left behind."""
    code, out, err = torchrun.start(folder, *words).wait()
    assert code == 1
    assert out == ""
    remarks = [line for line in err.splitlines() if line.startswith("soundalike")]
    assert len(remarks) == 1, err
    assert message in remarks[0]
    assert not (folder / "new").exists()
