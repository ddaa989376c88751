"""A model as a person reads it: sentences, then short tables of settings, scores and layers."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cli.records import cell, size_words
from embedder.errors import printable_path

if TYPE_CHECKING:
    from embedder.models.description import ModelDescription

MOST_LAYERS = 40
"""A larger network is shown by its parts; --json has every layer."""
LAYER_COLUMNS = ("name", "kind", "output_shape", "n_parameters", "multiply_adds")
PART_COLUMNS = ("part", "layers", "n_parameters", "multiply_adds")
MODEL_PARTS = ("part", "kind", "weight", "embedding_size", "excerpts", "fingerprint")
SETTING_COLUMNS = ("setting", "value")
SCORE_COLUMNS = ("score", "value")
MAIN_SCORES = ("accuracy", "map", "macro_f1", "leaky_accuracy", "n_queries")
PARTS_DEEP = 2


def model_sentences(model: "ModelDescription") -> Iterator[str]:
    """What the model is, what it makes of a track, what it costs, and where it is."""
    yield f"{model.name}: {model.kind}, fingerprint {model.fingerprint[:12]}."
    if model.description:
        yield model.description
    excerpts = {} if model.parts else model.excerpts
    n_excerpts, seconds = excerpts.get("n_excerpts"), excerpts.get("excerpt_seconds")
    if n_excerpts and seconds:
        what = "excerpt" if n_excerpts == 1 else "excerpts"
        placement = f" ({excerpts['placement']})" if excerpts.get("placement") else ""
        yield f"Reads {n_excerpts} {what} of {seconds:g} s from a track{placement}."
    yield f"A track becomes {model.embedding_size} numbers, compared by {model.geometry}."
    cost = [size_words(model.bytes_on_disk)]
    if model.n_parameters:
        cost.append(f"{cell('', model.n_parameters)} parameters")
    if model.multiply_adds:
        cost.append(f"{cell('', model.multiply_adds)} multiply-adds for an excerpt")
    yield f"Costs {', '.join(cost)}."
    if model.licence:
        yield f"Licence: {model.licence}."
    made = f", made by {model.made_by}" if model.made_by else ""
    yield f"Folder: {printable_path(model.path)}{made}"


def setting_rows(model: "ModelDescription") -> list[dict[str, object]]:
    """The settings of front end and backbone, by their names in a TOML file."""
    if model.parts:  # each has its own
        return []
    tables = {"front_end": model.front_end, "excerpts": model.excerpts}
    if model.backbone is not None:
        tables["backbone"] = model.backbone
    return [
        {"setting": f"{table}.{name}", "value": value}
        for table, settings in tables.items()
        for name, value in settings.items()
    ]


def score_rows(model: "ModelDescription") -> list[dict[str, object]]:
    """The main figures on the model's card; --json has all, with their protocol."""
    return [
        {"score": name.replace("_", " "), "value": value}
        for name in MAIN_SCORES
        if isinstance(value := _figure(model.scores.get(name)), int | float)
    ]


def protocol_line(model: "ModelDescription") -> str:
    """What the figures were measured on."""
    protocol = model.scores.get("protocol")
    if not isinstance(protocol, Mapping):
        return "scores"
    names = ("data", "field", "k", "kind")
    facts = [f"{name} {protocol[name]}" for name in names if protocol.get(name) not in (None, "")]
    return f"scores ({', '.join(facts)})"


def layer_rows(model: "ModelDescription") -> tuple[tuple[str, ...], list[Any]]:
    """Columns and rows: the layers, or the parts of a network that has many."""
    if len(model.layers) <= MOST_LAYERS:
        return LAYER_COLUMNS, list(model.layers)
    parts: dict[str, dict[str, Any]] = {}
    for layer in model.layers:
        words = layer.name.split(".")
        depth = PARTS_DEEP + 2 * (words[0] == "beside")
        name = ".".join(word for word in words[: depth + 1])
        part = parts.setdefault(
            name, {"part": name, "layers": 0, "n_parameters": 0, "multiply_adds": 0}
        )
        part["layers"] += 1
        part["n_parameters"] += layer.n_parameters
        part["multiply_adds"] += layer.multiply_adds
    return PART_COLUMNS, list(parts.values())


def _figure(value: Any) -> Any:
    """A figure, or the mean of one that has an interval."""
    return value.get("mean") if isinstance(value, Mapping) else value
