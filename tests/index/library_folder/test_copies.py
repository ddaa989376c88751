"""The same recording in several encodings: one recording in every answer of the library."""

import json
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from mutagen.flac import FLAC

from cli.app import main
from embedder.audio.writing import write_audio
from embedder.datasets.duplicates import find_repeats
from embedder.features.measuring.measurers import measurer_names
from index.audit.audit import AuditSettings, audit
from index.audit.repeats import exact_repeats
from index.catalogue.recordings import names_other_version
from index.evaluate.copies import copies_by_sound, measured_prints
from index.evaluate.evaluation import evaluate
from index.evaluate.settings import EvaluationSettings
from index.evaluate.subjects import library_subject, open_subject
from index.library import Library
from tests.index.toy_encoder import ToyEncoder
from tests.melodies import RATE, melody


class SoundEncoder(ToyEncoder):
    """Reads any audio file. Vectors are those of the toy encoder's digests."""

    def _encode(self, request):  # type: ignore[no-untyped-def]  # as the encoder has it
        from embedder.audio.digest import audio_digest
        from embedder.encoding.requests import TrackEncoding
        from embedder.encoding.sound import read_sound

        rng = np.random.default_rng([*audio_digest(request.path)])
        vector = rng.standard_normal(self.embedding_size, dtype=np.float32)
        vector /= np.linalg.norm(vector)
        sound = read_sound(request.path)
        return TrackEncoding(
            path=request.path,
            vector=vector,
            excerpt_vectors=vector[None],
            starts_seconds=(0.0,),
            excerpt_seconds=1.0,
            duration_seconds=len(sound.samples) / sound.sample_rate,
            measured=self._measured(request),
        )


def encoder() -> SoundEncoder:
    return SoundEncoder(measures=True)


COPIES = ("song.flac", "song.mp3", "quiet.flac", "cut.flac")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A song, three copies of it, and two other songs, all by different artists."""
    music = tmp_path_factory.mktemp("music")
    song = melody(12.0, seed=1)
    write_audio(music / "song.flac", song, RATE, tags={"artist": "A", "genre": "jazz"})
    write_audio(music / "song.mp3", song, RATE, bit_rate_kbps=64, tags={"artist": "B"})
    write_audio(music / "quiet.flac", 0.2 * song[::2], RATE // 2, tags={"artist": "C"})
    write_audio(music / "cut.flac", song[2 * RATE : -RATE], RATE, tags={"artist": "D"})
    for seed in (2, 3):
        tags = {"artist": f"Other {seed}", "genre": "rock"}
        write_audio(music / f"other {seed}.flac", melody(12.0, seed=seed), RATE, tags=tags)
    return music


@pytest.fixture(scope="module")
def indexed(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library.open_or_create(tmp_path_factory.mktemp("copies") / "library")
    library.index([originals], encoder=encoder())
    return library


@pytest.fixture
def library(indexed: Library, tmp_path: Path) -> Library:
    """A library of one's own, to change."""
    indexed.close()
    shutil.copytree(indexed.folder, tmp_path / "library")
    return Library.open(tmp_path / "library")


def sets_of(library: Library) -> set[frozenset[str]]:
    """The names of the files of each recording."""
    by_recording: dict[str, set[str]] = {}
    for track in library.all_tracks():
        by_recording.setdefault(track.recording, set()).add(Path(track.path).name)
    return {frozenset(names) for names in by_recording.values()}


ALL_SETS = {frozenset(COPIES), frozenset({"other 2.flac"}), frozenset({"other 3.flac"})}


def id_of(library: Library, name: str) -> str:
    return next(str(track.id) for track in library.all_tracks() if Path(track.path).name == name)


def test_encodings_are_one_recording(indexed: Library) -> None:
    """Another codec, level, rate or length is the same recording; another song is not."""
    assert sets_of(indexed) == ALL_SETS
    info = indexed.info()
    assert (info.n_duplicates, info.n_copied) == (3, 1)


def test_indexing_file_by_file_finds_the_same(
    originals: Path, tmp_path: Path, indexed: Library
) -> None:
    """In any order, and in one run or in several."""
    library = Library.open_or_create(tmp_path / "library")
    for path in sorted(originals.iterdir(), reverse=True):
        library.index([path], encoder=encoder())
    assert sets_of(library) == sets_of(indexed)
    library.close()


def test_searches_know_copies(indexed: Library) -> None:
    """They are marked, and `no duplicates` leaves them out."""
    query = id_of(indexed, "song.mp3")
    neighbours = indexed.search(query, k=5).neighbours
    marked = {Path(n.track.path).name for n in neighbours if n.is_duplicate}
    assert marked == set(COPIES) - {"song.mp3"}
    unlike = indexed.search(query, k=5, no_duplicates=True).neighbours
    assert {Path(n.track.path).name for n in unlike} == {"other 2.flac", "other 3.flac"}


def test_a_copy_does_not_vote(indexed: Library) -> None:
    """The query's own recording would only repeat the query's label."""
    (vote,) = indexed.label(id_of(indexed, "song.mp3"), field="genre").votes
    assert {Path(voter.track.path).name for voter in vote.voters} == {
        "other 2.flac",
        "other 3.flac",
    }


def test_a_playlist_has_a_recording_once(indexed: Library) -> None:
    """However long it may become."""
    playlist = indexed.playlist(id_of(indexed, "song.flac"), length=6)
    recordings = [entry.track.recording for entry in playlist.tracks]
    assert len(recordings) == len(set(recordings)) == 3


