"""Make the library of format 2 that today's code must open forever. Run once, kept for the record.

It holds energy and tempo among the tags, where format 2 kept what it had measured.

python -m tests.golden.make_library_format_2
"""

import json
import sqlite3
from pathlib import Path

import numpy as np

from index.catalogue.migrations import FORMAT_1, FORMAT_2

FOLDER = Path(__file__).parent / "library_format_2"
TAGS = [
    (10, "genre", "jazz"),
    (10, "energy", "0.25"),
    (10, "tempo", "120.5"),
    (20, "genre", "jazz"),
    (20, "tempo", "96"),  # the file's own: energy would have been measured with it
    (30, "energy", "high"),
    (40, "energy", "0.5"),
    (40, "tempo", "100"),  # one of the two is the file's own
    (40, "tempo", "99.5"),
]


def main() -> None:
    """Write the folder anew."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "catalogue.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    for statement in (*FORMAT_1, *FORMAT_2):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 2")
    connection.execute("INSERT INTO models VALUES (1, 'second-model', 4, 'cosine', 1.0)")
    connection.execute("INSERT INTO settings VALUES ('current_model', '1')")
    vectors = np.random.default_rng(2).standard_normal((4, 4)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors, start=1):
        track_id = number * 10
        part = max(number - 2, 0)  # the last two are parts of one file
        connection.execute(
            "INSERT INTO tracks (id, path, part, start_seconds, end_seconds, size_bytes, "
            "modified_ns, audio_digest, title, artist) VALUES (?, ?, ?, ?, ?, 1000, 5, ?, ?, ?)",
            (
                track_id,
                b"/music/album.flac" if part else f"/music/{number}.flac".encode(),
                part,
                part * 100.0 if part else None,
                part * 100.0 + 100.0 if part else None,
                bytes([number]) * 16,
                f"Song {number}",
                "An Artist",
            ),
        )
        connection.execute("INSERT INTO vectors VALUES (?, 1, 1, ?)", (track_id, vector.tobytes()))
        excerpts = np.stack([vector, vector]).astype("<f2").tobytes()
        starts = np.array([0.0, 2.0], dtype="<f4").tobytes()
        connection.execute(
            "INSERT INTO excerpts VALUES (?, 1, 2.0, ?, ?)", (track_id, starts, excerpts)
        )
    connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", TAGS)
    connection.execute(
        "INSERT INTO failures VALUES (?, 0, 10, 5, 'second-model', 'broken data')",
        (b"/music/x.mp3",),
    )
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
    manifest = {
        "format": 2,
        "fingerprint": "second-model",
        "embedding_size": 4,
        "geometry": "cosine",
        "curvature": 1.0,
    }
    (FOLDER / "library.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
