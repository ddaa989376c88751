"""Which tracks are one recording: equal audio, or a pair that their fingerprints found.

A recording's key is the audio digest of its oldest track. Being a copy is transitive: a copy of a
copy is a copy. Only titles can part them: tracks whose titles name different versions (live, remix,
remaster) are never one recording, and likelier pairs are joined first.
"""

import re
from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType

from embedder.datasets.grouping import LinkedSets
from index.catalogue.database import Database

_VERSION = re.compile(
    r"\b(?:live|unplugged|acoustic|demo|remaster(?:ed)?|re-?recorded|re-?mix(?:ed)?|mix|edit|"
    r"extended|club|dub|take|outtake|instrumental|karaoke|a ?cappella|session|rehearsal|bootleg|"
    r"mashup|rework|rmx|vip)\b"
)
_APART = re.compile(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]|\s[-–—:]\s+([^-–—:]*)$")

Keys = Mapping[bytes, bytes]
"""From an audio digest to its recording's; digests without other copies are absent."""


def names_other_version(title: str, other: str) -> bool:
    """Whether two titles name different versions; a missing title names none."""
    return bool(title and other) and _versions_in(title) != _versions_in(other)


def _versions_in(title: str) -> frozenset[str]:
    parts = (" ".join(filter(None, match)) for match in _APART.findall(title.casefold()))
    return frozenset(" ".join(part.split()) for part in parts if _VERSION.search(part))


class RecordingRows:
    """The pairs of tracks that are one recording by their sound."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: tuple[tuple[int, int], Keys] | None = None

    def add(self, pairs: Iterable[tuple[int, int, float]]) -> None:
        """Store pairs of tracks with their likeness."""
        self._database.run_many(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?)",
            [(min(a, b), max(a, b), likeness) for a, b, likeness in pairs],
        )

    def keys(self) -> Keys:
        """The key of every digest that has copies; read again after any change."""
        mark = self._database.change_mark
        if self._keys is None or self._keys[0] != mark:
            self._keys = mark, self._read()
        return self._keys[1]

    def key_of(self, digest_hex: str) -> str:
        """The key of the recording with this audio, in hexadecimal."""
        digest = bytes.fromhex(digest_hex)
        return self.keys().get(digest, digest).hex()

    def digests_of(self, key: bytes) -> list[bytes]:
        """The audio digests of a recording."""
        return [key, *(digest for digest, of in self.keys().items() if of == key and digest != key)]

    def _read(self) -> Keys:
        pairs = self._database.rows(
            "SELECT track_id, other_id FROM copies ORDER BY likeness DESC, track_id, other_id"
        )
        if not pairs:
            return MappingProxyType({})
        tracks = self._database.rows(
            "SELECT id, audio_digest, title FROM tracks WHERE audio_digest IN "
            "(SELECT audio_digest FROM tracks WHERE id IN "
            "(SELECT track_id FROM copies UNION SELECT other_id FROM copies)) ORDER BY id"
        )
        digests = {track_id: digest for track_id, digest, _ in tracks}
        sets = LinkedSets()
        versions: dict[Hashable, frozenset[str]] = {}
        for _, digest, title in tracks:
            if title:
                versions.setdefault(digest, _versions_in(title))
        for first, second in pairs:
            roots = [sets.root(digests[track_id]) for track_id in (first, second)]
            named = {versions[root] for root in roots if root in versions}
            if len(named) < 2:  # no set holds two tracks whose titles name different versions
                sets.link(roots)
                versions.update(zip(roots[:1], named, strict=False))
        oldest: dict[Hashable, bytes] = {}
        for digest in digests.values():
            oldest.setdefault(sets.root(digest), digest)
        return {digest: oldest[sets.root(digest)] for digest in digests.values()}
