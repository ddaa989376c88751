"""Following a player: what counts as a play, and what as a skip."""

import pytest

from index.playlists.mpd.moments import Moment, verdict


def moment(seen: float, song_id: str, elapsed: float, state: str = "play") -> Moment:
    """A song of 200 seconds."""
    song = {"id": song_id} if song_id else {}
    duration = 200.0 if song_id else None
    return Moment(seen, song, state, elapsed, duration, 0, 5, is_random=False)


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (moment(0, "1", 10), moment(30, "2", 0), "skip"),
        (moment(0, "1", 10), moment(100, "2", 0), "play"),
        (moment(0, "1", 10, "pause"), moment(100, "2", 0), "skip"),
        (moment(0, "1", 0), moment(0.5, "2", 0), None),
        (moment(0, "1", 10), moment(30, "1", 40), None),
        (moment(0, "1", 150), moment(1, "1", 20), None),
        (moment(0, "1", 150), moment(50, "1", 0.1), "play"),
        (moment(0, "1", 10), moment(30, "", 0, "stop"), None),
        (moment(0, "1", 10), moment(30, "1", 0, "stop"), None),
        (moment(0, "1", 150), moment(60, "", 0, "stop"), "play"),
        (moment(0, "1", 0, "stop"), moment(60, "2", 0), None),
        (moment(0, "", 0, "stop"), moment(60, "2", 0), None),
    ],
)
def test_what_counts_as_a_play_or_a_skip(before: Moment, now: Moment, kind: str | None) -> None:
    """Half a track is a play, less is a skip if another song follows; a stop says nothing."""
    assert verdict(before, now) == kind


def test_a_long_track_is_played_after_four_minutes() -> None:
    """An hour of music need not be heard to its half."""
    hour = Moment(0.0, {"id": "1"}, "play", 0.0, 3600.0, 0, 5, is_random=False)
    assert verdict(hour, moment(241, "2", 0)) == "play"
    assert verdict(hour, moment(239, "2", 0)) == "skip"
