"""The TOML file that describes the input and output of an imported ONNX file.

    sample_rate = 16000                    # what the network was trained on
    licence = "CC BY-NC 4.0"

    [excerpts]                             # as for our own models
    excerpt_seconds = 0.975

    [input]
    layout = ["batch", "columns", "rows"]  # the tensor's axes; "1" is an axis of one

    [input.mel]                            # or [input.front_end], or neither: the waveform itself
    n_bins = 64

    [output]
    name = "embedding"                     # needed if the file has several outputs; or
    one_of = ["embedding", "features"]     # the first of these that the file has
    pooling = "mean"                       # over whatever axes lie between batch and features

`[input.mel]` computes the spectrograms of other libraries (log of mel with an offset);
`[input.front_end]` computes those of soundalike, for exported models. A waveform's samples are its
columns, and it has no rows.
"""

from dataclasses import dataclass, field
from typing import Literal

from embedder.config.model import ExcerptConfig, FrontEndConfig, GeometryKind, ModelConfig
from embedder.errors import ConfigError

Axis = Literal["batch", "rows", "columns", "1"]
OutputPooling = Literal["none", "mean", "max"]
MelScale = Literal["slaney", "htk"]
MelNorm = Literal["slaney", "none"]
Compression = Literal["none", "log10", "ln"]


@dataclass(frozen=True, slots=True)
class MelSetUp:
    """A mel spectrogram as other libraries compute it: compression(multiplier × mel + offset)."""

    fft_size: int = 512
    window_samples: int = 0
    """0: as long as the FFT."""
    hop_samples: int = 160
    n_bins: int = 64
    min_hz: float = 0.0
    max_hz: float = 0.0
    """0: half the rate."""
    scale: MelScale = "slaney"
    norm: MelNorm = "none"
    magnitude_power: float = 2.0
    centred: bool = False
    """Whether the first frame is centred on the first sample, which needs padding."""
    compression: Compression = "log10"
    multiplier: float = 1.0
    offset: float = 1e-6
    n_columns: int = 0
    """How many frames the network takes: more are cut off, fewer are padded; 0: any number."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The input tensor."""

    name: str = ""
    """Empty: the file's only input."""
    layout: tuple[Axis, ...] = ("batch", "columns")
    mel: MelSetUp | None = None
    front_end: FrontEndConfig | None = None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The output tensor."""

    name: str = ""
    """Empty: the file's only output, or the first of `one_of` that it has."""
    one_of: tuple[str, ...] = ()
    pooling: OutputPooling = "none"


@dataclass(frozen=True, slots=True)
class OnnxSpec:
    """The whole TOML file."""

    sample_rate: int = 0
    excerpts: ExcerptConfig = field(default_factory=ExcerptConfig)
    geometry: GeometryKind = "cosine"
    curvature: float = 1.0
    licence: str = ""
    description: str = ""
    input: InputSpec = field(default_factory=InputSpec)
    output: OutputSpec = field(default_factory=OutputSpec)


MAX_SIZES = {
    "fft_size": 2**20,
    "window_samples": 2**20,
    "hop_samples": 2**20,
    "n_bins": 2**14,
    "n_columns": 2**20,
}
"""Beyond these, the front end would ask for gigabytes."""


def check_spec(spec: OnnxSpec, *, where: str) -> None:
    """Refuse a description that contradicts itself; the error names the setting."""
    layout = spec.input.layout
    if spec.input.mel is not None and spec.input.front_end is not None:
        raise ConfigError(f"{where}: give input.mel or input.front_end, not both")
    for name, most in MAX_SIZES.items():
        size = 0 if spec.input.mel is None else getattr(spec.input.mel, name)
        if size > most:
            raise ConfigError(f"{where}: input.mel.{name} = {size}: at most {most}")
    if spec.sample_rate < 1 and spec.input.front_end is None:
        raise ConfigError(f"{where}: sample_rate is missing: what was the network trained on?")
    if "columns" not in layout or any(layout.count(axis) > 1 for axis in layout if axis != "1"):
        raise ConfigError(f"{where}: input.layout = {list(layout)}: name columns and others once")
    is_spectrogram = config_of(spec, embedding_size=1).front_end.kind != "waveform"
    is_spectrogram = is_spectrogram or spec.input.mel is not None
    if is_spectrogram != ("rows" in layout):
        needed = "needs" if is_spectrogram else "has no"
        kind = "a spectrogram" if is_spectrogram else "a waveform"
        raise ConfigError(f"{where}: input.layout = {list(layout)}: {kind} {needed} rows")


def config_of(spec: OnnxSpec, *, embedding_size: int) -> ModelConfig:
    """The model settings that the layers above read: excerpts, rate, size and geometry."""
    waveform = FrontEndConfig(kind="waveform", sample_rate=spec.sample_rate)
    return ModelConfig(
        excerpts=spec.excerpts,
        front_end=spec.input.front_end or waveform,
        embedding_size=embedding_size,
        geometry=spec.geometry,
        curvature=spec.curvature,
    )
