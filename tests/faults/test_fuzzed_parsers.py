"""Every parser of ours on damaged files: an answer, or one of our errors; no hang and no trace.

FUZZ_EXAMPLES=5000 in the environment tries more examples of each.
"""

import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedder.config.checking import check_training
from embedder.config.loading import configure, to_toml
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.datasets.layouts.contents import ReadingOptions
from embedder.datasets.opening import open_dataset
from embedder.errors import SoundalikeError
from embedder.models.card import CARD_NAME, Card, read_card, write_card
from embedder.models.get.checkpoint.bundle import read_checkpoint
from embedder.models.get.checkpoint.wire import BrokenFile
from index.catalogue.where_sql import ids_where
from index.indexing.cue import decode_cue, parse_cue
from index.labels.files.journal import read_journal
from index.library import Library
from index.library_folder.manifest import MANIFEST_NAME, read_manifest
from index.playlists.files.files import read_playlist
from tests.embedder.models.get.checkpoint_files import HEADER, entry, table
from tests.faults.mutations import mutated
from tests.index.vector_library import FINGERPRINT, library_of, unit_vectors

N_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "30"))
FUZZED = settings(
    max_examples=N_EXAMPLES,
    deadline=2000,  # milliseconds for an example: no input of some kilobytes may take longer
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
XSPF = b"""<?xml version="1.0" encoding="UTF-8"?><playlist version="1" xmlns="http://xspf.org/ns/0/">
<trackList><track><location>file:///music/0.mp3</location><title>T</title><duration>1000</duration>
</track><track><location>a%20b.mp3</location></track></trackList></playlist>"""
LISTENS = [
    {
        "listened_at": 100,
        "track_metadata": {
            "artist_name": "x",
            "track_name": "y",
            "additional_info": {"recording_mbid": "z"},
        },
    },
    {"recording_mbid": "z", "score": 1, "created": 500},
    {"event": "play", "time": 5, "source": "me", "path": "/music/0.mp3", "artist": "x"},
]
SEEDS = {
    ".m3u8": (
        b"#EXTM3U\n#EXTINF:200,A - T\n#EXTVLCOPT:start-time=61.5\n/music/0.mp3\nfile:///a%20b.mp3\n",
        b"..\\Music\\a.mp3\r\nC:\\Music\\b.mp3\r\nhttp://host/stream\r\n",
    ),
    ".xspf": (XSPF, XSPF.decode().replace("UTF-8", "UTF-16").encode("utf-16")),
    ".json": (
        b'{"tracks": [{"path": "/music/0.mp3", "location": "file:///a.mp3", "title": "T", '
        b'"duration_seconds": 3.5, "start_seconds": 1}]}',
        b'["/music/0.mp3", "b.mp3"]',
    ),
}
CUE = b"""REM GENRE Jazz\nREM DATE 1959\nPERFORMER "A"\nTITLE "Album"\nFILE "album.flac" WAVE
  TRACK 01 AUDIO\n    TITLE "First"\n    INDEX 00 00:00:00\n    INDEX 01 00:00:00
  TRACK 02 AUDIO\n    TITLE "Second"\n    INDEX 01 04:13:37\n"""
WHERE = (
    b'genre=jazz and (year>=1970 or not artist~"davis")',
    b"id!=3 and plays>2 or played>=2025-06 and path~music",
    b"bpm<120.5 and title='a' or not not duration_seconds<=3",
)
MANIFEST = b"path,genre,artist,split,bpm\na.wav,jazz,A,training,120\nb.wav,rock,B,test,90\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the files of each example."""
    return tmp_path_factory.mktemp("fuzzed")


@pytest.fixture(scope="module")
def library(folder: Path) -> Iterator[Library]:
    """A library of ten tracks."""
    tags = [{"genre": "jazz", "artist": "x", "title": "y", "year": "1970", "bpm": "120"}] * 10
    with library_of(folder / "library", unit_vectors(10), tags) as opened:
        yield opened


def refused_or(read: Callable[[], object]) -> object:
    """What a reader returns; None if it raises one of our errors, which is one line of text."""
    try:
        return read()
    except SoundalikeError as error:
        str(error).encode("utf-8", "surrogateescape")
        return None


@pytest.mark.parametrize("suffix", SEEDS)
def test_playlists(suffix: str, folder: Path) -> None:
    """Entries have absolute paths that a system call takes, or addresses; and finite seconds."""
    path = folder / f"list{suffix}"

    @FUZZED
    @given(data=mutated(SEEDS[suffix]))
    def check(data: bytes) -> None:
        path.write_bytes(data)
        for item in refused_or(lambda: read_playlist(path)) or []:
            assert item.is_stream or "\0" not in item.path
            os.fsencode(item.path)
            seconds = (item.duration_seconds, item.start_seconds, item.end_seconds)
            assert all(number is None or 0 <= number < 1e10 for number in seconds)

    check()


@FUZZED
@given(data=mutated((CUE, CUE.decode().encode("utf-16"))))
def test_cue_sheets(data: bytes) -> None:
    """Parts start at a finite time, and have the number of a track."""
    for track in parse_cue(decode_cue(data)):
        assert 0 <= track.start_seconds < 1e8
        assert track.number > 0


@FUZZED
@given(data=mutated(WHERE))
def test_filters(library: Library, data: bytes) -> None:
    """Any text is a filter, or a usage error; what it finds is in the library."""
    ids = refused_or(lambda: ids_where(library.catalogue, os.fsdecode(data)))
    assert ids is None or set(np.asarray(ids).tolist()) <= set(range(1, 11))


@FUZZED
@given(data=mutated((to_toml(TRAINING_PRESETS["tiny"]).encode(),)))
def test_settings_in_toml(folder: Path, data: bytes) -> None:
    """A file is a complete configuration of finite numbers, or a configuration error."""
    path = folder / "settings.toml"
    path.write_bytes(data)
    preset = TRAINING_PRESETS["tiny"]
    config = refused_or(lambda: configure(preset, toml=path))
    if config is not None:
        refused_or(lambda: check_training(config))
        assert math.isfinite(config.optimiser.learning_rate)


@FUZZED
@given(data=mutated((b"optimiser.learning_rate=0.1", b"model.backbone.filters=[4, 8]")))
def test_assignments(data: bytes) -> None:
    """`--set` takes any text, or says what is wrong."""
    text = data.decode("utf-8", "surrogateescape")
    refused_or(lambda: configure(TRAINING_PRESETS["tiny"], assignments=[text]))


@FUZZED
@given(data=st.data())
def test_cards(folder: Path, data: st.DataObject) -> None:
    """A card has finite numbers and known kinds, or is a corrupt artefact."""
    model = folder / "model"
    model.mkdir(exist_ok=True)
    write_card(model, Card("mine", FINGERPRINT, TRAINING_PRESETS["tiny"].model))
    (model / CARD_NAME).write_bytes(data.draw(mutated(((model / CARD_NAME).read_bytes(),))))
    card = refused_or(lambda: read_card(model))
    if card is not None:
        assert math.isfinite(card.label_head.calibration.temperature)


@FUZZED
@given(data=mutated((b'{"format": 7, "fingerprint": "ff", "embedding_size": 8, "curvature": 1}',)))
def test_library_manifests(folder: Path, data: bytes) -> None:
    """`library.json` is read, or damaged, or of a newer version."""
    place = folder / "manifest"
    place.mkdir(exist_ok=True)
    (place / MANIFEST_NAME).write_bytes(data)
    refused_or(lambda: read_manifest(place))


@FUZZED
@given(data=mutated((MANIFEST, MANIFEST.replace(b",", b"\t"))))
def test_tables_of_data_sets(folder: Path, data: bytes) -> None:
    """A table is a data set, or a data set error."""
    place = folder / "set"
    place.mkdir(exist_ok=True)
    for name in ("a.wav", "b.wav"):
        (place / name).write_bytes(b"RIFF")
    (place / "tracks.csv").write_bytes(data)
    refused_or(lambda: open_dataset(place, options=ReadingOptions(read_tags=False)))


JOURNAL = {
    "path": "/music/0.mp3",
    "field": "genre",
    "old": [],
    "new": ["jazz"],
    "time": "2026-01-01T00:00:00+00:00",
    "audio_digest": "00" * 16,
    "old_tags": {},
    "had_tags": True,
}


@FUZZED
@given(data=mutated((json.dumps(JOURNAL).encode() + b"\n",)))
def test_journals_of_labels(folder: Path, data: bytes) -> None:
    """A journal is read, or damaged."""
    path = folder / "journal.jsonl"
    path.write_bytes(data)
    refused_or(lambda: read_journal(path))


def zipped(data: bytes) -> bytes:
    """An archive of a history."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("listens/1.jsonl", data)
    return buffer.getvalue()


LINES = "\n".join(map(json.dumps, LISTENS)).encode()
HISTORIES = {
    ".jsonl": (LINES,),
    ".json": (
        json.dumps(LISTENS).encode(),
        b'{"recenttracks": {"track": [{"artist": {"#text": "x"}, "name": "y", "date": {"uts": "7"}'
        b"}]}}",
        b'{"lovedtracks": {"track": [{"artist": {"name": "x"}, "name": "y", "date": {"uts": 7}}]}}',
    ),
    ".csv": (
        b"uts,utc_time,artist,album,track\n800,,x,z,y\n",
        b'x,z,y,"01 Jan 2020 12:30"\n',
    ),
    ".zip": (zipped(LINES),),
}


@pytest.mark.parametrize("suffix", HISTORIES)
def test_histories(suffix: str, folder: Path, library: Library) -> None:
    """An import stores events of the library's tracks, or says why the file cannot be read."""
    path = folder / f"history{suffix}"

    @FUZZED
    @given(data=mutated(HISTORIES[suffix]))
    def check(data: bytes) -> None:
        path.write_bytes(data)
        refused_or(lambda: library.taste.import_file(path))

    check()
    assert {event.track.id for event in library.taste.report().events} <= set(range(1, 11))


@FUZZED
@given(data=st.data())
def test_checkpoints(data: st.DataObject) -> None:
    """Tensors of float32, or a broken file; the entries are damaged behind valid checksums."""
    tensor = np.arange(6, dtype=np.float32).reshape(2, 3)
    whole = entry(tensor, 0)
    damaged = data.draw(mutated((whole,)))
    if data.draw(st.booleans()):
        index = table([(b"", HEADER), (b"kernel", damaged[:5000])])
    else:
        index = data.draw(mutated((table([(b"", HEADER), (b"kernel", whole)]),)))
    try:
        tensors = read_checkpoint(index, tensor.tobytes())
    except BrokenFile:
        return
    assert all(values.dtype == np.float32 for values in tensors.values())
