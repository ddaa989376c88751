"""Whether the files of a model are those that its card was written for."""

from collections.abc import Sequence
from pathlib import Path

from embedder.errors import CorruptArtefact, FingerprintMismatch, printable_path
from embedder.models.card import Card
from embedder.models.fingerprint import files_fingerprint, short_fingerprint


def refuse_altered(folder: Path, card: Card, paths: Sequence[Path], *, again: str) -> None:
    """Raise an error if a file is missing, or a file or the card was altered.

    `again` says what to do, such as "import the model again".
    """
    for path in paths:
        if not path.is_file():
            raise CorruptArtefact(
                f"{printable_path(path)}: missing. {again[:1].upper()}{again[1:]}."
            )
    fingerprint = files_fingerprint(card.config, card.source, paths)
    if fingerprint != card.fingerprint:
        raise FingerprintMismatch(
            printable_path(folder),
            found=short_fingerprint(fingerprint),
            expected=short_fingerprint(card.fingerprint),
            advice=f"Its files or its card were altered: {again}.",
        )
