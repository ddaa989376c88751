"""`soundalike label` end to end, with real sounds and a small seeded model."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cli.app import main
from embedder.audio.writing import write_audio
from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import EmbeddingNetwork
from index.labels.files.tag_writing import read_field
from tests.conftest import Run, RunCli

RATE = 22050
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")


def write_song(path: Path, kind: str, seed: int, *, genre: str = "") -> Path:
    """Three seconds of a hum or of hiss, by an artist of its own."""
    generator = np.random.default_rng(seed)
    times = np.arange(3 * RATE) / RATE
    if kind == "hum":
        pitch = generator.uniform(60, 120)
        sound = sum(np.sin(2 * np.pi * n * pitch * times) / n for n in range(1, 5))
    else:
        sound = generator.standard_normal(len(times))
    samples = (0.1 * np.asarray(sound)).astype(np.float32)[None]
    tags = {"title": f"{kind} {seed}", "artist": f"Artist {seed}"}
    rate = RATE if path.suffix != ".ogg" else 48000
    write_audio(path, samples, rate, tags=tags | ({"genre": genre} if genre else {}))
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Music, a model and a library: ten hums, ten hisses, and two without a label."""
    home = tmp_path_factory.mktemp("label")
    network = EmbeddingNetwork(MODELS["tiny"])
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in network.parameters():
            weights.uniform_(-0.3, 0.3, generator=generator)
    save_model(home / "model", network, name="tiny")
    (home / "music").mkdir()
    for seed in range(20):
        kind = ("hum", "hiss")[seed % 2]
        suffix = (".flac", ".mp3", ".ogg")[seed % 3]
        write_song(home / "music" / f"{seed:02}{suffix}", kind, seed, genre=kind.title())
    write_song(home / "music" / "new hum.flac", "hum", 100)
    write_song(home / "music" / "new hiss.mp3", "hiss", 101)
    write_song(home / "stranger.m4a", "hiss", 102)
    line = ["--library", str(home / "library"), "index", str(home / "music")]
    assert main([*line, "--model", str(home / "model"), "--quiet"]) == 0
    return home


