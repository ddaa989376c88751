"""MusiCNN models without torch: mel patches in numpy, and the network in ONNX Runtime."""

from pathlib import Path

from embedder.models.card import Card
from embedder.models.graphs.musicnn import INPUT_NAME, musicnn_file
from embedder.models.graphs.session import GraphSession
from embedder.models.kinds.foreign_mel_arrays import MelArrays
from embedder.models.kinds.musicnn_file import MEL, SAMPLE_RATE, read_musicnn
from embedder.models.loaded import ArrayModel


def load_musicnn_arrays(folder: Path, card: Card) -> ArrayModel:
    """The model in a folder whose card was read."""
    tensors, layer = read_musicnn(folder, card)
    tags = card.tag_head.tags
    data = musicnn_file(card.config, tensors, layer, n_tags=len(tags))
    # All optimisations would make this network slower.
    session = GraphSession(data, input_name=INPUT_NAME, optimised_after=0)
    return ArrayModel(folder, card, MelArrays(MEL, sample_rate=SAMPLE_RATE), session.run, tags=tags)
