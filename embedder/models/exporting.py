"""`soundalike models export`: write a model as a folder, a .zip or an ONNX file.

An ONNX file holds the network with its normalisation. A TOML file beside it describes the input,
so that `soundalike models import` can import both, and other programs know what to compute. A
folder that holds anything but a model is never replaced.
"""

import dataclasses
import io
import tempfile
import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

from embedder.config.loading import from_dict, to_toml
from embedder.errors import (
    BadInput,
    MissingExtra,
    OutputExists,
    UsageError,
    printable_path,
)
from embedder.features.front_end import FrontEnd
from embedder.models.card import CARD_NAME
from embedder.models.kinds.onnx_arrays import ONNX_NAME
from embedder.models.kinds.onnx_spec import InputSpec, OnnxSpec, OutputSpec
from embedder.models.loaded import LoadedModel
from embedder.models.model_files import copy_model, model_files
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork
from embedder.networks.profile import input_shape_of
from embedder.whole_files import check_output, check_output_folder, whole_folder, write_whole

FILE_SUFFIXES = (".onnx", ".zip")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold, so that the same model gives the same bytes."""


def export_model(name_or_path: str | Path, output: Path, *, replace: bool = False) -> list[Path]:
    """Write a model to `output`, in the form that its suffix names; return the written paths."""
    model = load_model(name_or_path)  # a model that does not load is not exported
    suffix = output.suffix.lower()
    if suffix not in FILE_SUFFIXES:
        _export_folder(model.folder, output, replace=replace)
        return [output]
    outputs = [output, output.with_suffix(".toml")] if suffix == ".onnx" else [output]
    for path in outputs:
        check_output(path, force=replace)
    output.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".onnx":
        _export_onnx(model, output)
    else:
        write_whole(output, _zipped(model.folder))
    return outputs


def _export_folder(folder: Path, output: Path, *, replace: bool) -> None:
    if output.is_file():
        raise UsageError(f"{printable_path(output)} is a file. Name a folder, .zip or .onnx.")
    check_output_folder(output)
    if output.exists():
        is_model = (output / CARD_NAME).is_file() or not any(output.iterdir())
        if not is_model:
            raise UsageError(f"{printable_path(output)} holds no model. Name another folder.")
        if not replace:
            raise OutputExists(output)
    if output.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{printable_path(output)} is inside the model. Name another folder.")
    with whole_folder(output) as new_folder:
        copy_model(folder, new_folder)


def _zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in model_files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return content.getvalue()


def _export_onnx(model: LoadedModel, output: Path) -> None:
    if model.kind == "onnx":
        data = (model.folder / ONNX_NAME).read_bytes()
        text = to_toml(from_dict(OnnxSpec, model.card.source))
    elif isinstance(model.network, EmbeddingNetwork) and isinstance(model.front_end, FrontEnd):
        data = onnx_bytes(model.network, normalisation=model.front_end.normalisation)
        text = to_toml(_spec_of(model))
    else:
        kind = {"huggingface": "Hugging Face"}.get(model.kind, model.kind)
        raise BadInput(
            f"{model.name}: a model of the kind {kind} has no ONNX form. Export it as a folder or "
            "a .zip."
        )
    write_whole(output.with_suffix(".toml"), text.encode())
    write_whole(output, data)


def onnx_bytes(network: EmbeddingNetwork, *, normalisation: nn.Module) -> bytes:
    """Normalisation and network as one ONNX graph, for any number of excerpts of any length."""
    try:
        import onnx  # noqa: F401 - torch's exporter finishes its graph with it
    except ImportError as error:
        raise MissingExtra("Export to ONNX", "pretrained") from error
    graph = nn.Sequential(normalisation, network).eval()
    example = torch.rand(
        2, *input_shape_of(network.config), generator=torch.Generator().manual_seed(0)
    )
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        # The tracing exporter is called legacy, but it needs no further package. It warns that
        # the checks of shapes are not part of the graph, which is intended.
        warnings.simplefilter("ignore")
        path = Path(scratch) / ONNX_NAME
        torch.onnx.export(
            graph,
            (example,),
            str(path),
            dynamo=False,
            input_names=["spectrogram"],
            output_names=["vector"],
            dynamic_axes={"spectrogram": {0: "batch", 2: "columns"}, "vector": {0: "batch"}},
        )
        return path.read_bytes()


def _spec_of(model: LoadedModel) -> OnnxSpec:
    config = model.config
    front_end = dataclasses.replace(config.front_end, normalisation="none")  # it is in the graph
    has_rows = config.front_end.kind != "waveform"
    return OnnxSpec(
        sample_rate=config.front_end.sample_rate,
        excerpts=config.excerpts,
        geometry=config.geometry,
        curvature=config.curvature,
        licence=model.card.licence,
        description=model.card.description,
        input=InputSpec(
            name="spectrogram",
            layout=("batch", "rows" if has_rows else "1", "columns"),
            front_end=front_end,
        ),
        output=OutputSpec(name="vector"),
    )
