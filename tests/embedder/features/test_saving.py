"""Pictures and arrays of tracks: axes, files, and tracks that cannot be read."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from embedder.audio.writing import write_audio
from embedder.config.model import FrontEndConfig
from embedder.config.presets import FRONT_ENDS
from embedder.errors import OutputExists, UsageError
from embedder.features.axes import column_edges_seconds, row_edges_hz, row_positions
from embedder.features.saving import (
    FeaturesFailure,
    SavedFeatures,
    output_files,
    save_features,
)

RATE = 22050
CONFIG = FrontEndConfig(n_bins=64, fft_size=1024)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A 1 kHz tone in the middle second of three."""
    times = np.arange(3 * RATE) / RATE
    tone = 0.5 * np.sin(2 * np.pi * 1000 * times) * ((times >= 1) & (times < 2))
    path = tmp_path / "tone.wav"
    write_audio(path, tone[None].astype(np.float32), RATE)
    return path


def arrays_of(result: SavedFeatures | FeaturesFailure) -> dict[str, NDArray[np.float64]]:
    assert isinstance(result, SavedFeatures)
    with np.load(result.file) as loaded:
        return dict(loaded)


@pytest.mark.parametrize("name", ["mel", "gtzan-log", "cqt"])
def test_a_tone_lies_where_the_axes_say(song: Path, tmp_path: Path, name: str) -> None:
    """The loudest value is between the edges of 1 kHz and of the tone's second."""
    (result,) = save_features([song], tmp_path / "out", config=FRONT_ENDS[name], form="arrays")
    arrays = arrays_of(result)
    row, column = np.unravel_index(arrays["levels"].argmax(), arrays["levels"].shape)
    width = arrays["hertz"][row + 1] - arrays["hertz"][row]
    assert arrays["hertz"][row] - width <= 1000 <= arrays["hertz"][row + 1] + width
    assert arrays["seconds"][column + 1] >= 1
    assert arrays["seconds"][column] <= 2
    assert len(arrays["hertz"]) == len(arrays["levels"]) + 1
    assert len(arrays["seconds"]) == arrays["levels"].shape[1] + 1


def test_a_stretch_begins_and_ends_where_it_was_asked_to(song: Path, tmp_path: Path) -> None:
    """Seconds count from the beginning of the track."""
    (result,) = save_features(
        [song], tmp_path, config=CONFIG, form="arrays", start_seconds=1.25, seconds=0.5
    )
    arrays = arrays_of(result)
    assert arrays["seconds"][0] == pytest.approx(1.25, abs=0.02)
    assert arrays["seconds"][-1] == pytest.approx(1.75, abs=0.03)
    assert arrays["levels"].max(axis=0).min() > 0.8
    assert isinstance(result, SavedFeatures)
    assert result.seconds == pytest.approx(0.5)


@pytest.mark.parametrize("name", sorted(FRONT_ENDS))
def test_every_front_end_has_a_picture(song: Path, tmp_path: Path, name: str) -> None:
    """The PNG is neither empty nor of a single colour."""
    (result,) = save_features([song], tmp_path, config=FRONT_ENDS[name])
    assert isinstance(result, SavedFeatures)
    pixels = imread(result.file)
    assert pixels.shape[:2] == (540, 1200)
    assert pixels[..., :3].std() > 0.05


def test_pictures_of_odd_names_and_silence_are_drawn(tmp_path: Path) -> None:
    """Names with dollar signs, emoji and newlines, and silence, give no warning."""
    song = tmp_path / "$x^2$ 🎵\n歌.wav"
    write_audio(song, np.zeros((1, RATE), np.float32), RATE)
    (result,) = save_features([song], tmp_path / "out", config=CONFIG)
    assert isinstance(result, SavedFeatures)
    assert result.file.stat().st_size > 1000


def test_a_bad_track_is_a_record_and_others_go_on(song: Path, tmp_path: Path) -> None:
    """Text, a missing file and a start beyond the end are failures with reasons."""
    text = tmp_path / "text.mp3"
    text.write_text("no sound here")
    results = list(save_features([text, tmp_path / "gone.mp3", song], tmp_path, config=CONFIG))
    assert [type(result) for result in results] == [FeaturesFailure, FeaturesFailure, SavedFeatures]
    (late,) = save_features([song], tmp_path / "late", config=CONFIG, start_seconds=9.0)
    assert isinstance(late, FeaturesFailure)
    assert "3.0 s long" in late.reason


def test_nothing_is_replaced_without_force(song: Path, tmp_path: Path) -> None:
    """A second call is refused; with force the files are replaced and no others are left."""
    out = tmp_path / "out"
    list(save_features([song], out, config=CONFIG))
    (out / "tone.png").write_text("mine")
    with pytest.raises(OutputExists, match=r"tone\.png exists already. Give --force"):
        list(save_features([song], out, config=CONFIG))
    assert (out / "tone.png").read_text() == "mine"
    list(save_features([song], out, config=CONFIG, force=True))
    assert [file.name for file in out.iterdir()] == ["tone.png"]
    assert imread(out / "tone.png").ndim == 3


def test_tracks_of_one_name_get_files_of_their_own() -> None:
    """Equal names, ignoring case, get numbers from 2 on."""
    sources = [Path("a/x.mp3"), Path("b/X.flac"), Path("x-2.ogg"), Path("y.wav")]
    names = [file.name for file in output_files(sources, Path("o"), suffix=".png")]
    assert names == ["x.png", "X-2.png", "x-2-2.png", "y.png"]


@pytest.mark.parametrize(("start", "seconds"), [(-1.0, 1.0), (0.0, 0.0), (float("nan"), 1.0)])
def test_an_impossible_stretch_is_refused(
    song: Path, tmp_path: Path, start: float, seconds: float
) -> None:
    """The message has both values."""
    with pytest.raises(UsageError, match="start at 0 or later"):
        list(save_features([song], tmp_path, config=CONFIG, start_seconds=start, seconds=seconds))


@pytest.mark.parametrize("name", ["mel", "gtzan-log", "cqt"])
def test_row_edges_rise_and_positions_invert_them(name: str) -> None:
    """The lower edge of row k is at position k of the axis."""
    config = FRONT_ENDS[name]
    edges = row_edges_hz(config, RATE)
    assert edges is not None
    assert (np.diff(edges) > 0).all()
    assert row_positions(config, RATE, edges) == pytest.approx(np.arange(len(edges)), abs=1e-6)


def test_column_edges_follow_the_way_of_sampling() -> None:
    """Frames are centred on their times; sampled columns divide the excerpt evenly."""
    every = column_edges_seconds(CONFIG, n_columns=3, sample_rate=RATE, n_samples=1200)
    assert every * RATE == pytest.approx([-256, 256, 768, 1280])
    sampled = dataclasses.replace(CONFIG, n_columns=4)
    edges = column_edges_seconds(sampled, n_columns=4, sample_rate=RATE, n_samples=4 * RATE)
    assert edges == pytest.approx([0, 1, 2, 3, 4])
