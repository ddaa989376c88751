"""The function `listen`: answers to a source's sound, with a model or a library by name."""

from collections.abc import Iterator
from pathlib import Path

from embedder.errors import NotFound
from index.library import Library
from soundalike.live.heard import Heard
from soundalike.live.labellers import HeadLabeller, Labeller, NearestTracks, VoteLabeller
from soundalike.live.listener import Listener
from soundalike.live.settings import ListenSettings
from soundalike.live.sources.source import Source


def listen(
    source: Source,
    *,
    model: str | Path = "",
    library: Library | None = None,
    field: str = "",
    settings: ListenSettings | None = None,
) -> Iterator[Heard]:
    """Answers to the sound of a source, one for each window of it.

    model: a model with labels of its own. Without one, the tracks of `library` vote on `field`.
    """
    return open_listener(
        source, model=model, library=library, field=field, settings=settings
    ).heard()


def open_listener(
    source: Source,
    *,
    model: str | Path = "",
    library: Library | None = None,
    field: str = "",
    settings: ListenSettings | None = None,
    with_other_model: bool = False,
) -> Listener:
    """A run that is ready: its model is loaded, its labels are known.

    `with_other_model`: name the nearest tracks of the library even if `model` is not its model.
    Every window is then encoded twice.
    """
    settings = settings or ListenSettings()
    labeller = _labeller(model, library, field, settings)
    nearest = None
    if library is not None and settings.n_neighbours and len(library):
        is_same = labeller.encoder.fingerprint == library.model.fingerprint
        if is_same or with_other_model:
            nearest = NearestTracks(library, k=settings.n_neighbours)
    return Listener(source, labeller, settings=settings, nearest=nearest)


def _labeller(
    model: str | Path, library: Library | None, field: str, settings: ListenSettings
) -> Labeller:
    if model:
        return HeadLabeller(model, field=field)
    if library is not None and len(library):
        return VoteLabeller(library, field=field or "genre", window_seconds=settings.window_seconds)
    from index.labels.classify.classify import chosen_model  # imports torch

    return HeadLabeller(chosen_model("", lambda: _no_library(library)), field=field)


def _no_library(library: Library | None) -> Library:
    raise NotFound("there is no library" if library is None else "the library is empty")
