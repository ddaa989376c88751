"""Combined models on disk: several encoders as one; each has its own front end and excerpts.

    FOLDER/card.json             kind "combined"
           combined.safetensors  mean and factor of each dimension, and the projection, if any
           members/0, members/1  whole copies of the encoders, of any kind

Each member's vector is standardised, divided by the root of its size and multiplied by its weight,
so that members of equal weight count equally, however long their vectors are. A projection, if
there is one, makes the result shorter.

Each member reads its own excerpts, and its vector of a track is their mean, as if it were alone.
If all members read the same excerpts, the combined model has a vector for each of them; otherwise
it has one for the whole track. `kinds.combined` runs it in torch, `kinds.combined_arrays` without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from embedder.config.model import ExcerptConfig, FrontEndConfig, MemberExcerpts, ModelConfig
from embedder.errors import (
    CorruptArtefact,
    FingerprintMismatch,
    UnsupportedFormat,
    printable_path,
)
from embedder.models.altered import refuse_altered
from embedder.models.card import Card, TagHeadRecord, write_card
from embedder.models.fingerprint import files_fingerprint, short_fingerprint
from embedder.models.loaded import OpenModel
from embedder.models.model_files import MEMBERS_NAME, copy_model
from embedder.whole_files import write_whole

TENSORS_NAME = "combined.safetensors"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """How the members' vectors are brought together.

    mean, factor: float32 [sum of sizes]; projection: float32 [size, sum of sizes], or None
    """

    mean: Floats
    factor: Floats
    projection: Floats | None = None

    def apply(self, vectors: Floats) -> Floats:
        """Members' vectors [batch, sum of sizes] to [batch, size]."""
        balanced: Floats = (vectors - self.mean) * self.factor
        return balanced if self.projection is None else balanced @ self.projection.T

    @property
    def size(self) -> int:
        """How many numbers the result has."""
        return len(self.mean) if self.projection is None else len(self.projection)


def excerpts_of(members: Sequence[OpenModel]) -> ExcerptConfig:
    """What the combined model reads: the excerpts of all members."""
    configs = [member.config.excerpts for member in members]
    is_shared = all(config == configs[0] and not config.members for config in configs)
    longest = max(configs, key=lambda config: config.excerpt_seconds)
    read: list[MemberExcerpts] = []
    for member, config in zip(members, configs, strict=True):
        read += config.members or (_member_excerpts(config, member.sample_rate),)
    return replace(longest, n_excerpts=longest.n_excerpts if is_shared else 1, members=tuple(read))


def _member_excerpts(config: ExcerptConfig, sample_rate: int) -> MemberExcerpts:
    return MemberExcerpts(
        n_excerpts=config.n_excerpts,
        excerpt_seconds=config.excerpt_seconds,
        placement=config.placement,
        when_short=config.when_short,
        min_seconds=config.min_seconds,
        sample_rate=sample_rate,
    )


def save_combined(
    folder: Path,
    members: Sequence[OpenModel],
    standard: Standard,
    *,
    name: str,
    weights: Sequence[float],
    facts: Mapping[str, Any],
) -> Card:
    """Write the members' copies and the tensors, and the card last."""
    for number, member in enumerate(members):
        copy_model(member.folder, folder / MEMBERS_NAME / str(number))
    tensors = {"mean": standard.mean, "factor": standard.factor}
    if standard.projection is not None:
        tensors["projection"] = standard.projection
    path = folder / TENSORS_NAME
    write_whole(
        path, safetensors.numpy.save({n: np.ascontiguousarray(t) for n, t in tensors.items()})
    )
    config = ModelConfig(
        excerpts=excerpts_of(members),
        front_end=FrontEndConfig(kind="waveform", sample_rate=0),
        embedding_size=standard.size,
    )
    source = {"members": [member.fingerprint for member in members], "weights": list(weights)}
    tagger = next((member for member in members if member.tags), None)
    card = Card(
        name=name,
        fingerprint=files_fingerprint(config, source, [path]),
        config=config,
        kind="combined",
        licence="; ".join(dict.fromkeys(part for m in members for part in _parts(m.card.licence))),
        description=f"{' and '.join(member.name for member in members)}, side by side",
        source=source,
        facts=dict(facts),
        tag_head=TagHeadRecord(tags=tagger.tags) if tagger else TagHeadRecord(),
    )
    write_card(folder, card)
    return card


def member_folders(folder: Path) -> list[Path]:
    """The folders of the members, in their order."""
    root = folder / MEMBERS_NAME
    if not root.is_dir():
        raise CorruptArtefact(f"{printable_path(root)}: missing. Combine the models again.")
    return sorted((p for p in root.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))


def read_standard(folder: Path, card: Card, members: Sequence[OpenModel]) -> Standard:
    """The tensors in a folder whose card was read and whose members were loaded."""
    path = folder / TENSORS_NAME
    if not card.config.excerpts.members:
        raise UnsupportedFormat(
            f"{printable_path(folder)}: combined by an earlier version, in which members did not "
            "read their own excerpts: combine the models again."
        )
    refuse_altered(folder, card, [path], again="combine the models again")
    expected = [str(digits) for digits in card.source.get("members", [])]
    present = [member.fingerprint for member in members]
    if present != expected:
        raise FingerprintMismatch(
            printable_path(folder / MEMBERS_NAME),
            found=", ".join(map(short_fingerprint, present)) or "none",
            expected=", ".join(map(short_fingerprint, expected)),
            advice="Another model was put there: combine the models again.",
        )
    try:
        tensors = safetensors.numpy.load(path.read_bytes())
        standard = Standard(tensors["mean"], tensors["factor"], tensors.get("projection"))
    except (SafetensorError, KeyError) as error:
        where = printable_path(path)
        raise CorruptArtefact(f"{where}: not of a combined model: {error}") from error
    n_values = sum(member.embedding_size for member in members)
    if len(standard.mean) != n_values or standard.size != card.config.embedding_size:
        raise CorruptArtefact(f"{printable_path(path)}: does not fit the members")
    return standard


def _parts(licence: str) -> list[str]:
    return [part for part in licence.split("; ") if part]
