"""Files that are written as a whole, and the clean-up after killed writers."""

from pathlib import Path

import pytest

from embedder.whole_files import remove_leftovers, write_whole


def test_leftovers_go_and_other_hidden_files_stay(tmp_path: Path) -> None:
    """Only names that the writers of whole files and folders give are removed."""
    for name in (".log.csv.ab12_xyz.partial", ".best.ab12_xyz/best/card.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    other_names = {".config.settings", ".other.ab12_xyz", ".song.partial", "best", "log.csv"}
    for name in other_names:
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path, folder_names=("best",))
    assert {path.name for path in tmp_path.iterdir()} == other_names


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    """The old file stays, and no temporary file is left."""
    target = tmp_path / "card.json"
    write_whole(target, b"old")
    target.with_name("folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(target.with_name("folder"), b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "folder"]
    assert target.read_bytes() == b"old"


def test_files_have_the_permissions_of_the_umask(tmp_path: Path) -> None:
    """A written file is as readable as any new file, although temporary files are private."""
    write_whole(tmp_path / "file", b"")
    (tmp_path / "usual").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode
