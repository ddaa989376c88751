"""A latent space of the tags, in which tracks with tags that often occur together are near.

Three ways, all without an iterative trainer: the truncated singular value decomposition of the
weighted tag matrix (latent semantic analysis), and an embedding of the tags from how often they
come together (positive pointwise mutual information, factorised: Levy & Goldberg 2014 show that
this is what word2vec's negative sampling approximates), or vectors of words that were trained
elsewhere. In the last two a track is the mean of its tags.
"""

import numpy as np
import numpy.typing as npt

from embedder.errors import DatasetError
from embedder.training.objectives.targets import Matrix

Tags = npt.NDArray[np.floating]


def truncated_svd(tags: Tags, size: int, *, weights: npt.ArrayLike | None = None) -> Matrix:
    """Tracks in the space of the largest singular values, unit length, float32 [tracks, size].

    A track without tags is unknown: a row of NaN.
    """
    weighted = (tags > 0) * (1.0 if weights is None else np.asarray(weights, dtype=np.float64))
    _, directions = _largest_eigenvectors(weighted.T @ weighted, size)
    return _unit_rows(weighted @ directions)


def cooccurrence_embedding(tags: Tags, size: int) -> Matrix:
    """Tracks as the mean of their tags' vectors, unit length, float32 [tracks, size]."""
    binary = (tags > 0).astype(np.float64)
    vectors = tag_vectors(binary, size)
    return _unit_rows(binary @ vectors / np.maximum(binary.sum(axis=1, keepdims=True), 1.0))


def word_embedding(tags: Tags, vectors: npt.NDArray[np.float64]) -> Matrix:
    """Tracks as the mean of their tags' word vectors, unit length, float32 [tracks, size].

    vectors: float64 [tags, size]; a tag without a vector, a row of NaN, is left out.
    """
    has_vector = ~np.isnan(vectors).any(axis=1)
    binary = (tags[:, has_vector] > 0).astype(np.float64)
    known_vectors = vectors[has_vector]
    known_vectors = known_vectors / np.maximum(
        np.linalg.norm(known_vectors, axis=1, keepdims=True), 1e-9
    )
    return _unit_rows(binary @ known_vectors)


def tag_vectors(tags: Tags, size: int) -> npt.NDArray[np.float64]:
    """A vector for each tag from positive pointwise mutual information, float64 [tags, size]."""
    binary = (tags > 0).astype(np.float64)
    together = binary.T @ binary
    # The diagonal stays, so that a tag that only occurs alone has a vector.
    single = binary.sum(axis=0)
    chance = np.outer(single, single) / max(len(binary), 1)
    ratio = np.divide(together, chance, out=np.zeros_like(together), where=chance > 0)
    information = np.log(np.maximum(ratio, 1.0))
    values, directions = _largest_eigenvectors(information, size)
    return directions * np.sqrt(np.maximum(values, 0.0))


def _largest_eigenvectors(
    symmetric: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if not 1 <= size <= len(symmetric):
        raise DatasetError(
            f"latent_size = {size}, but there are {len(symmetric)} tags: use 1 to {len(symmetric)}"
        )
    values, vectors = np.linalg.eigh(symmetric)
    values, vectors = values[::-1][:size], vectors[:, ::-1][:, :size]
    # The sign of an eigenvector is arbitrary: the largest entry is made positive in every run.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(size)])
    return values, vectors * np.where(signs == 0, 1.0, signs)


def _unit_rows(values: npt.NDArray[np.float64]) -> Matrix:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    unknown = lengths[:, 0] < 1e-9
    unit = values / np.maximum(lengths, 1e-9)
    unit[unknown] = np.nan
    return np.asarray(unit, dtype=np.float32)
