"""Everything at random, against a plain model: `make soak MINUTES=60`.

Files are added, changed, moved, copied, retagged and deleted; the library is indexed, searched,
served, rebuilt, reopened; tracks are removed; events are recorded. After each step the answers are
those of a loop over all files. Memory and open files must not grow.

    python -m tests.faults.soak --minutes 60 --seed 1
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from starlette.testclient import TestClient

from index.indexing.request import IndexOptions
from index.library import Library
from index.taste.request import EventRequest
from soundalike.server.app import create_app
from soundalike.server.libraries import REFRESH_SECONDS
from soundalike.server.settings import ServerSettings
from tests.faults.soak_music import GENRES, SoakMusic, Sung
from tests.index.toy_encoder import ToyEncoder

MIB = 2**20
KINDS = ("play", "skip", "like", "dislike")
STORES = ("auto", "exact", "hnsw")
WARM_UP_SHARE = 0.4  # of the time
MOST_GROWTH_BYTES = 40 * MIB
MOST_NEW_HANDLES = 4


@dataclass(slots=True)
class SoakReport:
    """What was done, and what the process used over time."""

    seed: int
    steps: Counter[str] = field(default_factory=Counter)
    bytes_used: list[int] = field(default_factory=list)
    n_handles: list[int] = field(default_factory=list)

    @property
    def growth_bytes(self) -> int:
        """The most memory in the last fifth, more than in the fifth after the warm-up."""
        early, late = self._parts(self.bytes_used)
        return max(late) - max(early)

    @property
    def new_handles(self) -> int:
        """The most open files in the last fifth, more than in the fifth after the warm-up."""
        early, late = self._parts(self.n_handles)
        return max(late) - max(early)

    def _parts(self, values: list[int]) -> tuple[list[int], list[int]]:
        first, fifth = int(len(values) * WARM_UP_SHARE), max(len(values) // 5, 1)
        return values[first : first + fifth], values[-fifth:]


class Soak:
    """A music folder, its library and its server, with a model of what they must answer."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.report = SoakReport(seed)
        self.music = SoakMusic(folder / "music", self.random)
        self.indexed: dict[str, Sung] = {}
        """By path: what the last run of `index` found, without removed tracks."""
        self.events: dict[int, set[tuple[str, int]]] = {}
        self.recorded: set[tuple[str, int]] = set()
        self.library = Library.open_or_create(folder / "library", warn=self._warned)
        for _ in range(8):
            self.music.add()
        self.index()
        self._open_server()

    def close(self) -> None:
        self.client.__exit__(None, None, None)
        self.library.close()

    def step(self) -> None:
        weights = {
            "add": 6,
            "change": 3,
            "retag": 3,
            "move": 3,
            "copy": 2,
            "delete": 3,
            "index": 8,
            "remove": 2,
            "rebuild": 1,
            "reopen": 1,
            "record": 4,
            "forget": 1,
            "search": 10,
            "served": 6,
            "filtered": 5,
            "listed": 4,
            "playlist": 2,
            "verify": 1,
        }
        (name,) = self.random.choices(list(weights), list(weights.values()))
        getattr(self.music if hasattr(self.music, name) else self, name)()
        self.report.steps[name] += 1

    def measure(self) -> None:
        """Note memory and open files."""
        process = psutil.Process()
        self.report.bytes_used.append(process.memory_info().rss)
        self.report.n_handles.append(process.num_fds())

    # The library

    def index(self) -> None:
        """Bring the library up to date; the report counts all files, and none fails."""
        options = IndexOptions(workers=1, prune=self.random.random() < 0.3, allow_empty=True)
        report = self.library.index([self.music.folder], encoder=ToyEncoder(), options=options)
        files = self.music.files()
        n_tracks = report.added + report.updated + report.moved + report.unchanged
        assert (n_tracks, report.failed) == (len(files), ())
        self.indexed = {str(path): self.music.sung(path) for path in files}
        self._check_tracks()

    def remove(self) -> None:
        """Forget a track; its file stays, so the next run finds it again."""
        if self.indexed:
            track = self.random.choice(list(self.library.all_tracks()))
            self.library.remove([track.id])
            del self.indexed[track.path]
            self._check_tracks()

    def rebuild(self) -> None:
        """Another kind of index, or the same."""
        if self.indexed:
            self.library.rebuild_as(self.random.choice(STORES))

    def reopen(self) -> None:
        """Close everything, lose the cache now and then, and open it again."""
        self.close()
        if self.random.random() < 0.3:
            (self.library.folder / "vectors.faiss").unlink(missing_ok=True)
        self.library = Library.open(self.library.folder, warn=self._warned)
        self._open_server()

    def verify(self) -> None:
        """The library finds nothing wrong with itself."""
        assert self.library.verify() == []

    # Questions

    def search(self) -> None:
        """The nearest tracks of a track are those of a loop."""
        if track := self._any_track():
            k = self.random.choice((1, 5, 100))
            result = self.library.search(str(track.id), k=k)
            self._check_neighbours(track.path, [n.track.path for n in result.neighbours], k)

    def served(self) -> None:
        """The server says the same, while the library is open here."""
        if track := self._any_track():
            path = track.path
            self._served(
                f"/api/v1/similar?id={track.id}&k=5",
                lambda found: self._check_neighbours(
                    path, [n["path"] for n in found["neighbours"]], 5
                ),
            )

    def filtered(self) -> None:
        """A filter and a search within it."""
        genre = self.random.choice(GENRES)
        expected = {path for path, sung in self.indexed.items() if sung.genre == genre}
        if track := self._any_track():
            where = f'genre="{genre}"'
            assert {t.path for t in self.library.list(where=where, limit=1000)} == expected
            result = self.library.search(str(track.id), k=100, where=where)
            assert {n.track.path for n in result.neighbours} == expected - {track.path}

    def listed(self) -> None:
        """All tracks, in pages, here and from the server."""
        pages = [self.library.list(limit=20, offset=offset) for offset in range(0, 80, 20)]
        assert sorted(t.path for page in pages for t in page) == sorted(self.indexed)
        n_tracks = len(self.indexed)
        self._served("/api/v1/tracks", lambda found: _equal(found["total"], n_tracks))

    def playlist(self) -> None:
        """A playlist has known tracks, and none twice."""
        if (track := self._any_track()) and len(self.indexed) > 4:
            playlist = self.library.playlist(str(track.id), length=4, seed=1)
            paths = [item.track.path for item in playlist.tracks]
            assert len(set(paths)) == len(paths)
            assert set(paths) <= self.indexed.keys()

    def record(self) -> None:
        """An event of a track."""
        if track := self._any_track():
            kind, happened = self.random.choice(KINDS), self.random.randrange(1, 10**9)
            self.library.taste.record([EventRequest(track.id, kind, happened, "soak")])  # type: ignore[arg-type]  # one of KINDS
            self.events.setdefault(track.id, set()).add((kind, happened))
            self.recorded.add((kind, happened))
            self._check_events()

    def forget(self) -> None:
        """No events any more."""
        if self.random.random() < 0.2:
            self.library.taste.forget()
            self.events, self.recorded = {}, set()
            self._check_events()

    def _served(self, address: str, check: Callable[[dict[str, Any]], None]) -> None:
        """Check an answer. Its reader may be a second old: then the next answer has to be right."""
        reply = self.client.get(address)
        try:
            assert reply.status_code == 200, reply.text
            check(reply.json())
        except (AssertionError, KeyError):
            time.sleep(REFRESH_SECONDS)
            reply = self.client.get(
                address, headers={"if-none-match": reply.headers.get("etag", "")}
            )
            assert reply.status_code == 200, reply.text
            check(reply.json())

    def _check_tracks(self) -> None:
        tracks = list(self.library.all_tracks())
        assert {t.path: t.genre for t in tracks} == {p: s.genre for p, s in self.indexed.items()}
        present = {track.id for track in tracks}
        self.events = {i: some for i, some in self.events.items() if i in present}

    def _check_neighbours(self, query: str, paths: list[str], k: int) -> None:
        """The k smallest distances; equal ones in any order."""
        own = self.indexed[query].vector
        distances = {p: 1 - float(own @ s.vector) for p, s in self.indexed.items() if p != query}
        expected = sorted(distances.values())[:k]
        assert len(set(paths)) == len(paths)
        np.testing.assert_allclose([distances[path] for path in paths], expected, atol=1e-5)

    def _check_events(self) -> None:
        stored = {(e.track.id, e.kind, e.happened) for e in self.library.taste.report().events}
        assert {(kind, happened) for _, kind, happened in stored} <= self.recorded

    def _any_track(self):  # type: ignore[no-untyped-def]  # a track or None
        tracks = list(self.library.all_tracks())
        return self.random.choice(tracks) if tracks else None

    def _open_server(self) -> None:
        app = create_app(ServerSettings(self.library.folder))
        self.client = TestClient(app, base_url="http://127.0.0.1:8000")
        self.client.__enter__()

    def _warned(self, sentence: str) -> None:
        raise AssertionError(sentence)


def _equal(value: object, expected: object) -> None:
    assert value == expected


def soak(*, seconds: float, seed: int) -> SoakReport:
    """Random steps for some time; raises AssertionError at the first wrong answer."""
    with tempfile.TemporaryDirectory() as folder:
        running = Soak(Path(folder), seed)
        ends_at = time.monotonic() + seconds
        try:
            while time.monotonic() < ends_at:
                running.step()
                running.measure()
        except BaseException:
            sys.stderr.write(f"seed {seed}, after {running.report.steps.total()} steps\n")
            raise
        running.close()
    return running.report


def main() -> None:
    """Soak for some minutes and print what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = soak(seconds=60 * options.minutes, seed=options.seed)
    sys.stdout.write(
        f"{report.steps.total()} steps: {dict(report.steps.most_common())}\n"
        f"memory {report.growth_bytes / MIB:+.1f} MiB, open files {report.new_handles:+d}\n"
    )
    assert report.growth_bytes < MOST_GROWTH_BYTES
    assert report.new_handles <= MOST_NEW_HANDLES


if __name__ == "__main__":
    main()
