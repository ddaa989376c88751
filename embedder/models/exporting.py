"""`soundalike models export`: a model to hand on, as a folder, a .zip, or an ONNX file.

An ONNX export holds the network with its normalisation; a TOML beside it says what goes in, so
that `soundalike models import` can take both back, and other programs know what to compute.
"""

import dataclasses
import io
import shutil
import tempfile
import warnings
import zipfile
from pathlib import Path

import torch
from torch import nn

from embedder.config.loading import from_dict, to_toml
from embedder.errors import BadInput, MissingExtra
from embedder.features.front_end import FrontEnd
from embedder.models.kinds.onnx_file import ONNX_NAME
from embedder.models.kinds.onnx_spec import InputSpec, OnnxSpec, OutputSpec
from embedder.models.loaded import LoadedModel
from embedder.models.registry import load_model
from embedder.networks.network import EmbeddingNetwork
from embedder.networks.profile import input_shape_of
from embedder.whole_files import check_output, write_whole

_FIRST_OF_ZIP = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip knows: the same model gives the same bytes."""


def export_model(name_or_path: str | Path, output: Path, *, replace: bool = False) -> list[Path]:
    """Write a model to `output`, in the form that its suffix names; the paths that were written."""
    model = load_model(name_or_path)  # what does not load is not handed on
    suffix = output.suffix.lower()
    written = [output, output.with_suffix(".toml")] if suffix == ".onnx" else [output]
    for path in written:
        if not suffix and path.is_dir() and replace:
            continue  # a model's folder
        check_output(path, force=replace)
    output.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".onnx":
        _export_onnx(model, output)
    elif suffix == ".zip":
        write_whole(output, _zipped(model.folder))
    else:
        shutil.copytree(model.folder, output, dirs_exist_ok=True)
    return written


def _zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIRST_OF_ZIP)
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
        what = "a projection" if model.kind == "projection" else "a Hugging Face model"
        raise BadInput(f"{model.name}: {what}; export it as a folder or a .zip")
    write_whole(output.with_suffix(".toml"), text.encode())
    write_whole(output, data)


def onnx_bytes(network: EmbeddingNetwork, *, normalisation: nn.Module) -> bytes:
    """Normalisation and network as one ONNX graph, any number of excerpts of any length."""
    try:
        import onnx  # noqa: F401 - torch's exporter finishes its graph with it
    except ImportError as error:
        raise MissingExtra("Export to ONNX", "pretrained") from error
    whole = nn.Sequential(normalisation, network).eval()
    example = torch.rand(
        2, *input_shape_of(network.config), generator=torch.Generator().manual_seed(0)
    )
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        # The tracing exporter is called legacy, but needs no further package; and it warns of
        # the checks of shapes, which are meant to be left out of the graph.
        warnings.simplefilter("ignore")
        path = Path(scratch) / ONNX_NAME
        torch.onnx.export(
            whole,
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
