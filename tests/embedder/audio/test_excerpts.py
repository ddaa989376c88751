"""The positions and samples of excerpts."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.audio.excerpts import load_excerpts
from embedder.audio.starts import grid_starts, random_starts
from embedder.audio.writing import write_audio
from embedder.config.model import ExcerptConfig, Placement
from embedder.errors import AudioTooShort, MissingAudio, UnknownChoice, UsageError
from tests.embedder.audio_files import truncated, tune

RATE = 8000

configs = st.builds(
    ExcerptConfig,
    n_excerpts=st.integers(1, 20),
    excerpt_seconds=st.floats(0.5, 30),
    placement=st.sampled_from(["spread", "centre", "start"]),
)
durations = st.floats(0.5, 40_000)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of noise without repeats."""
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    write_audio(path, tune(20, rate=RATE, n_channels=1), RATE, sample_format="float32")
    return path


@pytest.fixture(scope="module")
def song_samples() -> np.ndarray:
    """The song as float32 [samples]."""
    return tune(20, rate=RATE, n_channels=1)[0]


@settings(deadline=None)
@given(duration_seconds=durations, config=configs)
def test_a_grid_is_sorted_and_inside(duration_seconds: float, config: ExcerptConfig) -> None:
    """Every excerpt starts after the one before it, and ends before the track does."""
    starts = grid_starts(duration_seconds, config)
    assert 1 <= len(starts) <= config.n_excerpts
    assert all(earlier < later for earlier, later in pairwise(starts))
    assert starts[0] >= 0
    assert starts == (0.0,) or starts[-1] + config.excerpt_seconds <= duration_seconds + 1e-6
    assert starts == grid_starts(duration_seconds, config)


@settings(deadline=None)
@given(duration_seconds=durations, config=configs)
def test_a_grid_covers_what_it_can(duration_seconds: float, config: ExcerptConfig) -> None:
    """There are as many excerpts as requested, or they cover the whole track."""
    starts = grid_starts(duration_seconds, config)
    if len(starts) < config.n_excerpts:
        assert all(b - a <= config.excerpt_seconds + 1e-6 for a, b in pairwise(starts))
        assert starts[0] == pytest.approx(0)
        covered = starts[-1] + config.excerpt_seconds
        assert covered >= duration_seconds - 1e-6


@pytest.mark.parametrize(
    ("placement", "expected"),
    [("spread", (5.25, 13.5, 21.75)), ("centre", (10.5, 13.5, 16.5)), ("start", (0, 3, 6))],
)
def test_placements(placement: Placement, expected: tuple[float, ...]) -> None:
    """The three placements of three 3-second excerpts in 30 seconds."""
    config = ExcerptConfig(n_excerpts=3, placement=placement)
    assert grid_starts(30.0, config) == pytest.approx(expected)


def test_excerpts_overlap_in_a_short_track() -> None:
    """Three excerpts of three seconds cover seven seconds; the other seven are not read."""
    assert grid_starts(7.0, ExcerptConfig()) == pytest.approx((0.0, 2.0, 4.0))
    assert grid_starts(3.0, ExcerptConfig()) == (0.0,)
    assert grid_starts(2.0, ExcerptConfig()) == (0.0,)


def test_an_unknown_placement_is_refused() -> None:
    """The message lists the valid ones."""
    config = ExcerptConfig(placement="middle")  # type: ignore[arg-type]  # the bad input itself
    with pytest.raises(UnknownChoice, match="'middle': use centre, spread, start"):
        grid_starts(100.0, config)


@settings(deadline=None)
@given(duration_seconds=durations, config=configs, seed=st.integers(0, 2**32))
def test_random_excerpts_are_inside_and_follow_the_seed(
    duration_seconds: float, config: ExcerptConfig, seed: int
) -> None:
    """All are inside the track and sorted; equal seeds give equal excerpts."""
    starts = random_starts(duration_seconds, config, generator=np.random.default_rng(seed))
    again = random_starts(duration_seconds, config, generator=np.random.default_rng(seed))
    assert starts == again
    assert len(starts) == config.n_excerpts
    assert list(starts) == sorted(starts)
    assert starts[0] >= 0
    room = max(0.0, duration_seconds - config.excerpt_seconds)
    assert starts[-1] <= room


def test_random_excerpts_reach_everywhere() -> None:
    """A thousand excerpts cover every tenth of the track."""
    config = ExcerptConfig(n_excerpts=1000, excerpt_seconds=1.0)
    starts = random_starts(101.0, config, generator=np.random.default_rng(5))
    assert np.histogram(starts, bins=10, range=(0, 100))[0].min() > 50


def test_excerpts_hold_the_samples_at_their_starts(song: Path, song_samples: np.ndarray) -> None:
    """An excerpt has the file's samples at its position."""
    excerpts = load_excerpts(song, ExcerptConfig(n_excerpts=4, excerpt_seconds=2.0))
    assert excerpts.samples.shape == (4, 2 * RATE)
    assert excerpts.samples.dtype == np.float32
    assert (excerpts.sample_rate, excerpts.duration_seconds) == (RATE, 20.0)
    for start, samples in zip(excerpts.starts_seconds, excerpts.samples, strict=True):
        first = round(start * RATE)
        assert np.array_equal(samples, song_samples[first : first + 2 * RATE])


