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
BackboneKind = Literal["plain-cnn", "short-chunk", "crnn", "waveform-cnn", "moments"]
ActivationKind = Literal["relu", "leaky-relu", "prelu", "elu", "gelu", "tanh", "sigmoid"]
PoolingKind = Literal["mean", "max", "attention", "statistics"]
GeometryKind = Literal["cosine", "euclidean", "poincare"]


@dataclass(frozen=True, slots=True)
class MemberExcerpts:
    """The excerpts of one encoder in a combined model; see `ExcerptConfig`."""

    n_excerpts: int = 10
    excerpt_seconds: float = 3.0
    placement: Placement = "spread"
    when_short: WhenShort = "pad"
    min_seconds: float = 0.5
    sample_rate: int = 0
    """The rate of its front end; 0: the file's own."""


@dataclass(frozen=True, slots=True)
class ExcerptConfig:
    """Which excerpts of a track the network reads.

    spread   |--[ ]---[ ]---[ ]--|   equal gaps, also before the first and after the last
    centre   |------[ ][ ][ ]----|   one block around the middle
    start    |[ ][ ][ ]----------|
    """

    n_excerpts: int = 10
    """How many excerpts of a track are read; its vector is the mean of theirs. Cost: time, in
    proportion."""
    excerpt_seconds: float = 3.0
    """The length of an excerpt. Cost: time and memory, in proportion."""
    placement: Placement = "spread"
    """Where the excerpts lie in the track; see the drawing in `config/model.py`: `spread` over
    the track, one block at its `centre`, or from its `start`."""
    when_short: WhenShort = "pad"
    """What happens to a track shorter than an excerpt: `pad` it with silence, or `refuse` it."""
    min_seconds: float = 0.5
    """Refuse files with less audio than this, even if `when_short` is `pad`."""
    members: tuple[MemberExcerpts, ...] = ()
    """Written by `models combine`: what each encoder of a combined model reads."""


@dataclass(frozen=True, slots=True)
class FrontEndConfig:
    """From waveform to spectrogram. Levels are 0…1, from the floor to the reference.

    `level = level_per_db * db + level_at_reference`, clipped to 0…1, so that a picture of 8-bit
    values, divided by 255, equals a spectrogram computed from audio.
    """

    kind: FrontEndKind = "log-mel"
    """What the network sees: a mel, logarithmic or constant-Q spectrogram, MFCCs, or the
    waveform itself."""
    sample_rate: int = 22050
    """Resample to this rate; 0 keeps the file's own. Cost: time, in proportion."""
    fft_size: int = 2048
    """The length of the window of the Fourier transform, in samples. Longer windows tell close
    pitches apart, shorter ones close moments. Cost: time, slightly."""
    hop_samples: int = 512
    """The distance of two frames, in samples. Cost: time and memory, in inverse proportion."""
    n_bins: int = 128
    """Rows of the spectrogram. Cost: time and memory, in proportion."""
    min_hz: float = 0.0
    """The lowest frequency. It may be slightly negative for log-frequency, whose axis is linear
    around 0."""
    max_hz: float = 0.0
    """The highest frequency; 0: half the sample rate."""
    magnitude_power: float = 2.0
    """1 sums magnitudes in a band, 2 sums powers."""
    level_per_db: float = 1 / 80
    """How much a decibel adds to a level of 0…1."""
    level_at_reference: float = 1.0
    """The level of the reference."""
    floor_db: float = -80.0
    """Everything quieter counts as this quiet."""
    reference: Reference = "clip"
    """Decibels are below the excerpt's loudest value (`clip`) or below full scale (`absolute`)."""
    n_columns: int = 0
    """Use this many frames, spread evenly over the excerpt; 0: a frame for each hop. Cost: time
    and memory, in proportion."""
    column_shift_seconds: float = 0.0
    """Shift each column's frame from the middle of the column by this time."""
    column_span: float = 1.0
    """The columns cover this share of the excerpt, from its beginning."""
    normalisation: Normalisation = "none"
    """Standardise levels by `clip`, by a `running` mean and deviation of all training tracks,
    or not at all."""
    n_coefficients: int = 20
    """mfcc only: how many coefficients are kept."""
    bins_per_octave: int = 12
    """cqt only."""
    corner_hz: float = 65.406
    """log-frequency only: the axis is linear below and logarithmic above."""


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """The network between spectrogram (or waveform) and projection."""

    kind: BackboneKind = "plain-cnn"
    """`plain-cnn`: convolutions and pooling. `short-chunk`: the same with residual connections.
    `crnn`: the first, then a recurrent network (GRU) over time. `waveform-cnn`: convolutions over
    time, for `front_end.kind = "waveform"`. `moments`: simple statistics of the spectrogram. Cost:
    `moments` takes the least time, residual blocks twice that of plain convolutions."""
    filters: tuple[int, ...] = (32, 64, 96, 128)
    """Channels of each stage. For moments see networks/moments.py. Cost: time and memory, with
    the square."""
    kernel: int = 3
    """The side of a convolution. Cost: time, with the square."""
    pool: int = 2
    """The factor by which a stage pools time and frequency."""
    stride: int = 1
    """The step of the first convolution of each stage. Cost: a larger stride saves time."""
    convolutions_per_stage: int = 1
    """How many convolutions a stage has: the depth of the network. Cost: time, in proportion."""
    time_stages: int = 0
    """Stages that shrink time, from the first one on; later ones shrink frequency alone. 0:
    all. Cost: fewer stages take more time."""
    activation: ActivationKind = "relu"
    """The non-linear function after each layer."""
    dropout: float = 0.0
    """The share of features that is dropped in training."""
    pooling: PoolingKind = "statistics"
    """How features are pooled over time. moments ignores it: no time is left."""
    members: int = 1
    """This many networks of this kind side by side; one projection reads the features of all.
    Cost: time and size, in proportion."""
    row_statistics: bool = False
    """The projection also reads mean, deviation and mean step of each row of the spectrogram."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything between a file and its vector."""

    excerpts: ExcerptConfig = field(default_factory=ExcerptConfig)
    front_end: FrontEndConfig = field(default_factory=FrontEndConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    beside: tuple[BackboneConfig, ...] = ()
    """Further backbones on the same input; one projection reads the features of all. Cost: time
    and size of each."""
    embedding_size: int = 128
    """The numbers of a vector. Cost: size of a library, in proportion."""
    geometry: GeometryKind = "cosine"
    """The space of the vectors: the sphere (`cosine`), flat space, or the hyperbolic ball
    (`poincare`). Cost: `poincare` searches take longer."""
    curvature: float = 1.0
    """poincare only: the curvature of the ball."""
    translated_to: FrontEndConfig | None = None
    """The input that the backbone expects, if the front end makes another: levels are
    translated (see features/translation.py)."""
