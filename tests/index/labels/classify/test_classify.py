"""Classify tracks by a model's own head: whole tracks, stretches, windows, ids and failures."""

import csv
import io
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import scipy.special

from embedder.audio.writing import write_audio
from embedder.encoding.classifier import TrackClassifier
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import TrackRequest
from embedder.errors import BadInput, NotFound, OutputExists, UnknownChoice, UsageError
from embedder.models.card import HeadCalibration
from embedder.models.heads import Head
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.labels.classify.classify import classify_tracks
from index.labels.classify.curve import check_curve_path, curve_table, draw_curve, write_curve
from index.labels.classify.request import ClassifyRequest
from index.labels.classify.results import ClassifyReport
from index.library import Library
from tests.embedder.tagged_models import CONFIG, some_head

LABELS = ("calm", "loud")


def no_library() -> NoReturn:
    raise NotFound("no library here")


def label_head(**values: object) -> Head:
    weight = np.random.default_rng(7).standard_normal((2, 4)).astype(np.float32)
    bias = np.zeros(2, dtype=np.float32)
    return Head(weight, bias, LABELS, kind="softmax", field="mood", **values)  # type: ignore[arg-type]  # fields by name


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a label head that is calibrated, and a tag head."""
    folder = tmp_path_factory.mktemp("models") / "model"
    head = label_head(calibration=HeadCalibration(0.5, 2.0, n_tracks=12))
    network = seeded_network(CONFIG, seed=1)
    save_model(folder, network, label_head=head, tag_head=some_head())
    return folder


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds that swell, the second two seconds silent."""
    noise = np.random.default_rng(0).normal(size=(1, 40_000)) * np.linspace(0.01, 0.3, 40_000)
    noise[:, 16_000:32_000] = 0.0
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    write_audio(path, noise.astype(np.float32), 8000)
    return path


def classify(song: Path, model: Path, **options: object) -> ClassifyReport:
    request = ClassifyRequest((str(song),), str(model), **options)  # type: ignore[arg-type]  # fields by name
    return classify_tracks(request, no_library)


def test_a_file_needs_no_library(song: Path, model: Path) -> None:
    """The probabilities of all labels sum to one, the most probable first."""
    report = classify(song, model)
    (track,) = report.tracks
    assert (report.field, report.labels, report.n_calibration) == ("mood", LABELS, 12)
    assert sum(track.probabilities.values()) == pytest.approx(1.0)
    assert list(track.probabilities.values()) == sorted(track.probabilities.values(), reverse=True)
    assert (track.label,) == track.labels


def test_probabilities_are_the_calibrated_mean(song: Path, model: Path) -> None:
    """Softmax of the logits over a temperature, averaged; a single excerpt has its own."""
    classifier = TrackClassifier.load(model, device="cpu")
    encoding = classifier.encoder.encode(song)
    assert len(encoding.excerpt_vectors) > 1
    logits = label_head().logits(encoding.excerpt_vectors)
    expected = scipy.special.softmax(logits / 0.5, axis=1).mean(axis=0).tolist()
    chances = classifier.of_encoding(encoding).probabilities
    assert [chances[name] for name in LABELS] == pytest.approx(expected, abs=1e-6)
    part = classifier.encoder.encode(song, start_seconds=0, seconds=0.5)
    logits = label_head().logits(part.excerpt_vectors)
    chances = classifier.of_encoding(part).probabilities
    expected = scipy.special.softmax(logits / 2.0, axis=1)[0].tolist()
    assert [chances[name] for name in LABELS] == pytest.approx(expected, abs=1e-6)


def test_windows_follow_each_other(song: Path, model: Path) -> None:
    """Each is what its stretch gives alone; a silent one has a reason and no label."""
    first, silent, last = classify(song, model, each_seconds=2.0).tracks[0].windows
    assert [w.start_seconds for w in (first, silent, last)] == [0.0, 2.0, 4.0]
    assert [w.seconds for w in (first, silent, last)] == [2.0, 2.0, 1.0]
    alone = classify(song, model, start_seconds=0.0, seconds=2.0).tracks[0]
    assert first.probabilities == pytest.approx(alone.probabilities)
    assert silent.probabilities == {}
    assert "silence" in silent.reason
    assert silent.to_json()["label"] is None


def test_a_part_has_windows_of_its_own(song: Path, model: Path) -> None:
    """They begin at the start of the part and end with it."""
    windows = classify(song, model, start_seconds=0.5, seconds=1.2, each_seconds=0.6).tracks[0]
    assert [w.start_seconds for w in windows.windows] == pytest.approx([0.5, 1.1])


