"""A small projection on the vectors of another encoder, which is not changed: quick to train.

    FOLDER/card.json               kind "projection"
           projection.safetensors  the weights that were trained
           base/                   a whole copy of the encoder, of any kind

Because of the copy, the folder needs no other model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor, nn

from embedder.config.model import ModelConfig
from embedder.errors import CorruptArtefact, FingerprintMismatch, OutputExists, printable_path
from embedder.geometry import geometry_of
from embedder.models.altered import refuse_altered
from embedder.models.card import CARD_NAME, Card, read_card, write_card
from embedder.models.fingerprint import files_fingerprint, short_fingerprint
from embedder.models.heads import Head, Heads, records_of, remove_heads
from embedder.models.kinds.projection_file import BASE_NAME, PROJECTION_NAME
from embedder.models.loaded import LoadedModel, NetworkCall
from embedder.models.model_files import copy_model
from embedder.whole_files import whole_folder, write_whole

MIN_DEVIATION = 1e-4


class Projection(nn.Module):
    """Vectors float32 [batch, n_inputs] (or [batch, n_inputs, 1]) to vectors of the geometry.

    Inputs are standardised by the training tracks' mean and deviation, because encoders differ in
    scale by orders of magnitude. `hidden_size` 0: linear; otherwise there is one hidden layer.
    """

    def __init__(self, config: ModelConfig, *, n_inputs: int, hidden_size: int = 0) -> None:
        super().__init__()
        self.config = config
        self.geometry = geometry_of(config.geometry, curvature=config.curvature)
        self.register_buffer("mean", torch.zeros(n_inputs))
        self.register_buffer("deviation", torch.ones(n_inputs))
        last = nn.Linear(hidden_size or n_inputs, config.embedding_size)
        if config.geometry == "poincare":  # near the centre, as in EmbeddingNetwork
            nn.init.normal_(last.weight, std=0.03 / last.in_features**0.5)
        first = [nn.Linear(n_inputs, hidden_size), nn.ReLU()] if hidden_size else []
        self.layers = nn.Sequential(*first, last)

    @property
    def n_inputs(self) -> int:
        """The size of the encoder's vectors."""
        return len(self.get_buffer("mean"))

    @property
    def hidden_size(self) -> int:
        """Units of the hidden layer; 0: linear."""
        *hidden, last = self.layers
        assert isinstance(last, nn.Linear)  # noqa: S101  # by construction
        return last.in_features if hidden else 0

    def standardise_by(self, vectors: Tensor) -> None:
        """Take mean and deviation from the training tracks' vectors [n, n_inputs]."""
        self.get_buffer("mean").copy_(vectors.mean(dim=0))
        deviation = vectors.std(dim=0, unbiased=False)
        self.get_buffer("deviation").copy_(deviation.clamp_min(MIN_DEVIATION))

    def forward(self, vectors: Tensor) -> Tensor:
        """[batch, n_inputs] to [batch, embedding_size]."""
        flat = vectors.flatten(1).to(self.get_buffer("mean").device)
        standardised = (flat - self.get_buffer("mean")) / self.get_buffer("deviation")
        return self.geometry.project(self.layers(standardised))


class ProjectedNetwork(nn.Module):
    """An encoder's network and a projection after it."""

    def __init__(self, base: NetworkCall, projection: Projection) -> None:
        super().__init__()
        self.base = base
        self.projection = projection

    def forward(self, features: Tensor) -> Tensor:
        """The output of the encoder's front end to vectors [batch, embedding_size]."""
        with torch.no_grad():
            base_vectors = self.base(features)
        # A network that tags gives probabilities after each vector.
        vectors: Tensor = self.projection(base_vectors[:, : self.projection.n_inputs].float())
        return vectors


def seeded_projection(
    config: ModelConfig, *, n_inputs: int, hidden_size: int, seed: int
) -> Projection:
    """A projection with the initial weights of a seed; torch's global generator is unchanged."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Projection(config, n_inputs=n_inputs, hidden_size=hidden_size)


def save_projection(
    folder: Path,
    projection: Projection,
    *,
    base: LoadedModel,
    name: str = "",
    scores: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    tag_head: Head | None = None,
    label_head: Head | None = None,
    replace: bool = False,
) -> Card:
    """Write the projection with a copy of its encoder, and the card last."""
    if (folder / CARD_NAME).exists() and not replace:
        raise OutputExists(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_copied(base, folder / BASE_NAME):
        with whole_folder(folder / BASE_NAME) as base_folder:
            copy_model(base.folder, base_folder)
    state = {n: t.detach().cpu().contiguous() for n, t in projection.state_dict().items()}
    write_whole(folder / PROJECTION_NAME, safetensors.save(state))
    remove_heads(folder)
    tag_record, label_record = records_of(folder, Heads(label_head, tag_head))
    source = {"base": base.fingerprint, "hidden_size": projection.hidden_size}
    fingerprint = files_fingerprint(projection.config, source, [folder / PROJECTION_NAME])
    card = Card(
        name=name or folder.name,
        fingerprint=fingerprint,
        config=projection.config,
        kind="projection",
        licence=base.card.licence,
        description=f"a projection on {base.name}",
        source=source,
        scores=dict(scores or {}),
        facts=dict(facts or {}),
        tag_head=tag_record,
        label_head=label_record,
    )
    write_card(folder, card)
    return card


def load_projection(folder: Path, card: Card, *, base: LoadedModel) -> LoadedModel:
    """The model in a folder whose card was read and whose encoder was loaded."""
    path = folder / PROJECTION_NAME
    if base.fingerprint != card.source.get("base"):
        raise FingerprintMismatch(
            printable_path(folder / BASE_NAME),
            found=short_fingerprint(base.fingerprint),
            expected=short_fingerprint(str(card.source.get("base"))),
            advice="The projection was trained on another encoder: copy the model again.",
        )
    refuse_altered(folder, card, [path], again="copy the model again")
    projection = Projection(
        card.config,
        n_inputs=base.embedding_size,
        hidden_size=int(card.source.get("hidden_size", 0)),
    )
    try:
        projection.load_state_dict(safetensors.load(path.read_bytes()))
    except (SafetensorError, RuntimeError) as error:
        raise CorruptArtefact(f"{printable_path(path)}: does not fit the card: {error}") from error
    network = ProjectedNetwork(base.network, projection).eval()
    return LoadedModel(folder, card, base.front_end, network)


def _is_copied(base: LoadedModel, target: Path) -> bool:
    """A run saves its best and last model again and again, but their encoder only once."""
    if not (target / CARD_NAME).exists():
        return False
    return read_card(target).fingerprint == base.fingerprint
