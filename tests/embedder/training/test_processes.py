"""Two processes train one model through `torchrun` and Fabric, on CPUs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors

from embedder.config.loading import to_toml
from embedder.models.registry import load_model
from tests.embedder.small_sets import small_config, write_array_set

PROGRAM = """
import os, sys
from pathlib import Path
from safetensors.torch import save_file
from embedder.config.loading import from_dict, read_toml
from embedder.config.training import TrainingConfig
from embedder.training.train import train

runs = []
config = from_dict(TrainingConfig, read_toml(Path(sys.argv[2])))
out = Path(sys.argv[3])
train(Path(sys.argv[1]), config, out, make_observers=lambda run: runs.append(run) or [])
rank = os.environ["RANK"]
weights = {n: t.detach().contiguous() for n, t in runs[0].loop.parts.network.named_parameters()}
save_file(weights, out.parent / f"rank-{rank}.safetensors")
"""


@pytest.mark.slow
def test_two_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    """Both ranks have equal weights, and only rank zero writes the run's folder."""
    data = write_array_set(tmp_path / "set")
    toml = tmp_path / "config.toml"
    toml.write_text(to_toml(small_config(epochs=8)))
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    run = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    finished = subprocess.run(
        [*command, str(program), str(data), str(toml), str(run)],
        capture_output=True,
        text=True,
        timeout=240,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"},
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    first, second = (safetensors.load_file(tmp_path / f"rank-{n}.safetensors") for n in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    result = json.loads((run / "run.json").read_text())
    assert result["steps"] == 8 * 2  # each process takes half of an epoch's batches
    assert result["scores"]["accuracy"] >= 0.9
    assert load_model(run / "best").embedding_size == 8
