"""Synthetic spectrograms and copies of them, for the tests of audits."""

import numpy as np
from numpy.typing import NDArray

from index.audit.results import Finding

ROWS, COLUMNS = 32, 120


def music(seed: int, *, columns: int = COLUMNS) -> NDArray[np.float32]:
    """A picture in which notes come and go, unlike any other seed's."""
    generator = np.random.default_rng(seed)
    levels = np.zeros((ROWS, columns))
    for start in range(0, columns, 3):
        levels[generator.choice(ROWS, 6, replace=False), start : start + 4] = generator.random()
    return np.clip(levels + generator.normal(0, 0.03, levels.shape), 0, 1).astype(np.float32)


def copy_of(picture: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    """A copy as another audio encoder makes it: quieter, noisier and duller."""
    generator = np.random.default_rng(seed)
    copied = 0.8 * picture + generator.normal(0, 0.05, picture.shape)
    copied[-6:] *= 0.2
    return np.clip(copied, 0, 1).astype(np.float32)


def findings_of(kind: str, findings: tuple[Finding, ...] | list[Finding]) -> list[set[str]]:
    return [set(finding.tracks) for finding in findings if finding.kind == kind]
