"""An imported encoder, for the tests of projections on its vectors."""

from pathlib import Path

import pytest

from embedder.models.exporting import export_model
from embedder.models.importing import import_model
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.rich_sets import HEARS


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A network that was exported to ONNX and imported under a new name."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    save_model(tmp_path / "theirs", seeded_network(HEARS, seed=3))
    onnx, toml = export_model(tmp_path / "theirs", tmp_path / "theirs.onnx")
    import_model(onnx, name="theirs", spec=toml)
    return "theirs"
