"""Vectors of tags from a text file of word vectors, as GloVe, word2vec and fastText write them.

A line is a word and its numbers, apart by spaces; a first line with two whole numbers is skipped.
Only the words of the tags are kept in memory. A tag of several words (`female vocal`) is in the
file as one (`female_vocal`, `female-vocal`), or it is the mean of its words.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.errors import ConfigError, DatasetError, printable_path

_JOINTS = "_-"


def tag_word_vectors(path: Path, tags: Sequence[str]) -> NDArray[np.float64]:
    """A row for each tag, float64 [tags, size]; NaN for a tag that no word of the file fits."""
    wanted_words = {word for tag in tags for word in (*_whole_names(tag), *_words(tag))}
    vectors = _read(path, wanted_words)
    if not vectors:
        raise DatasetError(
            f"{printable_path(path)}: holds no word of the tags ({', '.join(tags[:5])} …)"
        )
    size = len(next(iter(vectors.values())))
    rows = np.full((len(tags), size), np.nan)
    for row, tag in enumerate(tags):
        whole = next((vectors[name] for name in _whole_names(tag) if name in vectors), None)
        parts = [vectors[word] for word in _words(tag) if word in vectors]
        if whole is not None or parts:
            rows[row] = np.mean(parts, axis=0) if whole is None else whole
    return rows


def _whole_names(tag: str) -> list[str]:
    words = _words(tag)
    return [joint.join(words) for joint in _JOINTS] if words else []


def _words(tag: str) -> list[str]:
    return re.findall(r"\w+", tag.lower().replace("_", " "))


def _read(path: Path, wanted_words: set[str]) -> dict[str, NDArray[np.float64]]:
    if not path.name:
        raise ConfigError('sampler.latent = "word-vectors" needs a file: set sampler.word_vectors')
    vectors: dict[str, NDArray[np.float64]] = {}
    sizes: set[int] = set()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                word, *numbers = line.rstrip().split(" ")
                is_heading = number == 1 and len(numbers) == 1
                if is_heading or word.lower() not in wanted_words or word.lower() in vectors:
                    continue
                vectors[word.lower()] = _numbers(numbers, path, number)
                sizes.add(len(numbers))
    except OSError as error:
        raise DatasetError(f"{printable_path(path)}: {error.strerror or error}") from error
    if len(sizes) > 1:
        raise DatasetError(f"{printable_path(path)}: vectors of {sorted(sizes)} numbers")
    return vectors


def _numbers(texts: Sequence[str], path: Path, line: int) -> NDArray[np.float64]:
    try:
        values = np.array([float(text) for text in texts])
    except ValueError as error:
        raise DatasetError(f"{printable_path(path)}, line {line}: {error}") from error
    if not len(values) or not np.isfinite(values).all():
        raise DatasetError(f"{printable_path(path)}, line {line}: not a row of finite numbers")
    return values
