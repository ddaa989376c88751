"""Make the library of format 4 that today's code must open forever. Run once, kept for the record.

It is the library of format 3 with labels of two data sets, one of them in a folder whose name is
not UTF-8.

python -m tests.golden.make_library_format_4
"""

import json
import shutil
import sqlite3
from pathlib import Path

from index.catalogue.migrations import FORMAT_4

FOLDER = Path(__file__).parent / "library_format_4"
FORMAT_3_FOLDER = Path(__file__).parent / "library_format_3"
SOURCES = [
    (1, b"/data/genres", "folders", b"/music\0/more music"),
    (2, b"/data/\xff.csv", "manifest", b""),
]
LINKS = [(1, 10, b"jazz/1.flac"), (1, 20, b"folk/2.flac"), (2, 20, b"2.flac")]
LABELS = [(10, "genre", "swing", 1), (20, "genre", "folk", 1), (20, "mood", "wild", 2)]


def main() -> None:
    """Write the folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(FORMAT_3_FOLDER, FOLDER)
    connection = sqlite3.connect(FOLDER / "catalogue.sqlite")
    for statement in FORMAT_4:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 4")
    connection.executemany("INSERT INTO label_sources VALUES (?, ?, ?, ?)", SOURCES)
    connection.executemany("INSERT INTO label_links VALUES (?, ?, ?)", LINKS)
    connection.executemany("INSERT INTO labels VALUES (?, ?, ?, ?)", LABELS)
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
    manifest = json.loads((FOLDER / "library.json").read_text()) | {"format": 4}
    (FOLDER / "library.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