def test_random_excerpts_are_loaded(song: Path) -> None:
    """With a generator, the seed decides the positions."""
    config = ExcerptConfig(n_excerpts=3, excerpt_seconds=1.0)
    first, same, other_seed = (
        load_excerpts(song, config, generator=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first.starts_seconds == same.starts_seconds
    assert np.array_equal(first.samples, same.samples)
    assert first.starts_seconds != other_seed.starts_seconds


def test_a_short_track_is_repeated(tmp_path: Path) -> None:
    """One second of audio is repeated three times to fill three seconds."""
    path = tmp_path / "short.wav"
    samples = tune(1.0, rate=RATE, n_channels=1)
    write_audio(path, samples, RATE, sample_format="float32")
    excerpts = load_excerpts(path, ExcerptConfig())
    assert excerpts.starts_seconds == (0.0,)
    assert np.array_equal(excerpts.samples[0], np.tile(samples[0], 3))


def test_a_short_track_is_refused_by_a_setting(tmp_path: Path) -> None:
    """With `when_short = "refuse"` the error gives both lengths and advice."""
    path = tmp_path / "short.wav"
    write_audio(path, tune(1.0, rate=RATE), RATE)
    with pytest.raises(AudioTooShort, match=r"1\.00 s of audio, an excerpt has 3 s\. Lower"):
        load_excerpts(path, ExcerptConfig(when_short="refuse"))


def test_next_to_nothing_is_always_refused(tmp_path: Path) -> None:
    """A track shorter than `min_seconds` is refused, even if short tracks are repeated."""
    path = tmp_path / "click.wav"
    write_audio(path, tune(0.4, rate=RATE), RATE)
    with pytest.raises(AudioTooShort, match=r"click\.wav: 0\.40 s of audio, need at least 0\.5 s"):
        load_excerpts(path, ExcerptConfig())
    assert load_excerpts(path, ExcerptConfig(min_seconds=0.3)).samples.shape == (1, 3 * RATE)


def test_excerpts_stay_inside_a_given_stretch(song: Path, song_samples: np.ndarray) -> None:
    """Excerpts are between `start_seconds` and the end of the part."""
    config = ExcerptConfig(n_excerpts=2, excerpt_seconds=2.0)
    excerpts = load_excerpts(song, config, start_seconds=5.0, seconds=10.0)
    assert excerpts.starts_seconds == pytest.approx((7.0, 11.0))
    assert excerpts.duration_seconds == 20.0
    short = load_excerpts(song, config, start_seconds=12.0, seconds=1.0)
    assert np.array_equal(short.samples[0], np.tile(song_samples[12 * RATE : 13 * RATE], 2))
    rest = load_excerpts(song, config, start_seconds=18.0)
    assert rest.starts_seconds == (18.0,)


@settings(deadline=None, max_examples=40)
@given(start=st.floats(0, 19.4), length=st.floats(0.5, 20))
def test_any_part_of_the_track_can_be_read(song: Path, start: float, length: float) -> None:
    """Excerpts of any part begin and end inside it."""
    config = ExcerptConfig(n_excerpts=3, excerpt_seconds=1.0)
    length = min(length, 20 - start)
    excerpts = load_excerpts(song, config, start_seconds=start, seconds=length)
    assert excerpts.samples.shape[1] == RATE
    assert min(excerpts.starts_seconds) >= start
    assert max(excerpts.starts_seconds) + min(1.0, length) <= start + length + 1e-6


@pytest.mark.parametrize(
    ("start", "seconds", "message"),
    [
        (42.0, 2.0, r"song\.wav: it is 20\.0 s long; there is nothing at 42 s"),
        (19.0, 2.0, r"it is 20\.0 s long; the part from 19 s to 21 s reaches beyond its end"),
        (20.0, None, r"it is 20\.0 s long; there is nothing at 20 s"),
    ],
)
def test_a_stretch_outside_names_the_length(
    song: Path, start: float, seconds: float | None, message: str
) -> None:
    """For a start after the end, the error gives the track's length."""
    with pytest.raises(AudioTooShort, match=message):
        load_excerpts(song, ExcerptConfig(), start_seconds=start, seconds=seconds)


@pytest.mark.parametrize(
    ("start", "seconds"), [(-1.0, 2.0), (0.0, 0.0), (0.0, -3.0), (math.nan, 1.0), (0.0, math.inf)]
)
def test_an_impossible_stretch_is_a_usage_error(song: Path, start: float, seconds: float) -> None:
    """Negative and infinite parts are a UsageError, not an AudioError."""
    with pytest.raises(UsageError, match="a part cannot"):
        load_excerpts(song, ExcerptConfig(), start_seconds=start, seconds=seconds)


def test_the_model_rate_is_given(song: Path) -> None:
    """Excerpts have the requested sample rate and the right length."""
    config = ExcerptConfig(n_excerpts=2, excerpt_seconds=1.5)
    excerpts = load_excerpts(song, config, sample_rate=22050)
    assert excerpts.sample_rate == 22050
    assert excerpts.samples.shape == (2, 33075)


def test_a_cut_off_track_gets_a_grid_of_its_real_length(tmp_path: Path) -> None:
    """Excerpts of a truncated MP3 are within the existing half."""
    path = tmp_path / "cut.mp3"
    write_audio(path, tune(20.0), 44100)
    truncated(path, keep=0.5)
    excerpts = load_excerpts(path, ExcerptConfig(n_excerpts=3, excerpt_seconds=1.0))
    assert excerpts.duration_seconds == pytest.approx(10, abs=0.2)
    expected = grid_starts(excerpts.duration_seconds, ExcerptConfig(3, 1.0))
    assert excerpts.starts_seconds == expected
    assert excerpts.samples.std(axis=1).min() > 0.05


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Decoding errors name the file."""
    with pytest.raises(MissingAudio, match=r"gone\.mp3: no such file"):
        load_excerpts(tmp_path / "gone.mp3", ExcerptConfig())
