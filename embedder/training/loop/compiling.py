"""A network as machine code of its own, by `torch.compile`: a tenth to a quarter faster."""

import os
import shutil
import sys

import torch
from torch import nn

from embedder.errors import ConfigError


def compiled(network: nn.Module) -> nn.Module:
    """The network, compiled when it is first called; for batches of one shape."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise ConfigError(
            f"loop.compile needs a C++ compiler, and {compiler!r} is not there. Install one, name "
            "another in the environment variable CXX, or set loop.compile = false."
        )
    # Else a second run in one process, with longer crops, is compiled for all lengths, and fails.
    made: nn.Module = torch.compile(network, dynamic=False)  # type: ignore[assignment]  # called like the module
    return made
