"""The input and the structure of a model: the settings that its fingerprint covers.

TOML has no null: in whole numbers and hertz 0 means "not set". `sample_rate = 0` keeps the file's
own rate.
"""

from dataclasses import dataclass, field
from typing import Literal

Placement = Literal["spread", "centre", "start"]
WhenShort = Literal["pad", "refuse"]
FrontEndKind = Literal["log-mel", "log-frequency", "mfcc", "cqt", "waveform"]
Reference = Literal["clip", "absolute"]
Normalisation = Literal["none", "clip", "running"]
BackboneKind = Literal["plain-cnn", "short-chunk", "waveform-cnn", "moments"]
PoolingKind = Literal["mean", "max", "attention", "statistics"]
GeometryKind = Literal["cosine", "euclidean", "poincare"]


@dataclass(frozen=True, slots=True)
class ExcerptConfig:
    """Which excerpts of a track the network reads.

    spread   |--[ ]---[ ]---[ ]--|   equal gaps, also before the first and after the last
    centre   |------[ ][ ][ ]----|   one block around the middle
    start    |[ ][ ][ ]----------|
    """

    n_excerpts: int = 10
    excerpt_seconds: float = 3.0
    placement: Placement = "spread"
    when_short: WhenShort = "pad"
    min_seconds: float = 0.5
    """Refuse files with less audio than this, even if `when_short` is `pad`."""


@dataclass(frozen=True, slots=True)
class FrontEndConfig:
    """From waveform to spectrogram. Levels are 0…1, from the floor to the reference.

    `level = level_per_db * db + level_at_reference`, clipped to 0…1, so that a picture of 8-bit
    values, divided by 255, equals a spectrogram computed from audio.
    """

    kind: FrontEndKind = "log-mel"
    sample_rate: int = 22050
    """Resample to this rate; 0 keeps the file's own."""
    fft_size: int = 2048
    hop_samples: int = 512
    n_bins: int = 128
    min_hz: float = 0.0
    """May be slightly negative for log-frequency, whose axis is linear around 0."""
    max_hz: float = 0.0
    """0: half the sample rate."""
    magnitude_power: float = 2.0
    level_per_db: float = 1 / 80
    level_at_reference: float = 1.0
    floor_db: float = -80.0
    reference: Reference = "clip"
    """Decibels are below the excerpt's loudest value (`clip`) or below full scale (`absolute`)."""
    n_columns: int = 0
    """Use this many frames, spread evenly over the excerpt; 0: a frame for each hop."""
    column_shift_seconds: float = 0.0
    """Shift each column's frame from the middle of the column by this time."""
    column_span: float = 1.0
    """The columns cover this share of the excerpt, from its beginning."""
    normalisation: Normalisation = "none"
    n_coefficients: int = 20
    """mfcc only."""
    bins_per_octave: int = 12
    """cqt only."""
    corner_hz: float = 65.406
    """log-frequency only: the axis is linear below and logarithmic above."""


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """The network between spectrogram (or waveform) and projection."""

    kind: BackboneKind = "plain-cnn"
    filters: tuple[int, ...] = (32, 64, 96, 128)
    """Channels of each stage. For moments see networks/moments.py."""
    kernel: int = 3
    pool: int = 2
    stride: int = 1
    convolutions_per_stage: int = 1
    time_stages: int = 0
    """Stages that shrink time, from the first one on; later ones shrink frequency alone. 0: all."""
    dropout: float = 0.0
    pooling: PoolingKind = "statistics"
    """How features are pooled over time. moments ignores it: no time is left."""
    members: int = 1
    """This many networks of this kind side by side; one projection reads the features of all."""
    row_statistics: bool = False
    """The projection also reads mean, deviation and mean step of each row of the spectrogram."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything between a file and its vector."""

    excerpts: ExcerptConfig = field(default_factory=ExcerptConfig)
    front_end: FrontEndConfig = field(default_factory=FrontEndConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    beside: tuple[BackboneConfig, ...] = ()
    """Further backbones on the same input; one projection reads the features of all."""
    embedding_size: int = 128
    geometry: GeometryKind = "cosine"
    curvature: float = 1.0
    """poincare only."""
    translated_to: FrontEndConfig | None = None
    """The input that the backbone expects, if the front end makes another: levels are translated
    (see features/translation.py)."""