def test_a_field_chooses_the_head(song: Path, model: Path) -> None:
    """The tag head gives each tag by itself; an unknown field lists those that exist."""
    (track,) = classify(song, model, field="tag").tracks
    assert (track.kind, set(track.probabilities)) == ("sigmoid", {"calm", "loud", "piano"})
    assert set(track.labels) == {name for name, p in track.probabilities.items() if p >= 0.5}
    with pytest.raises(UnknownChoice, match="mood, tag"):
        classify(song, model, field="genre")


def test_an_id_is_a_track_of_the_library(song: Path, model: Path, tmp_path: Path) -> None:
    """The same answer as for its file, with the track's own fields."""
    with Library.open_or_create(tmp_path / "library") as library:
        library.index([song], model=str(model))
        by_id = library.classify("1", model=str(model)).tracks[0]
        by_path = library.classify(str(song)).tracks[0]
        by_words = library.classify("song").tracks[0]
    assert [track.track.id for track in (by_id, by_path, by_words)] == [1, 1, 1]
    assert by_id.probabilities == by_path.probabilities == by_words.probabilities
    alone = classify(song, model).tracks[0].probabilities
    assert by_id.probabilities == pytest.approx(alone, abs=2e-3)  # stored with 16 bits


def test_a_known_track_is_not_analysed_again(
    song: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored vectors are enough for a whole track of the library's model, and for nothing else."""
    with Library.open_or_create(tmp_path / "library") as library:
        library.index([song], model=str(model))
        other = tmp_path / "other"
        save_model(other, seeded_network(CONFIG, seed=2), label_head=label_head())
        analysed: list[Path] = []

        def spy(encoder: TrackEncoder, requests: list[TrackRequest]) -> object:
            analysed.extend(request.path for request in requests)
            return encode_many(encoder, requests)

        encode_many = TrackEncoder.encode_many
        monkeypatch.setattr(TrackEncoder, "encode_many", spy)
        library.classify("1")
        assert analysed == []
        library.classify("1", seconds=1.0)
        library.classify("1", model=str(other))
        assert analysed == [song, song]


def test_one_bad_file_does_not_end_the_rest(song: Path, model: Path, tmp_path: Path) -> None:
    """It is listed with its reason; alone it is an error."""
    text = tmp_path / "text.mp3"
    text.write_text("no sound")
    report = classify_tracks(ClassifyRequest((str(text), str(song)), str(model)), no_library)
    assert len(report.tracks) == len(report.failed) == 1
    with pytest.raises(BadInput, match=r"text\.mp3"):
        classify(text, model)


def test_a_model_without_labels_says_what_to_do(song: Path, tmp_path: Path) -> None:
    """Train one, or ask the neighbours; without --model the message names the bundled one."""
    save_model(tmp_path / "bare", seeded_network(CONFIG, seed=1))
    with pytest.raises(BadInput, match=r"soundalike train.*soundalike label"):
        classify(song, tmp_path / "bare")
    with pytest.raises(UsageError, match="bundled model neither"):
        classify_tracks(ClassifyRequest((str(song),)), no_library)


def test_the_curve_is_a_table_or_a_picture(song: Path, model: Path, tmp_path: Path) -> None:
    """A row for each window, with a column for each label; a line for each label."""
    report = classify(song, model, each_seconds=2.0)
    rows = list(csv.DictReader(io.StringIO(curve_table(report.tracks, report.labels))))
    assert [row["start_seconds"] for row in rows] == ["0.0", "2.0", "4.0"]
    first = report.tracks[0].windows[0].probabilities
    assert float(rows[0]["p(calm)"]) == pytest.approx(first["calm"], abs=1e-6)
    assert rows[1]["p(calm)"] == rows[1]["label"] == ""
    lines = draw_curve(report.tracks[0]).axes[0].lines
    assert {line.get_label() for line in lines} == set(LABELS)
    heights = {line.get_label(): line.get_ydata() for line in lines}
    assert heights["calm"][0] == pytest.approx(first["calm"])
    assert np.isnan(heights["calm"][1])
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        write_curve(tmp_path / name, report.tracks, report.labels)
        assert (tmp_path / name).read_bytes().startswith(start)


def test_a_curve_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    """Another format, a picture of several tracks, and an existing file."""
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(UsageError, match=r"\.png, \.svg, \.csv"):
        check_curve_path(tmp_path / "a.pdf", n_tracks=1, force=False)
    with pytest.raises(UsageError, match="one track"):
        check_curve_path(tmp_path / "a.png", n_tracks=2, force=False)
    with pytest.raises(OutputExists):
        check_curve_path(tmp_path / "a.csv", n_tracks=1, force=False)