def test_evaluations_and_audits_read_the_stored_copies(indexed: Library) -> None:
    """Three of the six tracks repeat another, though no audio is equal."""
    dataset, _ = library_subject(indexed)
    assert find_repeats(dataset, by_content=False).n_repeated == 3
    (finding,) = exact_repeats(dataset, by_content=False)
    assert finding.kind == "near-duplicate"
    assert {Path(key).name for key in finding.tracks} == set(COPIES)


def test_a_folder_knows_its_copies(originals: Path) -> None:
    """`evaluate` and `audit` of files that no library holds find the same recording."""
    dataset = open_subject(originals)
    evaluated = evaluate(dataset, ["random"], settings=EvaluationSettings(group="track", k=1))
    assert evaluated.protocol["n_repeated"] == 3
    found = audit(dataset, settings=AuditSettings()).audit.of_kind("near-duplicate")
    assert {frozenset(finding.tracks) for finding in found} == {
        frozenset(pair) for pair in combinations(COPIES, 2)
    }
    assert {finding.certainty for finding in found} == {"certain"}


def test_versions_in_a_folder_stay_apart(originals: Path) -> None:
    """A title that names another version makes another recording, as in a library."""
    dataset = open_subject(originals)
    titles = {"song.flac": "Song", "song.mp3": "Song (Live)"}
    rows = tuple(replace(row, title=titles.get(row.key, "")) for row in dataset.rows)
    dataset = replace(dataset, rows=rows)
    prints = measured_prints(dataset)
    pairs = {frozenset((rows[a].key, rows[b].key)) for a, b, _ in copies_by_sound(dataset, prints)}
    assert frozenset(("song.flac", "cut.flac")) in pairs
    assert frozenset(("song.flac", "song.mp3")) not in pairs


def test_an_audit_of_a_library_decodes_nothing(
    indexed: Library, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Copies come from the stored fingerprints; `--sound` decodes."""
    monkeypatch.setattr("index.audit.audit.analyse_tracks", pytest.fail)
    assert main(["--library", str(indexed.folder), "--json", "audit", "library"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["counts"]["near-duplicate"] == 1
    assert "silent" not in document["counts"]
    assert any("--sound" in note for note in document["notes"])


class CrowdedEncoder(SoundEncoder):
    """The vectors of two copies are far apart, with all other tracks between them."""

    def _encode(self, request):  # type: ignore[no-untyped-def]  # as the encoder has it
        place = {"song.flac": 0.0, "cut.flac": 1.0}.get(request.path.name, 0.5)
        vector = np.zeros(self.embedding_size, dtype=np.float32)
        vector[:2] = np.cos(place), np.sin(place)
        return replace(super()._encode(request), vector=vector, excerpt_vectors=vector[None])


def test_a_copy_behind_many_neighbours_is_found(originals: Path, tmp_path: Path) -> None:
    """Fingerprints find it, though fourteen tracks are nearer."""
    music = tmp_path / "music"
    music.mkdir()
    for name in ("song.flac", "cut.flac"):
        shutil.copy(originals / name, music)
    for number in range(14):
        write_audio(music / f"{number}.wav", np.full(2000, 0.01 * number, np.float32), RATE)
    library = Library.open_or_create(tmp_path / "library")
    library.index([music], encoder=CrowdedEncoder(measures=True))
    assert frozenset({"song.flac", "cut.flac"}) in sets_of(library)
    library.close()


def test_a_file_outside_the_library_is_compared(indexed: Library, tmp_path: Path) -> None:
    """Its copies in the library are marked as those of a track."""
    path = tmp_path / "stranger.wav"
    write_audio(path, 0.5 * melody(12.0, seed=1)[RATE:], RATE)
    indexed._encoder = encoder()  # type: ignore[assignment]  # the model of its vectors
    neighbours = indexed.search(str(path), k=6).neighbours
    assert {Path(n.track.path).name for n in neighbours if n.is_duplicate} == set(COPIES)


def test_removed_tracks_are_no_copies(library: Library) -> None:
    """What remains is still one recording; of one track nothing is a copy."""
    library.remove([int(id_of(library, name)) for name in ("song.flac", "cut.flac")])
    assert frozenset({"song.mp3", "quiet.flac"}) in sets_of(library)
    library.remove([int(id_of(library, "quiet.flac"))])
    assert library.info().n_duplicates == 0


def test_a_title_can_name_another_version(
    originals: Path, tmp_path: Path, library: Library
) -> None:
    """A remaster has the same notes and other dynamics; its title tells."""
    music = tmp_path / "music"
    shutil.copytree(originals, music)
    for name, title in (("song.flac", "Song"), ("cut.flac", "Song (2011 Remaster)")):
        tagged = FLAC(music / name)
        tagged["title"] = title
        tagged.save()
    library.index([music], encoder=encoder())
    (song,) = (names for names in sets_of(library) if "song.flac" in names)
    assert "cut.flac" not in song, "also not through a copy without a title"
    assert "song.mp3" in song


@pytest.mark.parametrize(
    ("title", "other", "is_other"),
    [
        ("Song", "Song (Live)", True),
        ("Song - 2009 Remaster", "Song", True),
        ("Song (Album Version)", "Song", False),
        ("Song (Live)", "song [live]", False),
        ("", "Song (Live)", False),
        ("Live and Let Die", "Live & Let Die", False),
    ],
)
def test_titles_name_versions(title: str, other: str, *, is_other: bool) -> None:
    """Only in brackets or after a dash, and only if both titles are known."""
    assert names_other_version(title, other) == names_other_version(other, title) == is_other


def test_the_fingerprint_is_measured() -> None:
    """A library without it would find no copies."""
    assert "fingerprint" in measurer_names()
