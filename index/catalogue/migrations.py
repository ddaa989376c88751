"""The formats of the catalogue. `user_version` is the number of the last migration applied.

A released migration is never changed: a new one is added.
"""

FORMAT_1 = (
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE tracks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        audio_digest BLOB NOT NULL,
        title TEXT NOT NULL DEFAULT '',
        artist TEXT NOT NULL DEFAULT '',
        album TEXT NOT NULL DEFAULT '',
        genre TEXT NOT NULL DEFAULT '',
        year INTEGER,
        track_number INTEGER,
        duration_seconds REAL,
        is_gone INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE tags (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (track_id, field, value)
    ) WITHOUT ROWID""",
    """CREATE TABLE vectors (
        track_id INTEGER PRIMARY KEY REFERENCES tracks(id) ON DELETE CASCADE,
        vector BLOB NOT NULL
    )""",
    """CREATE TABLE failures (
        path BLOB PRIMARY KEY,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) WITHOUT ROWID""",
)
"""One model per library, and whole files only; the settings hold the model's fingerprint."""

FORMAT_2 = (
    # Parts of a file (CUE sheets): a track is identified by path and part.
    """CREATE TABLE tracks_2 (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL,
        part INTEGER NOT NULL DEFAULT 0,
        start_seconds REAL,
        end_seconds REAL,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        audio_digest BLOB NOT NULL,
        title TEXT NOT NULL DEFAULT '',
        artist TEXT NOT NULL DEFAULT '',
        album TEXT NOT NULL DEFAULT '',
        genre TEXT NOT NULL DEFAULT '',
        year INTEGER,
        track_number INTEGER,
        duration_seconds REAL,
        is_gone INTEGER NOT NULL DEFAULT 0,
        UNIQUE (path, part)
    )""",
    """INSERT INTO tracks_2 (id, path, size_bytes, modified_ns, audio_digest, title, artist, album,
            genre, year, track_number, duration_seconds, is_gone)
        SELECT id, path, size_bytes, modified_ns, audio_digest, title, artist, album,
            genre, year, track_number, duration_seconds, is_gone FROM tracks""",
    "CREATE TABLE tags_2 AS SELECT * FROM tags",
    "DROP TABLE tags",
    # Several models, so that a library can be searched while it changes to another model.
    """CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        embedding_size INTEGER NOT NULL,
        geometry TEXT NOT NULL,
        curvature REAL NOT NULL
    )""",
    """INSERT INTO models (id, fingerprint, embedding_size, geometry, curvature)
        SELECT 1, value, coalesce((SELECT length(vector) / 4 FROM vectors LIMIT 1), 0),
            'cosine', 1.0
        FROM settings WHERE key = 'fingerprint'""",
    "INSERT INTO settings SELECT 'current_model', '1' FROM settings WHERE key = 'fingerprint'",
    "DELETE FROM settings WHERE key = 'fingerprint'",
    "INSERT INTO settings VALUES ('revision', '1')",
    """CREATE TABLE vectors_2 (
        track_id INTEGER NOT NULL REFERENCES tracks_2(id) ON DELETE CASCADE,
        model_id INTEGER NOT NULL REFERENCES models(id),
        revision INTEGER NOT NULL,
        vector BLOB NOT NULL
    )""",
    "INSERT INTO vectors_2 SELECT track_id, 1, 1, vector FROM vectors",
    "DROP TABLE vectors",
    "DROP TABLE tracks",
    "ALTER TABLE tracks_2 RENAME TO tracks",
    "ALTER TABLE vectors_2 RENAME TO vectors",
    """CREATE TABLE tags (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (track_id, field, value)
    ) WITHOUT ROWID""",
    "INSERT INTO tags SELECT * FROM tags_2",
    "DROP TABLE tags_2",
    "CREATE INDEX tags_by_value ON tags (field, value)",
    "CREATE UNIQUE INDEX vectors_by_model ON vectors (model_id, track_id)",
    "CREATE INDEX vectors_by_revision ON vectors (revision)",
    "CREATE INDEX vectors_by_track ON vectors (track_id)",
    "CREATE INDEX tracks_by_digest ON tracks (audio_digest)",
    "CREATE INDEX tracks_gone ON tracks (id) WHERE is_gone",
    # Excerpts explain a search. They have their own table, so that reading vectors is quick.
    """CREATE TABLE excerpts (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        model_id INTEGER NOT NULL REFERENCES models(id),
        excerpt_seconds REAL NOT NULL,
        starts_seconds BLOB NOT NULL,
        vectors BLOB NOT NULL,
        PRIMARY KEY (model_id, track_id)
    )""",
    "CREATE INDEX excerpts_by_track ON excerpts (track_id)",
    """CREATE TABLE failures_2 (
        path BLOB NOT NULL,
        part INTEGER NOT NULL DEFAULT 0,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        fingerprint TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL,
        PRIMARY KEY (path, part)
    ) WITHOUT ROWID""",
    """INSERT INTO failures_2 (path, size_bytes, modified_ns, reason)
        SELECT path, size_bytes, modified_ns, reason FROM failures""",
    "DROP TABLE failures",
    "ALTER TABLE failures_2 RENAME TO failures",
)

FORMAT_3 = (
    # Measurements of the audio have their own table, because tags are replaced when a file changes.
    """CREATE TABLE measurements (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (track_id, field)
    ) WITHOUT ROWID""",
    "CREATE INDEX measurements_by_value ON measurements (field, value)",
    # Measured energy is one number from 0 to 1. The tempo of such a track was measured too, unless
    # the track has two tempos: then one of them is the file's own tag, and both stay tags.
    """INSERT INTO measurements SELECT track_id, field, min(value) FROM tags
        WHERE field = 'energy' AND value GLOB '[01]*' AND value NOT GLOB '*[^-0-9.e]*'
            AND value + 0.0 BETWEEN 0 AND 1
        GROUP BY track_id HAVING count(*) = 1""",
    """INSERT INTO measurements SELECT track_id, field, min(value) FROM tags
        WHERE field = 'tempo' AND track_id IN (SELECT track_id FROM measurements)
        GROUP BY track_id HAVING count(*) = 1
            AND min(value) GLOB '[0-9]*' AND min(value) NOT GLOB '*[^0-9.]*'""",
    """DELETE FROM tags WHERE EXISTS (SELECT 1 FROM measurements WHERE
        measurements.track_id = tags.track_id AND measurements.field = tags.field
        AND measurements.value = tags.value)""",
    # A cache of the vectors names the revision that it was built from, and the revision's token.
    "INSERT INTO settings VALUES ('catalogue_id', lower(hex(randomblob(16))))",
    "CREATE TABLE revisions (revision INTEGER PRIMARY KEY, token BLOB NOT NULL)",
    "INSERT INTO revisions SELECT value + 0, randomblob(16) FROM settings WHERE key = 'revision'",
    "DELETE FROM settings WHERE key = 'revision'",
    "ALTER TABLE vectors ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
    "UPDATE vectors SET checksum = row_checksum(track_id, vector)",
    "ALTER TABLE excerpts ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
    """UPDATE excerpts
        SET checksum = row_checksum(track_id, excerpt_seconds, starts_seconds, vectors)""",
)

FORMAT_4 = (
    # Labels of data sets stand apart from the file's tags, which are read anew.
    """CREATE TABLE label_sources (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        layout TEXT NOT NULL,
        folders BLOB NOT NULL
    )""",
    """CREATE TABLE label_links (
        source_id INTEGER NOT NULL REFERENCES label_sources(id) ON DELETE CASCADE,
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        entry BLOB NOT NULL,
        PRIMARY KEY (source_id, track_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX label_links_by_track ON label_links (track_id)",
    """CREATE TABLE labels (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        source_id INTEGER NOT NULL REFERENCES label_sources(id) ON DELETE CASCADE,
        PRIMARY KEY (track_id, field, value, source_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX labels_by_value ON labels (field, value)",
    "CREATE INDEX labels_by_source ON labels (source_id)",
    # The program that wrote a file says nothing about its music.
    "DELETE FROM tags WHERE field IN ('encoder', 'encodedby', 'encoded_by', 'encoded-by')",
)

FORMAT_5 = (
    # What words are looked for in. The index of words itself is no part of a format: see `words`.
    """CREATE VIEW track_texts AS
        SELECT id, title, artist, album, CAST(path AS TEXT) AS path FROM tracks""",
)

FORMAT_6 = (
    # Which measurer has measured a track, in which version. Its fields are in `measurements`.
    """CREATE TABLE measured (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        measurer TEXT NOT NULL,
        version INTEGER NOT NULL,
        fields TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (track_id, measurer)
    )""",
    # Pairs of tracks of one recording, by their sound; the smaller id first.
    """CREATE TABLE copies (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        other_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        likeness REAL NOT NULL,
        PRIMARY KEY (track_id, other_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX copies_by_other ON copies (other_id)",
    # Values of the earlier measures, which `measured.energy` and `measured.tempo` replace.
    "DELETE FROM measurements WHERE field IN ('energy', 'tempo')",
)

FORMAT_7 = (
    # What a listener did with a track. `happened` is in seconds since 1970 (UTC).
    """CREATE TABLE events (
        track_id INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        happened INTEGER NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (track_id, kind, happened, source)
    ) WITHOUT ROWID""",
)

FORMAT_8 = (
    # A flipped bit in any value of a track is noticed, also where no other copy stands.
    "ALTER TABLE tracks ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0",
    """UPDATE tracks SET checksum = row_checksum(id, CAST(
        quote(path) || ' ' || quote(part) || ' ' || quote(start_seconds) || ' ' ||
        quote(end_seconds) || ' ' || quote(size_bytes) || ' ' || quote(modified_ns) || ' ' ||
        quote(audio_digest) || ' ' || quote(title) || ' ' || quote(artist) || ' ' ||
        quote(album) || ' ' || quote(genre) || ' ' || quote(year) || ' ' ||
        quote(track_number) || ' ' || quote(duration_seconds) || ' ' || quote(is_gone)
        AS BLOB))""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    *(FORMAT_1, FORMAT_2, FORMAT_3),
    *(FORMAT_4, FORMAT_5, FORMAT_6),
    *(FORMAT_7, FORMAT_8),
)
