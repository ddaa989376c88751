"""Which runtime encodes, and that both give the same vectors."""

import os
from pathlib import Path

import numpy as np
import pytest

from embedder.config.presets import MODELS
from embedder.encoding import devices
from embedder.encoding.devices import choose_device
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.opening import open_runtime
from embedder.errors import FingerprintMismatch
from embedder.models.kinds.network import save_model
from embedder.models.registry import find_model, load_model
from embedder.networks.network import seeded_network
from tests.embedder.models.onnx_files import WAVEFORM, linear_onnx, spec_file


def least_cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Between vectors of unit length."""
    return float((first * second).sum(axis=-1).min())


def test_the_bundled_model_gives_the_vectors_of_torch(songs: list[Path]) -> None:
    """Without torch, each excerpt's vector has a cosine of at least 0.9999 with torch's."""
    arrays = TrackEncoder.load("default", device="cpu")
    in_torch = TrackEncoder(load_model("default"), device="cpu", precision="float32")
    assert (arrays.runtime, in_torch.runtime) == ("arrays", "torch")
    for song in songs[:3]:
        expected, encoding = in_torch.encode(song), arrays.encode(song)
        assert least_cosine(encoding.excerpt_vectors, expected.excerpt_vectors) >= 0.9999
        assert least_cosine(encoding.vector, expected.vector) >= 0.9999


@pytest.mark.skipif("SOUNDALIKE_DATA" not in os.environ, reason="needs SOUNDALIKE_DATA: music")
@pytest.mark.slow
def test_music_gives_the_vectors_of_torch() -> None:
    """On real recordings, too, the cosine is at least 0.9999."""
    files = sorted(Path(os.environ["SOUNDALIKE_DATA"]).rglob("*.mp3"))[:40]
    assert files
    arrays = TrackEncoder.load("default", device="cpu")
    in_torch = TrackEncoder(load_model("default"), device="cpu", precision="float32")
    for file in files:
        expected, encoding = in_torch.encode(file), arrays.encode(file)
        assert least_cosine(encoding.vector, expected.vector) >= 0.9999, file


def test_short_formats_and_devices_ask_for_torch(tmp_path: Path) -> None:
    """A format shorter than float32 runs in torch."""
    save_model(tmp_path / "tiny", seeded_network(MODELS["tiny"], seed=0))
    assert open_runtime(tmp_path / "tiny", device="cpu", precision="bfloat16").name == "torch"
    assert open_runtime(tmp_path / "tiny", device="cpu", precision="float32").name == "arrays"


def test_an_imported_onnx_file_gives_the_vectors_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, songs: list[Path]
) -> None:
    """A file that reads waveforms runs without torch."""
    from embedder.models.importing import import_model

    monkeypatch.setenv("SOUNDALIKE_MODELS", str(tmp_path / "models"))
    import_model(linear_onnx(tmp_path), name="linear", spec=spec_file(tmp_path, WAVEFORM))
    arrays = TrackEncoder.load("linear")
    in_torch = TrackEncoder(load_model("linear"))
    assert (arrays.runtime, in_torch.runtime) == ("arrays", "torch")
    expected = in_torch.encode(songs[0]).vector
    np.testing.assert_allclose(arrays.encode(songs[0]).vector, expected, atol=1e-6)


def test_a_damaged_model_is_refused_as_torch_refuses_it(tmp_path: Path) -> None:
    """The fast path never gives vectors of weights that do not fit the card."""
    folder = tmp_path / "tiny"
    save_model(folder, seeded_network(MODELS["tiny"], seed=0))
    weights = folder / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(FingerprintMismatch, match="altered"):
        TrackEncoder.load(folder, device="cpu")


def test_no_driver_means_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`auto` asks torch only if the driver of a GPU is there."""
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    driver = tmp_path / "nvidiactl"
    monkeypatch.setattr(devices, "GPU_FILES", (str(driver),))
    assert not devices.may_have_gpu()
    assert choose_device("auto") == "cpu"
    driver.touch()
    assert devices.may_have_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not devices.may_have_gpu()


def test_a_name_is_looked_up_once_for_both(tmp_path: Path) -> None:
    """A bundled model's folder and its name open the same model."""
    by_name, by_path = TrackEncoder.load("default"), TrackEncoder.load(find_model("default"))
    assert by_name.fingerprint == by_path.fingerprint
