"""Compile a network with `torch.compile`, which makes training 10 to 25 % faster."""

import os
import shutil
import sys

import torch
from torch import nn

from embedder.errors import ConfigError


def compiled(network: nn.Module) -> nn.Module:
    """The network; it compiles at its first call, for batches of one shape."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise ConfigError(
            f"loop.compile needs a C++ compiler, and {compiler!r} is not there. Install one, name "
            "another in the environment variable CXX, or set loop.compile = false."
        )
    # With dynamic shapes, a second run in one process with longer crops fails to compile.
    module: nn.Module = torch.compile(network, dynamic=False)  # type: ignore[assignment]  # called like the module
    return module
