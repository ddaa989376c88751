"""Voting in a library on disk: ids, files, stretches, batches, fields, failures."""

from pathlib import Path

import pytest

from embedder.errors import AudioError, NotFound, UsageError
from index.labels.labelling import label_tracks
from index.labels.request import LabelRequest, VoteSettings
from index.labels.results import LabelReport
from index.labels.voting import Voting
from index.library import Library
from tests.index.styled_music import N_SONGS, StyledEncoder, make_music
from tests.index.toy_encoder import tag_wav, write_wav


@pytest.fixture
def music(tmp_path: Path) -> list[Path]:
    return make_music(tmp_path / "music")


@pytest.fixture
def library(tmp_path: Path, music: list[Path]) -> Library:
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=StyledEncoder())
    return library


def probabilities(library: Library, track: object, **how: object) -> dict[str, float]:
    """The probabilities of one track's vote."""
    settings = VoteSettings(**how)  # type: ignore[arg-type]  # each test knows its own
    request = LabelRequest((str(track),), settings)
    (vote,) = label_tracks(library, request, encoder=StyledEncoder()).votes
    return vote.probabilities


@pytest.fixture
def report(library: Library, music: list[Path], tmp_path: Path) -> LabelReport:
    """Votes on a track by id, on one by path, and on a file outside the library."""
    new = write_wav(tmp_path / "elsewhere" / "1 new.wav", 999)
    named = ("1", str(music[2]), str(new))
    return label_tracks(library, LabelRequest(named), encoder=StyledEncoder())


def test_neighbours_name_the_label(report: LabelReport) -> None:
    """The vote works by id, by path, and for a file outside the library."""
    assert [vote.label for vote in report.votes] == ["Folk", "Rock", "Jazz"]


def test_the_label_is_the_most_probable_one(report: LabelReport) -> None:
    """Probabilities sum to one and are listed from the largest on."""
    for vote in report.votes:
        assert vote.probability == max(vote.probabilities.values()) > 0.5
        assert sum(vote.probabilities.values()) == pytest.approx(1)
        assert next(iter(vote.probabilities)) == vote.label


def test_voters_are_ranked_and_weighted(report: LabelReport) -> None:
    """There are k of them, and their weights are shares of the vote."""
    for vote in report.votes:
        assert [voter.rank for voter in vote.voters] == list(range(1, 21))
        assert sum(voter.weight for voter in vote.voters) == pytest.approx(1)
        assert all(0 <= voter.score <= 1 for voter in vote.voters)


def test_the_json_of_a_vote(report: LabelReport) -> None:
    """It has the track's fields and the vote's; a file outside the library has no id."""
    document = report.to_json()
    assert document["tracks"][2]["id"] is None
    expected = {"id", "path", "field", "label", "probability", "probabilities", "voters"}
    assert expected <= set(document["tracks"][0])


def test_neither_copies_nor_the_artist_vote(
    library: Library, music: list[Path], tmp_path: Path
) -> None:
    """A copy never does, under whatever name and tags; the artist's others only on request."""
    copy = tmp_path / "music" / "0 copy.wav"
    copy.write_bytes(music[0].read_bytes())
    tag_wav(copy, title="Another name", artist="Someone", genre="Wrong")
    library.index([tmp_path / "music"], encoder=StyledEncoder())
    for include_artist in (False, True):
        settings = VoteSettings(k=100, include_artist=include_artist)
        named = (str(music[0]), str(copy))
        votes = label_tracks(library, LabelRequest(named, settings)).votes
        (track,) = library.tracks_named(str(music[0]))
        own, copied = ([voter.track for voter in vote.voters] for vote in votes)
        assert all(t.audio_digest != track.audio_digest for t in (*own, *copied))
        assert any(t.artist == track.artist for t in own) is include_artist
        assert len(own) == (N_SONGS - 1 if include_artist else N_SONGS - 3)


