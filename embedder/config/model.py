"""What a model hears and how it is built: the settings that its fingerprint covers.

Zero stands for "not set" in whole-number and hertz fields (`sample_rate = 0` keeps the file's
own rate), since TOML has no null.
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
    """Which stretches of a track the network hears.

    spread   |--[ ]---[ ]---[ ]--|   equal gaps, also before the first and after the last
    centre   |------[ ][ ][ ]----|   one block around the middle
    start    |[ ][ ][ ]----------|
    """

    n_excerpts: int = 10
    excerpt_seconds: float = 3.0
    placement: Placement = "spread"
    when_short: WhenShort = "pad"
    min_seconds: float = 0.5
    """Less audio than this is refused even where `when_short` is `pad`."""


@dataclass(frozen=True, slots=True)
class FrontEndConfig:
    """From waveform to spectrogram. Levels come out as 0…1: floor to reference.

    `level = level_per_db * db + level_at_reference`, clipped to 0…1, so that a picture of 8-bit
    values divided by 255 and a spectrogram computed from audio are the same thing.
    """

    kind: FrontEndKind = "log-mel"
    sample_rate: int = 22050
    """0: the file's own rate."""
    fft_size: int = 2048
    hop_samples: int = 512
    n_bins: int = 128
    min_hz: float = 0.0
    """May be a little negative for log-frequency, whose axis is linear around 0."""
    max_hz: float = 0.0
    """0: half the rate."""
    magnitude_power: float = 2.0
    level_per_db: float = 1 / 80
    level_at_reference: float = 1.0
    floor_db: float = -80.0
    reference: Reference = "clip"
    """`clip`: decibels below the loudest value of the excerpt; `absolute`: below full scale."""
    n_columns: int = 0
    """0: every frame of a hop; else this many single frames, evenly over the excerpt."""
    column_shift_seconds: float = 0.0
    """Where a column's frame stands beside the middle of the column's stretch of time."""
    column_span: float = 1.0
    """The columns divide this share of the excerpt, from its beginning."""
    normalisation: Normalisation = "none"
    n_coefficients: int = 20
    """MFCC only."""
    bins_per_octave: int = 12
    """CQT only."""
    corner_hz: float = 65.406
    """log-frequency only: linear below, logarithmic above."""


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """The network between spectrogram (or waveform) and projection."""

    kind: BackboneKind = "plain-cnn"
    filters: tuple[int, ...] = (32, 64, 96, 128)
    """Channels of each stage. moments: see backbones/moments.py."""
    kernel: int = 3
    pool: int = 2
    stride: int = 1
    convolutions_per_stage: int = 1
    time_stages: int = 0
    """So many first stages hear and shrink time, later ones frequency alone; 0: all do both."""
    dropout: float = 0.0
    pooling: PoolingKind = "statistics"
    """None in moments, which have no time left."""
    members: int = 1
    """So many networks of this kind side by side; one projection reads the features of all."""
    row_statistics: bool = False
    """The projection also reads mean, deviation and mean step of each row of the front end."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything between a file and its vector."""

    excerpts: ExcerptConfig = field(default_factory=ExcerptConfig)
    front_end: FrontEndConfig = field(default_factory=FrontEndConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    beside: tuple[BackboneConfig, ...] = ()
    """Further backbones that hear the same; one projection reads the features of all."""
    embedding_size: int = 128
    geometry: GeometryKind = "cosine"
    curvature: float = 1.0
    """Poincaré ball only."""
    translated_to: FrontEndConfig | None = None
    """What the backbone hears, where that is not what the front end makes: levels are translated
    (see features/translation.py)."""
