"""Make the library of format 5 that today's code must open forever. Run once, kept for the record.

It is the library of format 4 with its index of words, and one track renamed since.

python -m tests.golden.make_library_format_5
"""

import json
import shutil
import sqlite3
from pathlib import Path

from index.catalogue.catalogue import Catalogue
from index.catalogue.migrations import FORMAT_5

FOLDER = Path(__file__).parent / "library_format_5"
FORMAT_4_FOLDER = Path(__file__).parent / "library_format_4"


def main() -> None:
    """Write the folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(FORMAT_4_FOLDER, FOLDER)
    path = FOLDER / "catalogue.sqlite"
    connection = sqlite3.connect(path)
    for statement in FORMAT_5:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 5")
    connection.close()
    Catalogue.create_or_open(path).close()  # builds the index of words
    connection = sqlite3.connect(path)
    connection.execute("UPDATE tracks SET title = 'Señor Blues' WHERE id = 20")
    connection.commit()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")
    connection.close()
    manifest = json.loads((FOLDER / "library.json").read_text()) | {"format": 5}
    (FOLDER / "library.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