@pytest.fixture
def own(home: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    shutil.copytree(home, tmp_path / "home")
    own = tmp_path / "home"
    line = ["--library", str(own / "library"), "index", str(own / "music")]
    assert main([*line, "--quiet"]) == 0  # its music stands elsewhere now
    return own


def test_json_of_known_and_unknown_tracks(home: Path, run_cli: RunCli) -> None:
    """A label and a probability for each, for tracks of the library and for any file."""
    named = (str(home / "music" / "new hum.flac"), str(home / "stranger.m4a"))
    ended = run_cli("--library", str(home / "library"), "label", *named, "--json", "-k", "7")
    assert ended.code == 0
    hum, hiss = json.loads(ended.out)["tracks"]
    assert (hum["label"], hiss["label"]) == ("Hum", "Hiss")
    assert (hum["field"], hum["title"], hiss["id"]) == ("genre", "hum 100", None)
    assert set(hum["probabilities"]) == {"Hum", "Hiss"}
    assert sum(hum["probabilities"].values()) == pytest.approx(1)
    assert hum["probability"] == hum["probabilities"]["Hum"] > 0.7
    assert len(hum["voters"]) >= 7  # more where some are equally near
    assert {"id", "path", "score", "distance", "weight", "labels"} <= set(hum["voters"][0])


def test_two_seconds_are_enough(home: Path, run_cli: RunCli) -> None:
    """A stretch of a file without a label."""
    ended = run_cli(
        *("--library", str(home / "library"), "label", str(home / "stranger.m4a"), "--json"),
        *("--start", "0.5", "--seconds", "2"),
    )
    assert ended.code == 0
    assert json.loads(ended.out)["tracks"][0]["label"] == "Hiss"


def test_the_table_shows_probabilities_and_voters(home: Path, run_cli: RunCli) -> None:
    """One track gets both tables, and each of several tracks a line."""
    library = ("--library", str(home / "library"))
    single = run_cli(*library, "label", "1").out
    assert "probability" in single
    assert "voters" in single
    several = run_cli(*library, "label", "1", "2", "--abstain", "1")
    assert several.out.count("\n") == 3
    assert "(none)" in several.out
    assert "no label" in several.err


def test_a_batch_as_csv(home: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each path from standard input gets a row, a failed one its reason; the code is 5."""
    paths = [*sorted((home / "music").iterdir()), home / "none.flac"]
    text = io.TextIOWrapper(io.BytesIO("".join(f"{path}\n" for path in paths).encode()))
    monkeypatch.setattr("sys.stdin", text)
    ended = run_cli("--library", str(home / "library"), "label", "-", "--csv")
    assert ended.code == 5
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["path"] for row in rows] == [str(path) for path in paths]
    for row in rows[:-1]:
        assert float(row["p(Hum)"]) + float(row["p(Hiss)"]) == pytest.approx(1, abs=1e-5)
    assert rows[-1]["label"] == ""
    assert "no such file" in rows[-1]["reason"]
    assert "1 of 23 tracks" in ended.err


def test_paths_are_those_of_labelled_tracks(home: Path, run_cli: RunCli) -> None:
    """A file that failed is named on stderr, and not among the paths on stdout."""
    good, bad = home / "music" / "new hum.flac", home / "none.flac"
    ended = run_cli("--library", str(home / "library"), "label", str(bad), str(good), "--paths")
    assert ended.code == 5
    assert ended.out == f"{good}\n"
    assert "none.flac: no such file" in ended.err


def test_undo_takes_yes(own: Path, run_cli: RunCli) -> None:
    """`label --undo JOURNAL --yes` undoes the labels and refuses nothing."""
    library = ("--library", str(own / "library"))
    song = own / "music" / "new hum.flac"
    written = run_cli(*library, "label", str(song), "--write", "--yes", "--json")
    journal = json.loads(written.out)["journal"]
    assert run_cli(*library, "label", "--undo", journal, "--yes").code == 0
    assert read_field(song, "genre").labels == ()


def test_nothing_is_written_unasked(own: Path, run_cli: RunCli) -> None:
    """Without a terminal, --write needs --yes; --dry-run shows the actions and writes nothing."""
    library = ("--library", str(own / "library"))
    songs = [own / "music" / "new hum.flac", own / "music" / "new hiss.mp3"]
    named = tuple(map(str, [*songs, own / "music" / "00.flac"]))
    refused = run_cli(*library, "label", *named, "--write")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    preview = run_cli(*library, "label", *named, "--write", "--dry-run")
    actions = [line.split()[-1] for line in preview.out.splitlines()[1:]]
    assert actions == ["write", "write", "same"]
    assert "2 labels would be written" in preview.err
    assert [read_field(song, "genre").labels for song in songs] == [(), ()]


def test_improbable_labels_are_not_written(own: Path, run_cli: RunCli) -> None:
    """Below 0.5 a label is skipped, with its probability; --abstain sets another limit."""
    song = own / "music" / "new hiss.mp3"
    line = ("--library", str(own / "library"), "label", str(song), "--field", "artist")
    line = (*line, "--write", "--force", "--dry-run", "--json")
    (skipped,) = json.loads(run_cli(*line).out)["changes"]
    assert (skipped["action"], "less than 0.5" in skipped["reason"]) == ("skip", True)
    assert 0 < skipped["probability"] < 0.5
    (change,) = json.loads(run_cli(*line, "--abstain", "0.001").out)["changes"]
    assert (change["action"], change["probability"]) == ("write", skipped["probability"])


@pytest.fixture
def written(own: Path, run_cli: RunCli) -> Run:
    """The result of a run that wrote labels into two files."""
    named = (str(own / "music" / "new hum.flac"), str(own / "music" / "new hiss.mp3"))
    line = ("--library", str(own / "library"), "label", *named, "--write", "--yes", "--json")
    return run_cli(*line)


def test_labels_are_written_into_the_files(own: Path, written: Run) -> None:
    """Each file gets its own label, and stderr has the command that takes them back."""
    document = json.loads(written.out)
    assert (written.code, document["written"]) == (0, 2)
    assert read_field(own / "music" / "new hum.flac", "genre").labels == ("Hum",)
    assert read_field(own / "music" / "new hiss.mp3", "genre").labels == ("Hiss",)
    assert f"label --undo '{document['journal']}'" in written.err


def test_a_scan_after_writing_finds_nothing_to_do(own: Path, run_cli: RunCli, written: Run) -> None:
    """The library took the new tags when they were written."""
    assert written.code == 0
    line = ("--library", str(own / "library"), "index", str(own / "music"), "--json")
    rescan = json.loads(run_cli(*line).out)
    assert (rescan["unchanged"], rescan["analysed"], rescan["updated"]) == (22, 0, 0)


def test_undo_restores_the_tags(own: Path, run_cli: RunCli, written: Run) -> None:
    """The journal of a run takes back everything that it wrote."""
    journal = json.loads(written.out)["journal"]
    undone = run_cli("--library", str(own / "library"), "label", "--undo", journal, "--json")
    assert (undone.code, json.loads(undone.out)["restored"]) == (0, 2)
    assert read_field(own / "music" / "new hum.flac", "genre").labels == ()


def test_a_file_that_cannot_be_written_is_code_5(own: Path, run_cli: RunCli) -> None:
    """The other files are still written."""
    library = ("--library", str(own / "library"))
    songs = [own / "music" / "new hum.flac", own / "music" / "new hiss.mp3"]
    songs[0].chmod(0o444)
    ended = run_cli(*library, "label", *map(str, songs), "--write", "--yes", "--json")
    assert ended.code == 5
    document = json.loads(ended.out)
    assert [change["action"] for change in document["changes"]] == ["fail", "written"]
    assert "read-only" in document["failed"][0]["reason"]
    assert read_field(songs[1], "genre").labels == ("Hiss",)


def test_a_person_is_asked(own: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the preview is followed by a question; no means no."""
    song = own / "music" / "new hum.flac"
    line = ("--library", str(own / "library"), "label", str(song), "--write")
    for answer, labels in (("n\n", ()), ("y\n", ("Hum",))):
        terminal = io.TextIOWrapper(io.BytesIO(answer.encode()))
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)
        ended = run_cli(*line)
        assert ended.code == 0
        assert "Write 1 label?" in ended.err
        assert read_field(song, "genre").labels == labels


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("--field", "genra"), 3, "Do you mean genre?"),
        (("-k", "0"), 2, "-k"),
        (("--abstain", "2"), 2, "abstain"),
        (("--csv", "--json"), 2, "not both"),
        (("--undo", "x.jsonl"), 2, "leave out tracks"),
        (("--field", "tracknumber", "--write", "--yes"), 2, "holds no text"),
        (("9999",), 5, "no track has the id 9999"),
        (("--force",), 2, "for --write"),
        (("--yes",), 2, "for --write and --undo"),
        (("--dry-run",), 2, "for --write and --undo"),
    ],
)
def test_mistakes(home: Path, run_cli: RunCli, line: tuple[str, ...], code: int, said: str) -> None:
    """A line on stderr, and the code of the mistake."""
    ended = run_cli("--library", str(home / "library"), "label", "1", *line)
    assert ended.code == code
    assert said in ended.err