def test_the_order_of_indexing_makes_no_difference(tmp_path: Path, music: list[Path]) -> None:
    """Other ids, another order, the same probabilities; calibration and all."""
    votes_by_order = []
    for name, order in (("one", music), ("other", list(reversed(music)))):
        library = Library.open_or_create(tmp_path / name)
        for start in range(0, N_SONGS, 7):
            library.index(order[start : start + 7], encoder=StyledEncoder())
        request = LabelRequest(tuple(map(str, music)), VoteSettings(k=5))
        votes_by_order.append([vote.probabilities for vote in label_tracks(library, request).votes])
    for first, second in zip(*votes_by_order, strict=True):
        assert first == pytest.approx(second, abs=1e-4)


def test_more_neighbours_than_tracks(library: Library) -> None:
    """All tracks that may vote do, and the nearer ones decide as before."""
    (vote,) = label_tracks(library, LabelRequest(("1",), VoteSettings(k=10_000))).votes
    assert len(vote.voters) == N_SONGS - 3
    assert vote.label == "Folk"


def test_balancing_helps_the_rare_label(library: Library, music: list[Path]) -> None:
    """In a library of mostly Rock, balancing makes the other labels more probable."""
    for path in music[:18]:
        tag_wav(path, genre="Rock")
    library.index([music[0].parent], encoder=StyledEncoder())
    plain = probabilities(library, music[0], k=10)
    balanced = probabilities(library, music[0], k=10, class_balanced=True)
    assert balanced["Folk"] > plain["Folk"]
    assert balanced["Rock"] < plain["Rock"]


def test_a_library_of_one_label(tmp_path: Path) -> None:
    """Its only label has the probability 1."""
    for number in range(4):
        tag_wav(write_wav(tmp_path / "music" / f"0 {number}.wav", number), genre="Polka")
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=StyledEncoder())
    assert probabilities(library, "1") == {"Polka": 1.0}


def test_nobody_may_vote(tmp_path: Path) -> None:
    """If all labelled tracks are by the same artist, no label is named, and the reason is given."""
    for number in range(3):
        path = write_wav(tmp_path / "music" / f"0 {number}.wav", number)
        tag_wav(path, genre="Polka", artist="The Only One", title=f"Polka {number}")
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=StyledEncoder())
    (vote,) = label_tracks(library, LabelRequest(("1",))).votes
    assert (vote.label, vote.labels, vote.voters) == (None, (), ())
    assert "--include-artist" in (vote.abstained or "")
    included = VoteSettings(include_artist=True)
    (vote,) = label_tracks(library, LabelRequest(("1",), included)).votes
    assert vote.label == "Polka"


def test_abstaining(library: Library) -> None:
    """Less probable than was asked for is no label; the probabilities are there all the same."""
    (sure,) = label_tracks(library, LabelRequest(("1",), VoteSettings(abstain=0.3))).votes
    (unsure,) = label_tracks(library, LabelRequest(("1",), VoteSettings(abstain=1))).votes
    assert sure.label == "Folk" and sure.abstained is None
    assert unsure.label is None and "less than 1" in (unsure.abstained or "")
    assert unsure.probabilities == sure.probabilities


def test_a_field_of_several_labels(library: Library, music: list[Path]) -> None:
    """Each has a probability of its own, and all that are probable enough are named."""
    from mutagen.id3 import TXXX
    from mutagen.wave import WAVE

    for path in music:
        moods = {"0": ["calm", "warm"], "1": ["warm"], "2": ["loud"]}[path.name[0]]
        audio = WAVE(path)
        audio.tags.add(TXXX(encoding=3, desc="Mood", text=moods))
        audio.save()
    library.index([music[0].parent], encoder=StyledEncoder())
    settings = VoteSettings("mood", k=9)
    named = (str(music[0]), str(music[2]))
    folk, rock = label_tracks(library, LabelRequest(named, settings)).votes
    assert set(folk.labels) == {"calm", "warm"}
    assert rock.labels == ("loud",)
    assert sum(folk.probabilities.values()) > 1.2


