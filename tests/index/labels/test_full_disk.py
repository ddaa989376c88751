"""Labels on a disk that fills up in the middle."""

from pathlib import Path

import pytest

from embedder.errors import StorageError
from index.indexing.tags import read_tags
from index.labels.files.writing import TagChange, undo_labels, write_labels
from index.library import Library
from tests.faults.processes import small_disk
from tests.index.toy_encoder import ToyEncoder, write_wav


def test_a_full_disk_says_how_to_undo(tmp_path: Path) -> None:
    """The first file is labelled, the second has no room; the journal restores the first."""
    with small_disk(tmp_path / "disk", size="64k") as disk:
        paths = [
            write_wav(disk / "0.wav", 0, n_samples=1000),
            write_wav(disk / "1.wav", 1, n_samples=12_000),
        ]
        second = paths[1].read_bytes()
        changes = [TagChange(str(path), "genre", (), ("jazz",), "write") for path in paths]
        with Library.open_or_create(tmp_path / "library") as library:
            library.index([disk], encoder=ToyEncoder())
            (disk / "ballast").write_bytes(bytes(20_000))
            with pytest.raises(StorageError, match=r"1 label was written before.*--undo") as full:
                write_labels(library, changes)
            assert str(full.value).startswith(f"{paths[1]}: cannot be written (No space left")
            assert read_tags(paths[0]).genre == "jazz"
            assert paths[1].read_bytes() == second
            (journal,) = library.folder.glob("*.jsonl")
            undone = undo_labels(library, journal)
        assert [change.action for change in undone.changes] == ["same", "restore"]
        assert read_tags(paths[0]).genre == ""
        assert sorted(path.name for path in disk.iterdir()) == ["0.wav", "1.wav", "ballast"]
