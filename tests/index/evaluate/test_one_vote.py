"""`evaluate` and `label` count the neighbours' vote in the same way."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from index.evaluate.evaluation import evaluate
from index.evaluate.material import material_of
from index.evaluate.rounds import rounds_of
from index.evaluate.settings import EvaluationSettings, Group
from index.evaluate.subjects import library_subject
from index.evaluate.votes import correct_votes, vote_in
from index.labels.labelling import label_tracks
from index.labels.request import LabelRequest, VoteSettings
from index.labels.results import LabelVote
from index.labels.voting import Voting
from index.library import Library
from tests.index.styled_music import StyledEncoder, make_music
from tests.index.toy_encoder import tag_wav
from tests.index.vector_library import library_of, unit_vectors

K = 7


@dataclass(frozen=True, slots=True)
class Answers:
    """By path: the answers of `label`, and the label and probability that `evaluate` counts."""

    labelled: dict[str, LabelVote]
    evaluated: dict[str, tuple[str, float]]
    accuracy: float
    share_right: float


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """With copies, tracks of no artist and of various ones, and spellings that differ in case."""
    folder = tmp_path_factory.mktemp("one vote")
    music = make_music(folder / "music")
    copy = folder / "music" / "0 copy.wav"
    copy.write_bytes(music[0].read_bytes())
    tag_wav(copy, title="Another name", artist="Someone", genre="Folk")
    for path in music[3:12:3]:
        tag_wav(path, artist="Various Artists", album="Best of folk")
    for path in music[13:19:3]:
        tag_wav(path, artist="", album="Nameless jazz", genre="jazz")
    tag_wav(music[20], artist="Nina; Artist 8", genre="Jazz; Rock")
    tag_wav(music[22], genre="Rock")  # sounds like jazz
    library = Library.open_or_create(folder / "library")
    library.index([folder / "music"], encoder=StyledEncoder())
    return library


def answers(library: Library, *, include_artist: bool, field: str = "genre") -> Answers:
    group: Group = "track" if include_artist else "artist"
    settings = EvaluationSettings(field, k=K, group=group, n_draws=10)
    dataset, stored = library_subject(library)
    material = material_of(dataset, field=field, group=settings.apart, by_content=False)
    (clean,) = rounds_of(material, settings).clean
    votes = vote_in(stored, material, clean, k=K)
    paths = [dataset.rows[position].key for position in clean.queries.tolist()]
    evaluated = {
        path: (material.label_names[int(row.argmax())], float(row.max()))
        for path, row in zip(paths, votes.probabilities, strict=True)
    }
    request = LabelRequest(tuple(paths), VoteSettings(field, K, include_artist=include_artist))
    labelled = {vote.track.path: vote for vote in label_tracks(library, request).votes}
    truth = {path: material.tags[row] > 0 for path, row in zip(paths, clean.queries, strict=True)}
    right = [
        vote.label is not None and truth[path][material.label_names.index(vote.label)]
        for path, vote in labelled.items()
    ]
    evaluation = evaluate(dataset, ["stored"], stored=stored, settings=settings)
    return Answers(labelled, evaluated, evaluation.models[0].accuracy.mean, float(np.mean(right)))


@pytest.mark.parametrize("include_artist", [False, True])
def test_both_name_the_same_label_for_every_track(library: Library, include_artist: bool) -> None:
    """Labels and probabilities are equal: copies, artists and calibration are handled alike."""
    both = answers(library, include_artist=include_artist)
    assert both.evaluated.keys() == both.labelled.keys()
    for path, (label, probability) in both.evaluated.items():
        assert both.labelled[path].label == label
        assert both.labelled[path].probability == pytest.approx(probability, abs=1e-4)


@pytest.mark.parametrize("include_artist", [False, True])
def test_the_accuracy_is_the_share_of_right_answers(library: Library, include_artist: bool) -> None:
    """The accuracy of `evaluate library` is the share of tracks that `label` labels right."""
    both = answers(library, include_artist=include_artist)
    assert both.accuracy == pytest.approx(both.share_right)
    assert 0.5 < both.share_right < 1


def test_an_artists_own_tracks_vote_on_the_artist(library: Library) -> None:
    """Both let the artist's own tracks vote: no other track can name the artist."""
    both = answers(library, include_artist=False, field="artist")
    assert both.accuracy == pytest.approx(both.share_right)
    assert both.accuracy > 0


def test_both_see_the_same_genres(tmp_path: Path) -> None:
    """A genre in the catalogue's column alone, without a tag, is no label."""
    library = library_of(tmp_path / "library", unit_vectors(6), [{"genre": "Folk"}] * 6)
    with library.writing() as catalogue:
        catalogue.database.run("DELETE FROM tags WHERE track_id > 4")
    dataset, _ = library_subject(library)
    table = Voting(library).table
    assert sum(bool(row.values("genre")) for row in dataset.rows) == table.n_tracks == 4


def test_a_track_without_voters_has_no_answer(library: Library) -> None:
    """Its probabilities are zero and it counts in no figure."""
    dataset, stored = library_subject(library)
    material = material_of(dataset, field="genre", group="artist", by_content=False)
    (clean,) = rounds_of(material, EvaluationSettings()).clean
    first = clean.queries[:1]
    votes = vote_in(stored, material, type(clean)(first, first, same_set=True), k=K)
    assert not votes.probabilities.any()
    probabilities = np.zeros((len(dataset.rows), len(material.label_names)))
    assert np.isnan(correct_votes(material, probabilities)).all()