def test_a_folder_is_told_how_its_files_can_be_named(home: Path, run_cli: RunCli) -> None:
    """The advice fits the command that was called."""
    ended = run_cli("--library", str(home / "library"), "label", str(home / "music"))
    assert ended.code == 2
    assert "a folder. Name files, or give - as the track" in ended.err
    assert "soundalike query" not in ended.err


def test_alone_a_wrong_track_is_bad_input(home: Path, run_cli: RunCli) -> None:
    """A call without any track is a usage error."""
    library = ("--library", str(home / "library"))
    assert run_cli(*library, "label", "9999").code == 3
    assert run_cli(*library, "label").code == 2
    assert run_cli(*library, "label", "--undo", "none.jsonl").code == 3


def test_known_tracks_are_labelled_without_torch(home: Path) -> None:
    """Tracks of the library are labelled without importing a heavy package."""
    code = (
        "import sys; from cli.app import main; code = main(sys.argv[1:]); "
        "heavy = {'torch', 'pandas', 'sklearn', 'mutagen', 'av'} & set(sys.modules); "
        "print(code, sorted(heavy), file=sys.stderr)"
    )
    line = [sys.executable, "-c", code, "--library", str(home / "library"), "label", "1"]
    ended = subprocess.run(line, capture_output=True, text=True, check=True)
    assert ended.stderr.splitlines()[-1] == "0 []"
