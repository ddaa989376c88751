"""Tiny ONNX files and their TOML descriptions, for the tests of ONNX models."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

Shape = Sequence[int | str]
WAVEFORM = """
sample_rate = 8000
licence = "CC0"
[excerpts]
excerpt_seconds = 0.25
"""


def write_onnx(
    path: Path, nodes: list[Any], *, input_shape: Shape, outputs: dict[str, Shape], **constants: Any
) -> Path:
    """An ONNX file with one input `x` and some outputs."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))
    return path


def weights(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def linear_onnx(folder: Path, *, n_in: int = 2000, batch: int | str = "n") -> Path:
    """X [batch, n_in] times a matrix: 4 features."""
    from onnx import helper

    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return write_onnx(
        folder / "linear.onnx",
        [node],
        input_shape=[batch, n_in],
        outputs={"y": [batch, 4]},
        w=weights(n_in, 4),
    )


def frames_onnx(folder: Path) -> Path:
    """X [batch, columns, 6] to frames [batch, columns, 4], and to classes [batch, columns, 2]."""
    from onnx import helper

    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["frames"]),
        helper.make_node("MatMul", ["frames", "v"], ["classes"]),
    ]
    return write_onnx(
        folder / "frames.onnx",
        nodes,
        input_shape=["n", "t", 6],
        outputs={"frames": ["n", "t", 4], "classes": ["n", "t", 2]},
        w=weights(6, 4),
        v=weights(4, 2),
    )


def spec_file(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def noise(n: int = 3, samples: int = 2000) -> Tensor:
    return 0.1 * torch.randn(n, samples, generator=torch.Generator().manual_seed(1))


def frames_spec(output: str = 'name = "frames"\npooling = "mean"') -> str:
    mel = "n_bins = 6\nfft_size = 256\nhop_samples = 80"
    layout = 'layout = ["batch", "columns", "rows"]'
    return f"{WAVEFORM}\n[input]\n{layout}\n[input.mel]\n{mel}\n[output]\n{output}\n"


def wide_onnx(folder: Path, *, n_out: int) -> Path:
    """X [batch, 2000] to two vectors of so many numbers, from a file of 300 bytes."""
    from onnx import helper

    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1),
        helper.make_node("Expand", ["sum", "shape"], ["y"]),
    ]
    return write_onnx(
        folder / "wide.onnx",
        nodes,
        input_shape=["n", 2000],
        outputs={"y": ["n", "m"]},
        shape=np.array([2, n_out], dtype=np.int64),
    )
