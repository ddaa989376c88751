"""Make the library of format 8 that today's code must open forever. Run once, kept for the record.

It is the library of format 5, brought to format 8 by the code of that time, with measured values,
a pair of copies, and events. The formats 6 and 7 added the tables of these three.

python -m tests.golden.make_library_format_8
"""

import json
import shutil
import sqlite3
from pathlib import Path

from index.catalogue.catalogue import Catalogue

FOLDER = Path(__file__).parent / "library_format_8"
FORMAT_5_FOLDER = Path(__file__).parent / "library_format_5"
MEASURED = [
    (10, "descriptors", 1, "measured.tempo measured.key", b"\x01\x02\x03\x04"),
    (20, "fingerprint", 1, "", b"\x05\x06"),
]
MEASUREMENTS = [(10, "measured.tempo", 124.5), (10, "measured.key", "Am")]
COPIES = [(10, 20, 0.97)]
EVENTS = [
    (10, "like", 1_700_000_000, "page"),
    (10, "play", 1_700_000_100, "mpd"),
    (20, "skip", 1_700_000_200, "subsonic"),
]


def main() -> None:
    """Write the folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(FORMAT_5_FOLDER, FOLDER)
    path = FOLDER / "catalogue.sqlite"
    Catalogue.create_or_open(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (8,)
    connection.executemany("INSERT INTO measured VALUES (?, ?, ?, ?, ?)", MEASURED)
    connection.executemany("INSERT INTO measurements VALUES (?, ?, ?)", MEASUREMENTS)
    connection.executemany("INSERT INTO copies VALUES (?, ?, ?)", COPIES)
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", EVENTS)
    connection.commit()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")
    connection.close()
    manifest = json.loads((FOLDER / "library.json").read_text()) | {"format": 8}
    (FOLDER / "library.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
