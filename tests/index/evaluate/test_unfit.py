"""Tracks that cannot be measured: listed with their reason, never a number among the others."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.config.model import ModelConfig
from embedder.datasets.opening import open_dataset
from embedder.datasets.preparing import prepare_dataset
from embedder.errors import DatasetError
from embedder.models.kinds.network import save_model
from embedder.networks.network import EmbeddingNetwork
from index.evaluate.evaluation import evaluate
from index.evaluate.settings import EvaluationSettings
from tests.embedder.rich_sets import HEARS
from tests.embedder.small_sets import small_config, write_array_set
from tests.index.evaluation_sets import dataset_of, noisy_genres

N_TRACKS = 24
BROKEN = {2: np.nan, 5: np.inf}


def write_pictures(folder: Path, *, broken: dict[int, float]) -> Path:
    """A set of float pictures; the broken tracks hold one such value each."""
    write_array_set(folder, tracks_per_genre=N_TRACKS // 4)
    pictures = np.load(folder / "spectrograms.npz")["spectrogram"].astype(np.float32)
    for track, value in broken.items():
        pictures[track, 3, 4] = value
    names = np.array([f"t{i:03}" for i in range(N_TRACKS)])
    np.savez(folder / "spectrograms.npz", spectrogram=pictures, track=names)
    return folder


def write_waveforms(folder: Path, *, broken: dict[int, float]) -> Path:
    """A second of noise a track."""
    generator = np.random.default_rng(0)
    samples = generator.normal(0, 0.1, (8, 16000)).astype(np.float32)
    for track, value in broken.items():
        samples[track, 1234] = value
    names = [f"t{i}" for i in range(8)]
    folder.mkdir(parents=True)
    np.savez(folder / "waveforms.npz", waveform=samples, track=names, sample_rate=16000)
    (folder / "tracks.csv").write_text("\n".join(["track,genre", *(f"{n},jazz" for n in names)]))
    return folder


@pytest.mark.parametrize("name", ["row-statistics", "mfcc", "model"])
def test_a_picture_that_is_not_finite_is_listed(tmp_path: Path, name: str) -> None:
    """The others are measured as though it were not there."""
    save_model(tmp_path / "model", EmbeddingNetwork(small_config().model), name="small")
    name = str(tmp_path / "model") if name == "model" else name
    settings = EvaluationSettings(k=3, n_draws=20)
    whole = open_dataset(write_pictures(tmp_path / "whole", broken={}))
    rest = whole.subset([i for i in range(N_TRACKS) if i not in BROKEN])
    expected = evaluate(rest, [name], settings=settings)
    evaluation = evaluate(
        open_dataset(write_pictures(tmp_path / "set", broken=BROKEN)), [name], settings=settings
    )
    assert [failure["path"] for failure in evaluation.failed] == ["t002", "t005"]
    assert all("not finite" in failure["reason"] for failure in evaluation.failed)
    assert evaluation.models[0].n_queries == N_TRACKS - len(BROKEN)
    assert evaluation.models[0].to_json()["map"] == expected.models[0].to_json()["map"]


def test_training_leaves_out_what_is_not_finite(tmp_path: Path) -> None:
    """Pictures and waveforms alike: 8 bits would make a level of it."""
    pictures = open_dataset(write_pictures(tmp_path / "pictures", broken=BROKEN))
    waveforms = open_dataset(write_waveforms(tmp_path / "waveforms", broken=BROKEN))
    small: ModelConfig = small_config().model
    for dataset, model, broken in (
        (pictures, small, ["t002", "t005"]),
        (waveforms, HEARS, ["t2", "t5"]),
    ):
        prepared = prepare_dataset(dataset, model)
        assert [bad.path for bad in prepared.failures] == broken
        assert len(prepared) == len(dataset.rows) - len(broken)
        assert [dataset.rows[i] for i in prepared.dataset_rows] == list(prepared.rows)
        assert np.isfinite(prepared.excerpts(2).numpy()).all()
    nothing = open_dataset(
        write_pictures(tmp_path / "nothing", broken=dict.fromkeys(range(N_TRACKS), np.nan))
    )
    with pytest.raises(DatasetError, match=r"none of the 24 tracks can be read.*not finite"):
        prepare_dataset(nothing, small)


def test_a_vector_that_is_not_finite_is_listed() -> None:
    """Also in vectors that come with the data set."""
    labels, artists, vectors = noisy_genres(24)
    spoilt: NDArray[np.float32] = vectors.copy()
    spoilt[4, 1] = np.nan
    evaluation = evaluate(
        dataset_of(labels, artists, spoilt), ["given"], settings=EvaluationSettings(k=3)
    )
    assert evaluation.failed == ({"path": "t4", "reason": "its vector is not finite"},)
    assert evaluation.models[0].n_queries == 23
