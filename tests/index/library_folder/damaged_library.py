"""A library of six tracks, to be damaged."""

from pathlib import Path

from index.library import Library
from tests.index.toy_encoder import ToyEncoder, write_wav


def six_tracks(folder: Path) -> Library:
    """A closed library of `music` in a folder, with ids 1 to 6."""
    for number in range(6):
        write_wav(folder / "music" / f"{number}.wav", number)
    library = Library.open_or_create(folder / "library")
    library.index([folder / "music"], encoder=ToyEncoder())
    assert len(library) == 6
    library.close()
    return library


def change(library: Library, statement: str, *values: str | bytes | int) -> None:
    """Run a statement that damages the catalogue."""
    with library.writing() as catalogue:
        catalogue.database.run("PRAGMA foreign_keys = OFF")
        catalogue.database.run(statement, values)
