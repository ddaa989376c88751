"""Songs in three styles, and a model without a network that recognises them."""

from pathlib import Path

import numpy as np

from embedder.encoding.requests import EncodingFailure, EncodingResult, TrackEncoding, TrackRequest
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

STYLES = ("Folk", "Jazz", "Rock")
N_SONGS = 36


class StyledEncoder(ToyEncoder):
    """A file's name begins with its style's number, which draws its vector to one side."""

    def _encode(self, request: TrackRequest) -> EncodingResult:
        result = super()._encode(request)
        if isinstance(result, EncodingFailure):
            return result
        style = int(request.path.name[0])
        excerpts = 0.7 * result.excerpt_vectors
        excerpts[:, style] += 0.7
        excerpts /= np.linalg.norm(excerpts, axis=1, keepdims=True)
        vector = excerpts.mean(axis=0)
        return TrackEncoding(
            path=result.path,
            vector=vector / np.linalg.norm(vector),
            excerpt_vectors=excerpts,
            starts_seconds=result.starts_seconds,
            excerpt_seconds=result.excerpt_seconds,
            duration_seconds=result.duration_seconds,
        )


def make_music(folder: Path) -> list[Path]:
    """Three songs by each of four artists a style."""
    paths = []
    for number in range(N_SONGS):
        style = number % 3
        path = write_wav(folder / f"{style} song {number:02}.wav", number)
        tag_wav(path, genre=STYLES[style], artist=f"Artist {number % 12}", title=f"Song {number}")
        paths.append(path)
    return paths