def test_a_field_that_nobody_has(library: Library) -> None:
    """The fields that exist are named, the nearest first; an empty library says what to do."""
    with pytest.raises(NotFound, match=r"'titl'.*Do you mean title\?.*genre \(36 tracks\)"):
        probabilities(library, "1", field="titl")


def test_a_track_that_is_not_there_is_told_first(library: Library) -> None:
    """The labels of the whole library are not read for an id that no track has."""
    with pytest.raises(NotFound, match="no track has the id 999"):
        probabilities(library, "999", field="titl")


def test_bad_settings() -> None:
    """Both the value and what is allowed are named."""
    with pytest.raises(UsageError, match="k = 0"):
        VoteSettings(k=0)
    with pytest.raises(UsageError, match=r"abstain = 1\.5"):
        VoteSettings(abstain=1.5)
    with pytest.raises(UsageError, match="seconds = 0"):
        LabelRequest(("1",), seconds=0)
    with pytest.raises(UsageError, match="no track"):
        LabelRequest(())


def test_bad_tracks_are_failures_among_many(library: Library, tmp_path: Path) -> None:
    """Each failed track has its reason, a lone one is an error; new files are encoded together."""
    broken = tmp_path / "0 broken.wav"
    broken.write_bytes(b"no sound")
    new = [write_wav(tmp_path / f"1 new {n}.wav", 500 + n) for n in range(3)]
    encoder = StyledEncoder()
    named = ("1", "77", str(new[0]), str(broken), "/no/such.wav", str(new[1]), str(new[2]))
    report = label_tracks(library, LabelRequest(named), encoder=encoder)
    assert [Path(vote.track.path).name[0] for vote in report.votes] == ["0", "1", "1", "1"]
    assert {failure.path for failure in report.failed} == {"77", "/no/such.wav", str(broken)}
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert reasons["/no/such.wav"].startswith("no such file")
    assert reasons[str(broken)].startswith("broken")
    assert encoder.analysed_paths == [new[0], broken, new[1], new[2]]
    with pytest.raises(AudioError, match="broken"):
        label_tracks(library, LabelRequest((str(broken),)), encoder=encoder)
    with pytest.raises(NotFound, match="no track has the id 77"):
        label_tracks(library, LabelRequest(("77",)), encoder=encoder)


def test_a_stretch_is_heard_and_judged_as_one(library: Library, music: list[Path]) -> None:
    """A part is encoded anew, and the track itself does not vote on it."""
    encoder = StyledEncoder()
    request = LabelRequest((str(music[0]),), start_seconds=0.0, seconds=0.5)
    (vote,) = label_tracks(library, request, encoder=encoder).votes
    assert encoder.analysed_paths == [music[0]]
    assert all(voter.track.path != str(music[0]) for voter in vote.voters)
    voting = Voting(library)
    whole, stretch = voting.calibration(), voting.calibration(0.5)
    assert stretch.temperature > whole.temperature  # the more, the less a vote counts
    assert stretch.n_fitted == whole.n_fitted == N_SONGS


def test_known_tracks_need_no_model(library: Library) -> None:
    """A track with a stored vector is not encoded: an encoder that raises is enough."""
    deaf = StyledEncoder()
    label_tracks(library, LabelRequest(("1", "2", "3")), encoder=deaf)
    assert deaf.analysed_paths == []


def test_the_artist_is_told_by_the_artists_tracks(library: Library) -> None:
    """For the field artist, the artist's own tracks vote."""
    (vote,) = label_tracks(library, LabelRequest(("1",), VoteSettings("artist"))).votes
    assert vote.track.artist in {label for voter in vote.voters for label in voter.labels}


def test_a_library_without_tracks_is_called_empty(library: Library) -> None:
    """Also if it had tracks before: the message does not complain about missing tags."""
    library.remove(library.store.ids().tolist())
    with pytest.raises(NotFound, match="the library is empty"):
        label_tracks(library, LabelRequest(("1",)))
