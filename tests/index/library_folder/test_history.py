"""Whatever happens to a music folder, catalogue and vectors end equal to a library made anew."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from index.indexing.request import IndexOptions
from index.library import Library
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

NAMES = st.sampled_from([f"{folder}{name}.wav" for folder in ("", "a/", "b/") for name in "xyz"])
SEEDS = st.integers(0, 5)


class Crash(BaseException):
    """The process ends here."""


class Crashing(ToyEncoder):
    """Ends the process after some tracks."""

    def __init__(self, n_tracks: int) -> None:
        super().__init__()
        self._n_tracks = n_tracks

    def encode_many(self, paths, **options):  # type: ignore[no-untyped-def]  # as the encoder has it
        for number, result in enumerate(super().encode_many(paths, **options)):
            if number == self._n_tracks:
                raise Crash
            yield result


class MusicFolder(RuleBasedStateMachine):
    """A folder that is added to, changed, moved in, retagged, and indexed now and then."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.music = self.folder / "music"
        self.music.mkdir()
        self.library = Library.open_or_create(self.folder / "library")
        self.clock = 10**18
        self.is_indexed = False

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.library.close()
            shutil.rmtree(self.folder)

    def _touch(self, path: Path) -> None:
        self.clock += 10**9  # as if time passed between any two changes
        os.utime(path, ns=(self.clock, self.clock))
        self.is_indexed = False

    @rule(name=NAMES, seed=SEEDS)
    def add_or_change(self, name: str, seed: int) -> None:
        self._touch(write_wav(self.music / name, seed))

    @rule(name=NAMES, genre=st.sampled_from(["jazz", "dub"]))
    def retag(self, name: str, genre: str) -> None:
        path = self.music / name
        if path.exists():
            tag_wav(path, genre=genre)
            self._touch(path)

    @rule(source=NAMES, goal=NAMES)
    def move(self, source: str, goal: str) -> None:
        old, new = self.music / source, self.music / goal
        if old.exists() and old != new:
            new.parent.mkdir(exist_ok=True)
            old.replace(new)
            self.is_indexed = False

    @rule(source=NAMES, goal=NAMES)
    def copy(self, source: str, goal: str) -> None:
        old, new = self.music / source, self.music / goal
        if old.exists() and old != new:
            new.parent.mkdir(exist_ok=True)
            shutil.copy(old, new)
            self._touch(new)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        (self.music / name).unlink(missing_ok=True)
        self.is_indexed = False

    @rule(prune=st.booleans())
    def index(self, prune: bool) -> None:
        report = self.library.index(
            [self.music],
            encoder=ToyEncoder(),
            options=IndexOptions(workers=1, prune=prune, allow_empty=True),
        )
        n_files = sum(1 for _ in self.music.rglob("*.wav"))
        assert report.added + report.updated + report.moved + report.unchanged == n_files
        self.is_indexed = True

    @rule(n_tracks=st.integers(0, 3))
    def crash(self, n_tracks: int) -> None:
        try:
            self.library.index([self.music], encoder=Crashing(n_tracks))
        except Crash:
            self.library.close()
        else:
            self.is_indexed = True

    @rule()
    def lose_the_cache(self) -> None:
        self.library.close()
        (self.library.folder / "vectors.faiss").unlink(missing_ok=True)

    @invariant()
    def catalogue_and_store_are_equal(self) -> None:
        if not hasattr(self, "library") or not (self.library.folder / "library.json").exists():
            return
        library = self.library
        tracks = list(library.all_tracks())
        assert library.store.ids().tolist() == [track.id for track in tracks]
        assert library.verify() == []
        if self.is_indexed:
            self._equals_a_new_library(library)

    def _equals_a_new_library(self, library: Library) -> None:
        with Library.open_or_create(self.folder / "anew") as anew:
            anew.index([self.music], encoder=ToyEncoder(), options=IndexOptions(workers=1))
            expected = {t.path: (t.genre, t.audio_digest, t.id) for t in anew.all_tracks()}
            records = {t.path: (t.genre, t.audio_digest, t.id) for t in library.all_tracks()}
            assert {p: v[:2] for p, v in records.items()} == {p: v[:2] for p, v in expected.items()}
            paths = sorted(records)
            if paths:
                np.testing.assert_array_equal(
                    library.vectors([records[p][2] for p in paths]),
                    anew.vectors([expected[p][2] for p in paths]),
                )
        shutil.rmtree(self.folder / "anew")


MusicFolder.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestMusicFolder = MusicFolder.TestCase
