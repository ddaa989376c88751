"""An imported ONNX file for what computes in torch: tensors in and out, on the CPU."""

from pathlib import Path

import torch
from torch import Tensor, nn

from embedder.features.building import build_front_end
from embedder.models.card import Card
from embedder.models.kinds.foreign_mel import MelFrontEnd
from embedder.models.kinds.onnx_arrays import ONNX_NAME, OnnxFile, read_spec
from embedder.models.kinds.onnx_spec import OnnxSpec, config_of
from embedder.models.loaded import FrontEndCall, LoadedModel


class OnnxNetwork(nn.Module):
    """The front end's output [batch, rows, columns] to vectors [batch, embedding_size]."""

    def __init__(self, path: Path, spec: OnnxSpec) -> None:
        super().__init__()
        self._file = OnnxFile(path, spec)

    def forward(self, features: Tensor) -> Tensor:
        """Run the file."""
        return torch.from_numpy(self._file(features.detach().float().cpu().numpy()))


def load_onnx_model(folder: Path, card: Card) -> LoadedModel:
    """The model in a folder with `model.onnx`, whose card was read."""
    spec = read_spec(folder, card)
    network = OnnxNetwork(folder / ONNX_NAME, spec).eval()
    return LoadedModel(folder, card, front_end_of(spec), network)


def front_end_of(spec: OnnxSpec) -> FrontEndCall:
    """The front end from waveforms to [batch, rows, columns]."""
    if spec.input.mel is not None:
        return MelFrontEnd(spec.input.mel, sample_rate=spec.sample_rate)
    return build_front_end(config_of(spec, embedding_size=1).front_end).eval()
