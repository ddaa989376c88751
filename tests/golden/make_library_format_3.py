"""Make the library of format 3 that today's code must open forever. Run once, kept for the record.

It has a history of revisions, checksums, parts of a file, a gone track, and measurements apart from
the tags. Its cache of vectors is not kept: any version makes it from the catalogue.

python -m tests.golden.make_library_format_3
"""

import json
import sqlite3
from pathlib import Path

import numpy as np

from index.catalogue.checksums import SQL_NAME, row_checksum
from index.catalogue.migrations import FORMAT_1, FORMAT_2, FORMAT_3

FOLDER = Path(__file__).parent / "library_format_3"
CATALOGUE_ID = "0f" * 16
TAGS = [
    (10, "genre", "jazz"),
    (10, "genre", "bebop"),
    (20, "genre", "folk"),
    (20, "mood", "calm"),
    (30, "tempo", "90"),
]
MEASUREMENTS = [(10, "energy", "0.25"), (10, "tempo", "120.5"), (30, "tempo", "89.5")]
SETTINGS = {
    "current_model": "1",
    "hubness_correction": "csls",
    "store": '{"kind": "hnsw", "memory_bytes": 1048576, "search_effort": 32}',
    "model": '{"fingerprint": "third-model", "name": "demo", "folder": "/models/demo", '
    '"calibration": {"distances": [0.0, 1.0], "scores": [0.9, 0.1]}, "correction": "none"}',
    "random_pairs": '{"fingerprint": "third-model", "n_tracks": 4, "quantiles": [0.25, 0.5, 1.0]}',
}


def main() -> None:
    """Write the folder anew."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "catalogue.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.create_function(SQL_NAME, -1, row_checksum, deterministic=True)
    for statement in (*FORMAT_1, *FORMAT_2, *FORMAT_3):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 3")
    connection.execute("UPDATE settings SET value = ? WHERE key = 'catalogue_id'", (CATALOGUE_ID,))
    connection.executemany("INSERT INTO settings VALUES (?, ?)", SETTINGS.items())
    connection.execute("DELETE FROM revisions")
    revisions = [(number, bytes([number]) * 16) for number in range(1, 6)]
    connection.executemany("INSERT INTO revisions VALUES (?, ?)", revisions)
    connection.execute("INSERT INTO models VALUES (1, 'third-model', 4, 'cosine', 1.0)")
    vectors = np.random.default_rng(3).standard_normal((5, 4)).astype("<f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors, start=1):
        _insert(connection, number, vector)
    connection.executemany("INSERT INTO tags VALUES (?, ?, ?)", TAGS)
    connection.executemany("INSERT INTO measurements VALUES (?, ?, ?)", MEASUREMENTS)
    connection.execute(
        "INSERT INTO failures VALUES (?, 0, 10, 5, 'third-model', 'broken data')",
        (b"/music/x.mp3",),
    )
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
    manifest = {
        "format": 3,
        "fingerprint": "third-model",
        "embedding_size": 4,
        "geometry": "cosine",
        "curvature": 1.0,
    }
    (FOLDER / "library.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _insert(connection: sqlite3.Connection, number: int, vector: np.ndarray) -> None:
    """A track with its vector and two excerpts; 3 and 4 are parts of one file, 5 is gone."""
    track_id = number * 10
    part = number - 2 if number in (3, 4) else 0
    connection.execute(
        "INSERT INTO tracks (id, path, part, start_seconds, end_seconds, size_bytes, modified_ns, "
        "audio_digest, title, artist, album, genre, year, track_number, duration_seconds, is_gone) "
        "VALUES (?, ?, ?, ?, ?, 1000, 5, ?, ?, 'An Artist', 'An Album', 'jazz', 1970, ?, ?, ?)",
        (
            track_id,
            b"/music/album.flac" if part else f"/music/{number}.flac".encode() + b"\xff",
            part,
            part * 100.0 if part else None,
            part * 100.0 + 100.0 if part == 1 else None,
            bytes([number]) * 16,
            f"Song {number}",
            number,
            200.5,
            int(number == 5),
        ),
    )
    connection.execute(
        "INSERT INTO vectors VALUES (?, 1, ?, ?, ?)",
        (track_id, number, vector.tobytes(), row_checksum(track_id, vector.tobytes())),
    )
    starts = np.array([0.0, 2.0], dtype="<f4").tobytes()
    excerpts = np.stack([vector, vector]).astype("<f2").tobytes()
    connection.execute(
        "INSERT INTO excerpts VALUES (?, 1, 2.0, ?, ?, ?)",
        (track_id, starts, excerpts, row_checksum(track_id, 2.0, starts, excerpts)),
    )


if __name__ == "__main__":
    main()
