"""Run an imported ONNX file on the CPU: numpy arrays in and out.

The file is not changed; `onnx_spec` describes its input and output, `onnx_session` runs it in a
process of its own. `kinds.onnx_file` gives the same model to what computes in torch.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.config.loading import from_dict
from embedder.errors import (
    ConfigError,
    UnknownChoice,
    printable_path,
)
from embedder.features.arrays.building import build_array_front_end
from embedder.models.altered import refuse_altered
from embedder.models.array_geometry import projected
from embedder.models.card import Card
from embedder.models.kinds.foreign_mel_arrays import MelArrays
from embedder.models.kinds.onnx_session import OnnxRunError, OnnxSession, Port
from embedder.models.kinds.onnx_spec import OnnxSpec, check_spec, config_of
from embedder.models.loaded import ArrayFrontEndCall, ArrayModel

ONNX_NAME = "model.onnx"

Floats = NDArray[np.float32]


class OnnxFile:
    """The front end's output [batch, rows, columns] to vectors [batch, embedding_size]."""

    def __init__(self, path: Path, spec: OnnxSpec) -> None:
        self.path = path
        self.spec = spec
        self._session = OnnxSession(path)
        self._input = _chosen(self._session.inputs, spec.input.name, what="input", path=path)
        names = {output.name for output in self._session.outputs}
        name = spec.output.name or next((n for n in spec.output.one_of if n in names), "")
        self._output_name = _chosen(self._session.outputs, name, what="output", path=path).name

    def __call__(self, features: Floats) -> Floats:
        """Arrange axes, run in the batch size that the file takes, pool, project."""
        layout = self.spec.input.layout
        arranged = np.ascontiguousarray(arrange(features, layout), dtype=np.float32)
        if "batch" not in layout:
            outputs = [self._run(item)[None] for item in arranged]
        else:
            outputs = self._run_batches(arranged, axis=layout.index("batch"))
        pooled = self._pooled(np.concatenate(outputs))
        return projected(pooled, self.spec.geometry, curvature=self.spec.curvature)

    def _run_batches(self, values: NDArray[np.float32], *, axis: int) -> list[NDArray[np.float32]]:
        batch_size = self._input.shape[axis] if len(self._input.shape) > axis else None
        if not isinstance(batch_size, int):  # a name: any size is possible
            return [self._run(np.moveaxis(values, 0, axis))]
        outputs = []
        for start in range(0, len(values), batch_size):
            batch = values[start : start + batch_size]
            # A file that takes 64 at a time gets 64: the last excerpt is repeated.
            padded = np.concatenate([batch, np.repeat(batch[-1:], batch_size - len(batch), axis=0)])
            outputs.append(self._run(np.moveaxis(padded, 0, axis))[: len(batch)])
        return outputs

    def _run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return self._session.run(values, into=self._input.name, out_of=self._output_name)
        except OnnxRunError as error:
            raise ConfigError(
                f"{printable_path(self.path)}: does not take {list(values.shape)} as input "
                f"{self._input.name!r} ({error}). It asks for {list(self._input.shape)}: "
                "correct input and excerpts in the TOML."
            ) from error

    def _pooled(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        pooling = self.spec.output.pooling
        if outputs.ndim < 2 or (outputs.ndim > 2 and pooling == "none"):
            raise ConfigError(
                f"{printable_path(self.path)}: output {self._output_name!r} is "
                f"{list(outputs.shape)}, and [batch, features] is needed. "
                'Set output.pooling = "mean" in the TOML, or name another output.'
            )
        middle_axes = tuple(range(1, outputs.ndim - 1))
        pooled: NDArray[np.float32] = (
            outputs.max(axis=middle_axes) if pooling == "max" else outputs.mean(axis=middle_axes)
        )
        return pooled


def read_spec(folder: Path, card: Card) -> OnnxSpec:
    """The description of a model's file; refuses a file or description that was altered."""
    path = folder / ONNX_NAME
    refuse_altered(folder, card, [path], again="import the model again")
    where = printable_path(folder / "card.json")
    spec = from_dict(OnnxSpec, card.source, where=f"{where}: source")
    check_spec(spec, where=where)
    return spec


def load_onnx_arrays(folder: Path, card: Card) -> ArrayModel:
    """The model in a folder whose card was read."""
    spec = read_spec(folder, card)
    front_end: ArrayFrontEndCall
    if spec.input.mel is not None:
        front_end = MelArrays(spec.input.mel, sample_rate=spec.sample_rate)
    else:
        front_end = build_array_front_end(config_of(spec, embedding_size=1).front_end)
    return ArrayModel(folder, card, front_end, OnnxFile(folder / ONNX_NAME, spec))


def arrange(features: Floats, layout: tuple[str, ...]) -> Floats:
    """[batch, rows, columns] with the other axes in the order of `layout`; batch stays first."""
    axes = [axis for axis in layout if axis not in ("batch", "1")]
    if "rows" not in axes:
        features = features[:, 0]
    elif axes == ["columns", "rows"]:
        features = features.swapaxes(1, 2)
    for position, axis in enumerate(axis for axis in layout if axis != "batch"):
        if axis == "1":
            features = np.expand_dims(features, 1 + position)
    return features


def _chosen(candidates: tuple[Port, ...], name: str, *, what: str, path: Path) -> Port:
    names = [candidate.name for candidate in candidates]
    if not name and len(names) == 1:
        return candidates[0]
    if name not in names:
        raise UnknownChoice(f"{what}.name for {printable_path(path)}:", name, names)
    return candidates[names.index(name)]
