"""`soundalike train`: the order of settings, a run, resuming it, and its messages."""

import json
import os
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from embedder.audio.writing import write_audio
from embedder.config.loading import to_toml
from embedder.datasets.synthesis.songs import synthesise_song
from tests.embedder.small_sets import small_config, write_array_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_array_set(tmp_path_factory.mktemp("sets") / "four genres")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(to_toml(small_config(epochs=2)))
    return str(path)


def test_a_run_ends_with_scores_and_how_to_go_on(
    data: Path, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line an epoch on stderr; the scores and the next command, quoted, on stdout."""
    assert main(["train", str(data), "--config", config, "-o", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    assert "accuracy" in said.out
    use = f"soundalike index MUSIC --model {tmp_path / 'run' / 'best'}"  # of arrays
    assert shlex.join([*shlex.split(use), "--labels-from", str(data)]) in said.out
    lines = [line for line in said.err.splitlines() if line.startswith("epoch")]
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "held-out accuracy" in lines[0]


def test_json_and_paths(
    data: Path, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--json is one document with the run's facts; --paths is the model's folder."""
    line = ["train", str(data), "--config", config, "-o", str(tmp_path / "run"), "--quiet"]
    assert main(["--json", *line]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["ended"], document["epochs"]) == ("finished", 2)
    assert document["model"] == str(tmp_path / "run" / "best")
    assert said.err == ""
    assert main(["--paths", *line, "--force"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run' / 'best'}\n"


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["--json", "train", "anywhere", "--show-config", *words]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_settings_come_in_their_order(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Defaults, then the preset, then --config, then flags; nothing is trained or written."""
    toml = tmp_path / "two.toml"
    toml.write_text("[loop]\nepochs = 7\nseed = 5\n[[objectives]]\nkind = 'triplet'\n")
    plain = shown(capsys)
    assert plain["loop"]["epochs"] == 30
    tiny = shown(capsys, "--preset", "tiny")
    assert tiny["model"]["embedding_size"] == 32
    both = shown(capsys, "--preset", "tiny", "--config", str(toml), "--set", "loop.seed=9")
    assert (both["loop"]["epochs"], both["loop"]["seed"]) == (7, 9)
    assert both["model"] == tiny["model"]
    flags = shown(capsys, "--label", "mood", "--limit-per-label", "5")
    assert flags["dataset"]["label_field"] == "mood"
    assert flags["dataset"]["limit_per_label"] == 5
    inside = shown(capsys, "--config", str(toml), "--set", "objectives.0.margin=0.7")
    assert inside["objectives"][0]["margin"] == 0.7
    assert not (Path.cwd() / "anywhere-run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "small"], "use base, large, tiny"),
        (["--set", "loop.epoch=3"], "Did you mean epochs"),
        (["--set", "objectives.3.kind=softmax"], "there are 1 of them"),
        (["--freeze"], "give --from"),
        (["--fit"], "give --from"),
        (["--resume", "--force"], "give one of them"),
        (["--resume"], "no run to resume"),
    ],
)
def test_a_wrong_setting_is_a_usage_error(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    """One line that names what is valid, and code 2."""
    run = tmp_path / "run"
    assert main(["train", str(data), "-o", str(run), *words]) == 2
    assert message in capsys.readouterr().err
    assert not run.exists()


def test_ctrl_c_says_how_to_go_on_and_it_does(
    data: Path,
    config: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Code 130 and the command to go on with; that command, without settings, ends the run."""
    from cli.training_talk import Follower

    before = Follower.after_step

    def press_ctrl_c(self: Follower, step: int, *rest: object) -> None:
        before(self, step, *rest)
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    run = tmp_path / "my run"
    with monkeypatch.context() as patch:
        patch.setattr(Follower, "after_step", press_ctrl_c)
        assert main(["train", str(data), "--config", config, "-o", str(run)]) == 130
    said = capsys.readouterr().err
    step = int(said.split("finished step ")[1].split(";")[0])
    assert 5 <= step <= 6  # the signal may be delivered a step later
    assert f"soundalike train '{data}' -o '{run}' --resume" in said
    assert main(["--json", "train", str(data), "-o", str(run), "--resume"]) == 0
    said = capsys.readouterr()
    assert f"continuing after step {step}" in said.err
    assert json.loads(said.out)["steps"] == 8


def test_a_broken_file_is_told_and_the_rest_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder a label with one file that is no audio: it is named, and the code is 5."""
    music = tmp_path / "music"
    for genre in ("rock", "ambient"):
        (music / genre).mkdir(parents=True)
        for number in range(4):
            song = synthesise_song(genre, artist=number, seconds=3.0, sample_rate=22050)
            write_audio(music / genre / f"{number}.wav", song, 22050)
    (music / "rock" / "broken.wav").write_bytes(b"RIFF no audio")
    small = ["--preset", "tiny", "--set", "loop.epochs=1", "--set", "dataset.split_by=track"]
    small += ["--set", f"dataset.cache_dir={json.dumps(str(tmp_path / 'cache'))}"]
    code = main(["--json", "train", str(music), "-o", str(tmp_path / "run"), *small])
    said = capsys.readouterr()
    assert code == 5, said.err
    (left_out,) = json.loads(said.out)["left_out"]
    assert left_out["path"].endswith("broken.wav")
    assert "left out: " in said.err
    assert "only 2 label groups" in said.err  # the preset asks for more a batch
    assert "1 of the tracks could not be read" in said.err


def test_a_grid_prints_its_table(
    data: Path, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Variants with their means, best first; the files stand in the folder."""
    grid = tmp_path / "grid.toml"
    grid.write_text(
        "seeds = [0]\n[grid]\n'loop.epochs' = [1]\n'optimiser.kind' = ['sgd', 'adam']\n"
    )
    line = ["train", str(data), "--config", config, "--grid", str(grid), "-o", str(tmp_path / "g")]
    assert main(line) == 0
    said = capsys.readouterr()
    assert "epochs=1, kind=adam" in said.out
    assert "2/2: epochs=1, kind=adam, seed 0" in said.err
    assert (tmp_path / "g" / "grid.html").exists()
    assert main([*line, "--force"]) == 2


def test_folds_end_in_one_table_and_are_kept(
    data: Path, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row for each fold, mean and deviation; a second call trains nothing again."""
    line = ["train", str(data), "--config", config, "--set", "loop.epochs=1"]
    line += ["--folds", "2", "-o", str(tmp_path / "folds")]
    assert main(line) == 0
    said = capsys.readouterr()
    assert [row.split()[0] for row in said.out.splitlines()[2:6]] == ["0", "1", "mean", "deviation"]
    assert f"--config {tmp_path / 'folds' / 'settings.toml'}" in said.out
    assert "2/2: fold 1, seed 0" in said.err
    assert main(["--json", *line]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    result = json.loads(said.out)
    scores = [fold["scores"]["accuracy"] for fold in result["folds"]]
    assert result["mean"]["accuracy"] == pytest.approx(sum(scores) / 2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--folds", "3", "--curve", "5"], "give one of --folds, --curve"),
        (["--folds", "1"], "give 2 or more"),
        (["--folds", "3", "--resume"], "--folds continues by itself"),
        (["--seeds", "3"], "--seeds is for --curve"),
        (["--curve", "5,few"], "give numbers of tracks"),
    ],
)
def test_several_runs_are_refused_with_other_options(
    data: Path, words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options that contradict each other end with what to do."""
    assert main(["train", str(data), *words, "-o", str(tmp_path / "run")]) in (2, 3)
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
