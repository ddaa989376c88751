"""`soundalike evaluate` from the outside: its figures, its page, its errors."""

import json
from pathlib import Path

import pytest

from cli.app import main
from tests.embedder.small_sets import write_array_set


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    return write_array_set(tmp_path / "set")


def test_json_has_the_promised_fields(arrays: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The fields of the design are there and agree with each other."""
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--split", "split", "-k", "3"]
    assert main([*line, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    promised = {"protocol", "n_queries", "accuracy", "accuracy_ci95", "precision_at_k"}
    promised |= {"recall_at_k", "map", "macro_f1", "confusion", "leaky_accuracy", "hubness"}
    assert promised <= set(document)
    assert document["n_queries"] == sum(map(sum, document["confusion"])) == 32
    assert set(document["precision_at_k"]) == {"1", "3", "5", "10"}
    low, high = document["accuracy_ci95"]
    assert low <= document["accuracy"] <= high
    hits = sum(row[i] for i, row in enumerate(document["confusion"]))
    assert document["accuracy"] == pytest.approx(hits / 32)


def test_the_calibration_keeps_its_first_name(
    arrays: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fields of JSON are added and never renamed: `confidence` stays beside `probability`."""
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--split", "split", "-k", "3"]
    assert main([*line, "--json"]) == 0
    calibration = json.loads(capfd.readouterr().out)["calibration"]
    assert calibration["confidence"] == calibration["probability"]


def test_a_table_and_a_page(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The table shows models side by side; the page is not replaced without --force."""
    page = tmp_path / "page.html"
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--compare", "random"]
    line += ["--folds", "3", "-o", str(page)]
    assert main(line) == 0
    shown = capfd.readouterr().out
    assert "row-statistics" in shown
    assert "random" in shown
    assert "leaky" in shown
    assert page.read_text().startswith("<!doctype html>")
    assert main(line) == 2
    assert "--force" in capfd.readouterr().err
    assert main([*line, "--force"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--baseline", "row-statistic"], 2, "Did you mean row-statistics?"),
        (["--baseline", "random", "--field", "mood"], 3, "no label field 'mood'"),
        (["--baseline", "random", "--group", "label"], 2, "unknown group 'label'"),
        (["--baseline", "random", "--model", "m"], 2, "--model or --baseline"),
        (["--baseline", "random", "--folds", "1"], 2, "2 or more"),
        (["--baseline", "random", "--split", "genre"], 3, "no side of a split"),
        (["--model", "stored"], 2, "library"),
    ],
)
def test_complaints_say_what_to_do(
    arrays: Path, words: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each error is one line with its own exit code."""
    assert main(["evaluate", str(arrays), *words]) == code
    complaint = capfd.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_the_library_is_named_by_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """If there is no library, the message names the command that makes one."""
    line = ["evaluate", "library", "--library", str(tmp_path / "none")]
    assert main(line) == 3
    assert "soundalike index" in capfd.readouterr().err
