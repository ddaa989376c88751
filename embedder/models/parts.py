"""The part of a combined model that is used where the whole model cannot be.

A combined model reads audio with several front ends, so it takes no stored spectrograms, and it has
no single backbone that training could continue. `facts.trained_part` on its card names the part
that stands for it in training; of stored spectrograms, the part that reads such rows is used.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from embedder.errors import CorruptArtefact, printable_path
from embedder.models.card import read_card
from embedder.models.kinds.combined_file import member_folders
from embedder.models.registry import find_model, load_model

if TYPE_CHECKING:
    from embedder.models.loaded import LoadedModel

TRAINED_PART = "trained_part"


def load_base(name_or_path: str | Path) -> "LoadedModel":
    """The model that training starts from: the named one, or the part that its card names."""
    return load_model(trained_folder(find_model(name_or_path)))


def trained_folder(folder: Path) -> Path:
    """The folder of the model that training starts from."""
    card = read_card(folder)
    number = card.facts.get(TRAINED_PART)
    if card.kind != "combined" or number is None:
        return folder
    folders = member_folders(folder)
    if not isinstance(number, int) or not 0 <= number < len(folders):
        raise CorruptArtefact(f"{printable_path(folder)}: it has no part {number}")
    return folders[number]


def part_with_short_excerpts(folder: Path) -> Path | None:
    """The part that hears the shortest excerpts of a combined model with one vector a track.

    None for other models: they have a vector of each of their excerpts.
    """
    card = read_card(folder)
    if card.kind != "combined" or card.config.excerpts.n_excerpts > 1:
        return None
    seconds = {
        part: read_card(part).config.excerpts.excerpt_seconds for part in member_folders(folder)
    }
    return min(seconds, key=lambda part: seconds[part])


def part_for_rows(model: "LoadedModel", n_rows: int) -> "LoadedModel | None":
    """The first part of a combined model that reads spectrograms with so many rows."""
    from embedder.features.front_end import FrontEnd

    for folder in member_folders(model.folder):
        part = load_model(folder)
        if isinstance(part.front_end, FrontEnd) and part.front_end.n_rows == n_rows:
            return part
    return None
