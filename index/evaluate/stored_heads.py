"""What a model's own heads say of a library's tracks, from the vectors that are stored of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from embedder.models.card import read_card
from embedder.models.own_heads import heads_by_field
from index.evaluate.head import HeadAnswers, answers_of
from index.library_folder.open_library import OpenLibrary


def stored_answers(
    library: OpenLibrary, ids: Sequence[int], model_folder: Path
) -> Mapping[str, HeadAnswers]:
    """The answers of each head by its field; nothing is analysed.

    model_folder: the model that made the vectors. A track without stored excerpts, from an earlier
    version, is classified by its vector.
    """
    heads = heads_by_field(model_folder, read_card(model_folder))
    if not heads:
        return {}
    excerpt_vectors = []
    for track_id in ids:
        excerpts = library.excerpts(track_id)
        stored = library.vectors([track_id]) if excerpts is None else excerpts.vectors
        excerpt_vectors.append(stored)
    return answers_of(heads, excerpt_vectors)
