"""What `soundalike doctor` checks. It imports packages one by one, so that a broken one becomes a
line of the report instead of its end. It changes nothing and downloads nothing.
"""

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from cli.options import Globals

# The dependencies of pyproject.toml, faiss apart: its name differs from machine to machine.
REQUIRED = (
    "av",
    "lightning-fabric",
    "matplotlib",
    "mutagen",
    "numpy",
    "pandas",
    "onnxruntime",
    "pillow",
    "platformdirs",
    "plotly",
    "pyarrow",
    "pytorch-metric-learning",
    "rich",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tensorboardX",
    "threadpoolctl",
    "torch",
    "torchaudio",
    "typer",
    "umap-learn",
)
# The modules of each extra. The extra serve is missing: `soundalike serve` names it.
EXTRAS = {
    "cluster": ("lancedb", "ray"),
    "live": ("pythonosc", "sounddevice"),
    "mpd": ("mpd",),
    "pretrained": ("onnx", "transformers"),
}
HIGHEST_SELF_TEST_ERROR = 1e-3
UNWELL = ("missing", "broken")
COMMON_DECODERS = ("mp3", "flac", "vorbis", "opus", "aac", "alac", "pcm_s16le", "wmav2")


@dataclass(frozen=True, slots=True)
class Check:
    """One result. `state` is ok, note (soundalike works without it), missing or broken."""

    area: str
    name: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, and whether all required parts work."""

    healthy: bool
    checks: tuple[Check, ...]


def diagnose(settings: Globals) -> Diagnosis:
    """Run all checks."""
    checks = [
        Check("system", "soundalike", *_version("soundalike")),
        Check("system", "python", "ok", f"{platform.python_version()} ({sys.executable})"),
        Check("system", "platform", "ok", f"{platform.platform()}, {os.cpu_count()} cores"),
        *(Check("package", name, *_version(name)) for name in REQUIRED),
        *_guarded("device", "torch", "torch", _devices),
        *_guarded("search", "faiss", "faiss", _faiss),
        *_guarded("audio", "FFmpeg", "av", _audio),
        *_extras(),
        *_guarded("folder", "folders", "platformdirs", partial(_folders, settings)),
    ]
    if not any(check.state in UNWELL for check in checks):
        checks += _guarded("self-test", "sound", "numpy", _self_test)
    return Diagnosis(not any(check.state in UNWELL for check in checks), tuple(checks))


def _version(distribution: str) -> tuple[str, str]:
    try:
        return "ok", importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        # From a checkout, soundalike also works without being installed.
        return ("note" if distribution == "soundalike" else "missing"), "not installed"


def _guarded(
    area: str, name: str, module: str, look: Callable[[ModuleType], Iterator[Check]]
) -> Iterator[Check]:
    """The checks that need a module; an error while it is imported or used becomes a check."""
    try:
        yield from look(importlib.import_module(module))
    except Exception as error:  # noqa: BLE001 - a doctor reports every illness
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Check(area, name, "broken", reason)


def _devices(torch: Any) -> Iterator[Check]:
    yield Check("device", "cpu", "ok", f"{torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(number)
            memory = f"{about.total_memory / 2**30:.0f} GiB"
            yield Check("device", f"cuda:{number}", "ok", f"{about.name}, {memory}")
    else:
        built = torch.version.cuda or torch.version.hip
        yield Check(
            "device", "cuda", "note", f"none found (torch is built for {built or 'CPUs only'})"
        )
    has_mps = torch.backends.mps.is_available()
    yield Check("device", "mps", "ok" if has_mps else "note", "found" if has_mps else "none found")


def _faiss(faiss: Any) -> Iterator[Check]:
    count_gpus = getattr(faiss, "get_num_gpus", None)
    gpus = "without GPU code" if count_gpus is None else f"{count_gpus()} GPUs"
    yield Check("search", "faiss", "ok", f"{faiss.__version__}, {gpus}")


def _audio(av: Any) -> Iterator[Check]:
    ffmpeg = getattr(av, "ffmpeg_version_info", "")
    codec = ".".join(str(part) for part in av.library_versions["libavcodec"])
    yield Check("audio", "FFmpeg", "ok", f"{ffmpeg or 'in PyAV'} (libavcodec {codec})")
    missing = [name for name in COMMON_DECODERS if name not in av.codecs_available]
    formats = f"{len(av.formats_available)} formats, {len(av.codecs_available)} codecs"
    yield Check("audio", "formats", "ok", formats)
    if missing:
        yield Check("audio", "decoders", "note", f"cannot decode {', '.join(missing)}")


def _extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        state = "note" if missing else "ok"
        detail = f"not installed: {install_command(extra)}" if missing else "installed"
        yield Check("extra", extra, state, detail)


def install_command(extra: str = "") -> str:
    """How to install soundalike, with an extra, from its checkout: it is on no package index."""
    checkout = Path(__file__).absolute().parents[1]
    extras = f"[{extra}]" if extra else ""
    if (checkout / "pyproject.toml").exists():
        return f"pip install {shlex.quote(f'{checkout}{extras}')}"
    return f"pip install {shlex.quote(f'.{extras}')} in the folder of soundalike's source"


def _folders(settings: Globals, platformdirs: Any) -> Iterator[Check]:
    from embedder.models.registry import user_models_folder

    cache = platformdirs.user_cache_path("soundalike", appauthor=False)
    named = {"library": settings.library_folder(), "models": user_models_folder(), "cache": cache}
    for name, folder in named.items():
        yield Check("folder", name, *_folder_state(folder))


def _folder_state(folder: Path) -> tuple[str, str]:
    nearest = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    exists = "" if nearest == folder else ", does not exist yet"
    if not os.access(nearest, os.W_OK):
        return "note", f"{folder}{exists}, not writable"
    return "ok", f"{folder}{exists}"


def _self_test(numpy: Any) -> Iterator[Check]:
    """Write a second of audio, read it back and compare; then encode it with a bundled model."""
    import tempfile

    from embedder.audio.decoding import read_whole
    from embedder.audio.writing import write_audio

    sample_rate = 22_050
    tone = 0.5 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(sample_rate) / sample_rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.flac"
        write_audio(path, tone[None].astype("float32"), sample_rate)
        error = float(numpy.abs(read_whole(path).samples - tone).max())
        state = "ok" if error < HIGHEST_SELF_TEST_ERROR else "broken"
        yield Check("self-test", "sound", state, f"one second written and read, error {error:.1e}")
        yield from _encoded(path)


def _encoded(path: Path) -> Iterator[Check]:
    from embedder.encoding.encoder import TrackEncoder
    from embedder.models.registry import list_models

    name = next((m.name for m in list_models() if m.place == "bundled" and not m.problem), None)
    if name is None:
        yield Check("self-test", "vector", "note", "no bundled model to try")
        return
    start = time.perf_counter()
    encoder = TrackEncoder.load(name, device="cpu")
    vector = encoder.encode(path).vector
    took = f"{time.perf_counter() - start:.1f} s with loading"
    means = "ONNX Runtime" if encoder.runtime == "arrays" else "torch, which is slower to load"
    yield Check(
        "self-test", "vector", "ok", f"model {name}: {vector.size} numbers in {took}, by {means}"
    )
