"""What writers that were killed left behind, and what a clean-up must not touch."""

from pathlib import Path

from embedder.whole_files import remove_leftovers


def test_leftovers_go_and_other_hidden_files_stay(tmp_path: Path) -> None:
    """Only names that the writers of whole files and folders give are removed."""
    for name in (".log.csv.ab12_xyz.partial", ".best.ab12_xyz/best/card.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    kept = {".config.settings", ".other.ab12_xyz", ".song.partial", "best", "log.csv"}
    for name in kept:
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path, folder_names=("best",))
    assert {path.name for path in tmp_path.iterdir()} == kept
