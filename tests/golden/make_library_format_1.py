"""Make the library of format 1 that today's code must open forever. Run once, kept for the record.

python -m tests.golden.make_library_format_1
"""

import json
import sqlite3
from pathlib import Path

import numpy as np

from index.catalogue.migrations import FORMAT_1

FOLDER = Path(__file__).parent / "library_format_1"


def main() -> None:
    """Write the folder anew."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "catalogue.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    for statement in FORMAT_1:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO settings VALUES ('fingerprint', 'first-model')")
    vectors = np.random.default_rng(1).standard_normal((5, 4)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors, start=1):
        connection.execute(
            "INSERT INTO tracks (id, path, size_bytes, modified_ns, audio_digest, title, artist, "
            "album, genre, year, track_number, duration_seconds, is_gone) "
            "VALUES (?, ?, 1000, 5, ?, ?, 'An Artist', 'An Album', 'jazz', 1970, ?, 200.5, ?)",
            (
                number * 10,
                f"/music/{number}.flac".encode(),
                bytes([number]) * 16,
                f"Song {number}",
                number,
                int(number == 5),
            ),
        )
        connection.execute("INSERT INTO tags VALUES (?, 'genre', 'jazz')", (number * 10,))
        connection.execute("INSERT INTO vectors VALUES (?, ?)", (number * 10, vector.tobytes()))
    connection.execute("INSERT INTO failures VALUES (?, 10, 5, 'broken data')", (b"/music/x.mp3",))
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
    manifest = {"format": 1, "fingerprint": "first-model"}
    (FOLDER / "library.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
