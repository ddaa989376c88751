"""Training with a teacher's vectors as targets."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import TrainingConfig
from embedder.datasets.opening import open_dataset
from embedder.training.feeding.known_tracks import known_tracks
from embedder.training.run import TrainingRun
from embedder.training.train import open_run
from embedder.training.validation import encode_excerpts, track_means
from tests.embedder.rich_sets import write_rich_set
from tests.embedder.small_sets import small_config

NO_LABELS = DatasetConfig(label_field="")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rich_set(tmp_path_factory.mktemp("set"), n_tracks=192)


def distilling() -> TrainingConfig:
    """A configuration that learns from the teacher alone."""
    return dataclasses.replace(
        small_config(epochs=10, validate_every_epochs=10),
        dataset=NO_LABELS,
        objectives=(ObjectiveConfig(kind="distillation"),),
        sampler=SamplerConfig(kind="plain", batch_size=16),
    )


def held_out_vectors(run: TrainingRun) -> NDArray[np.float32]:
    rows = run.held_out.queries
    network, front_end = run.loop.best_network, run.start.front_end
    encoded = encode_excerpts(run.source, rows, network, front_end, device=run.held_out.device)
    return track_means(*encoded, rows, geometry=run.start.geometry)


def pair_similarities(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarities: NDArray[np.float32] = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return similarities


def test_a_distilled_network_compares_held_out_tracks_like_its_teacher(
    data: Path, tmp_path: Path
) -> None:
    """Tracks that are near in the teacher's vectors are near for the network."""
    run = open_run(data, distilling(), tmp_path)
    assert run.known.teacher is not None
    of_teacher = pair_similarities(run.known.teacher[run.held_out.queries])
    before = np.corrcoef(pair_similarities(held_out_vectors(run)), of_teacher)[0, 1]
    run.run()
    after = np.corrcoef(pair_similarities(held_out_vectors(run)), of_teacher)[0, 1]
    assert before < 0.25 < 0.45 < after


def test_the_teacher_is_centred_on_the_training_side(data: Path) -> None:
    """Held-out vectors do not change mean and deviation; all have unit length."""
    dataset = open_dataset(data)
    vectors = dataset.extra_vectors["vector"].astype(np.float64)
    training = vectors[dataset.positions("train")]
    expected = (vectors - training.mean(axis=0)) / training.std(axis=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    teacher = known_tracks(dataset, NO_LABELS).teacher
    assert teacher is not None
    np.testing.assert_allclose(teacher, expected, atol=1e-5)


def test_a_batch_gets_the_vectors_of_its_own_tracks(data: Path, tmp_path: Path) -> None:
    """Rows of the training side are not rows of the data set."""
    run = open_run(data, distilling(), tmp_path)
    parts = run.loop.parts
    batch = parts.targets.batch(np.array([40, 3]))
    assert batch.teacher is not None
    assert run.known.teacher is not None
    np.testing.assert_array_equal(batch.teacher.numpy(), run.known.teacher[parts.rows[[40, 3]]])
