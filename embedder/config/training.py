"""How a model is trained: data, objectives, batches, augmentation, optimiser, loop and doctor.

TOML has no null: in whole numbers and minutes 0 means "not set", and an empty text means "none".
Nothing here changes what a finished model computes; `ModelConfig` decides that.
"""

from dataclasses import dataclass, field
from typing import Literal

from embedder.config.model import ModelConfig
from embedder.config.transfer import TransferConfig

ObjectiveKind = Literal[
    "triplet",
    "contrastive",
    "graded-contrastive",
    "multi-similarity",
    "nt-xent",
    "supervised-contrastive",
    "proxy-anchor",
    "softmax",
    "tag-similarity",
    "distillation",
    "tagging",
]
RelationKind = Literal["label", "artist", "album", "track", "tag", "handcrafted", "latent"]
Mining = Literal["all", "hard", "semi-hard", "distance-weighted"]
TagWeights = Literal["binary", "tf-idf"]
TagSimilarity = Literal["dice", "cosine"]
SoftTargetLoss = Literal["squared", "cross-entropy"]
LatentKind = Literal["svd", "co-occurrence"]
SamplerKind = Literal["groups", "plain"]
SmallGroups = Literal["leave-out", "repeat"]
OptimiserKind = Literal["sgd", "adam", "adamw", "rmsprop", "muon"]
ScheduleKind = Literal["constant", "cosine", "step", "one-cycle"]
Precision = Literal["auto", "32", "bf16", "16"]
WeightAveraging = Literal["none", "moving", "last-epochs"]
StoppingMeasure = Literal["map", "accuracy"]
Fallback = Literal["none", "semi-hard", "soft-margin"]
Balance = Literal["balanced", "natural"]
DatasetLayout = Literal[
    "auto",
    "folders",
    "manifest",
    "gtzan",
    "fma",
    "magnatagatune",
    "mtg-jamendo",
    "arrays",
    "library",
]


@dataclass(frozen=True, slots=True)
class ObjectiveConfig:
    """One loss and its positive pairs. Several weighted losses make a multi-task run.

    Margins and temperatures are distances. The defaults suit the sphere, where distances reach 2.
    In Euclidean space begin with twice as much, in the Poincaré ball (up to 15) with five times.
    """

    kind: ObjectiveKind = "triplet"
    weight: float = 1.0
    relations: tuple[RelationKind, ...] = ("label",)
    """A pair is positive if any relation holds, negative if all known relations deny it."""
    relation_weights: tuple[float, ...] = ()
    """graded-contrastive: how alike (0…1) the pairs of each relation are. Empty: 1 for each."""
    margin: float = 0.2
    """Margin of triplets, distance of contrastive negatives, shift of proxy-anchor."""
    positive_margin: float = 0.0
    """contrastive: positives nearer than this cost nothing."""
    soft_margin: bool = False
    """Triplets: use log(1 + exp(violation)) instead of max(0, violation)."""
    mining: Mining = "semi-hard"
    temperature: float = 0.1
    """Of nt-xent, supervised-contrastive, softmax, and tag-similarity by cross-entropy."""
    positive_scale: float = 2.0
    """Alpha of multi-similarity."""
    negative_scale: float = 50.0
    """Beta of multi-similarity."""
    proxy_scale: float = 32.0
    """Alpha of proxy-anchor."""
    tag_weights: TagWeights = "tf-idf"
    tag_similarity: TagSimilarity = "cosine"
    tag_threshold: float = 0.5
    """The tag relation: a pair is positive from this similarity on, and negative without a common
    tag. Other pairs are ignored."""
    soft_target_loss: SoftTargetLoss = "squared"
    label_smoothing: float = 0.0
    """softmax only."""
    near_share: float = 0.05
    """handcrafted and latent: this share of all pairs, the nearest ones, is positive."""
    far_share: float = 0.5
    """handcrafted and latent: this share of all pairs, the farthest ones, is negative."""


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """The contents of a batch: P groups of K tracks with C crops each (see sampling/batches.py)."""

    kind: SamplerKind = "groups"
    groups_per_batch: int = 8
    tracks_per_group: int = 4
    crops_per_track: int = 1
    relations: tuple[RelationKind, ...] = ("label",)
    relation_weights: tuple[float, ...] = ()
    """The share of the batches that each relation gets. Empty: the same share for each."""
    balanced: bool = True
    """Draw every group equally often. Otherwise draw groups in proportion to their tracks."""
    small_groups: SmallGroups = "leave-out"
    """Leave out groups with fewer tracks than `tracks_per_group`, or repeat their tracks."""
    batch_size: int = 32
    """`plain` only: tracks in a batch."""
    n_neighbours: int = 10
    """handcrafted and latent: a group is a track and this many of its neighbours."""
    latent: LatentKind = "svd"
    latent_size: int = 32
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """Strengths of random changes to crops; 0 switches one off. Decibels are the spectrogram's."""

    probability: float = 1.0
    """The probability of each change, drawn for each example separately."""
    gain_db: float = 0.0
    noise: float = 0.0
    """Standard deviation on the levels (0…1); for waveforms relative to their root mean square."""
    tilt_db: float = 0.0
    """Equaliser: a straight slope of up to this much from the lowest to the highest row."""
    equaliser_db: float = 0.0
    """Equaliser: raise or lower random bands by up to this much."""
    time_masks: int = 0
    time_mask_share: float = 0.1
    """The longest mask, as a share of the columns."""
    frequency_masks: int = 0
    frequency_mask_share: float = 0.1
    time_shift_share: float = 0.0
    """Shift by up to this share. What leaves on one side comes in on the other."""
    frequency_shift_rows: int = 0
    """Shift by up to this many rows. Empty rows come in."""
    bandwidth_limit_share: float = 0.0
    """Empty up to this share of the upper rows, as low-rate MP3 does."""
    mix_up: float = 0.0
    """Mix in another track with up to this share. Below 0.5, so that the target stays right."""
    crop_columns: int = 0
    """Train on a random stretch of this many columns; 0 keeps all."""
    pitch_semitones: float = 0.0
    """Needs audio. Drawn once for a batch."""
    tempo_share: float = 0.0
    """Needs audio. 0.1 means between 1/1.1 and 1.1 times as fast. Drawn once for a batch."""

    @property
    def is_off(self) -> bool:
        """Whether nothing is changed."""
        strengths = (
            self.gain_db, self.noise, self.tilt_db, self.equaliser_db, self.time_masks,
            self.frequency_masks, self.time_shift_share, self.frequency_shift_rows,
            self.bandwidth_limit_share, self.mix_up, self.pitch_semitones, self.tempo_share,
        )  # fmt: skip
        return self.crop_columns == 0 and (self.probability == 0.0 or not any(strengths))


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """The optimiser."""

    kind: OptimiserKind = "adamw"
    learning_rate: float = 1e-3
    head_learning_rate_factor: float = 1.0
    """The learning rate of the objectives' proxies and heads, relative to that of the network."""
    weight_decay: float = 1e-4
    """L2 penalty; decoupled for adamw and muon."""
    l1: float = 0.0
    momentum: float = 0.9
    """Of sgd (with Nesterov's step) and rmsprop."""


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """How the learning rate changes during a run."""

    kind: ScheduleKind = "cosine"
    warm_up_share: float = 0.05
    """The share of the steps over which the rate rises at the start."""
    step_epochs: int = 10
    step_factor: float = 0.3
    final_factor: float = 0.01
    """cosine and one-cycle: the final rate, as a share of the highest."""


@dataclass(frozen=True, slots=True)
class StoppingConfig:
    """How held-out tracks are measured, and when that ends a run early."""

    patience_epochs: int = 0
    """Stop after this many epochs without a better score; 0 never stops early."""
    measure: StoppingMeasure = "map"
    """The score that decides which epoch is best: mean average precision over the whole ranking, or
    the accuracy of the neighbours' vote, which is coarse with few held-out tracks. Data sets with
    tags alone use the mean average precision of tags."""
    n_neighbours: int = 15
    """How many neighbours vote on a held-out track."""


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """Epochs, devices and the threads of a run."""

    epochs: int = 30
    max_minutes: float = 0.0
    """End this call after so many minutes; 0: no limit. `--resume` continues."""
    gradient_clip: float = 5.0
    """The largest norm of the gradient; 0: no limit."""
    weight_averaging: WeightAveraging = "none"
    """Measure and keep an average of the weights instead of the latest ones."""
    averaging_decay: float = 0.999
    """`moving` only."""
    averaging_epochs: int = 5
    """`last-epochs` only."""
    precision: Precision = "auto"
    compile: bool = False
    workers: int = 0
    """Threads that prepare batches ahead of training; 0 means one."""
    validate_every_epochs: int = 1
    seed: int = 0
    device: str = "auto"
    n_devices: int = 1
    n_machines: int = 1


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """The doctor, which warns of a run that learns nothing: when it warns, and whether it acts."""

    enabled: bool = True
    every_steps: int = 10
    min_effective_rank: float = 2.0
    stuck_steps: int = 50
    """Warn of a symptom after it has lasted for so many steps."""
    stuck_tolerance: float = 0.02
    fallback: Fallback = "none"


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """Which tracks are used, with which labels, on which side of the split."""

    layout: DatasetLayout = "auto"
    label_field: str = "genre"
    tag_field: str = ""
    """A label field with several values, separated by `tag_separator`."""
    tag_separator: str = ";"
    n_tags: int = 50
    """Keep this many of the most frequent tags; 0 keeps all."""
    label_similarity: tuple[tuple[str, str, float], ...] = ()
    """How alike (0…1) two labels are, for graded-contrastive: [["rock", "metal", 0.6]]."""
    limit_per_label: int = 0
    """Use at most this many training tracks of each label; 0 uses all."""
    limit_balance: Balance = "balanced"
    """`natural` keeps the labels' proportions; `limit_per_label` then holds on average."""
    min_per_label: int = 2
    split_column: str = "split"
    """The table's split, if it has this column. Otherwise the split is drawn at random."""
    split_by: str = "artist"
    """artist, album or track: what stays together. Copies of a recording always do."""
    validation_share: float = 0.1
    test_share: float = 0.1
    learn_validation: bool = False
    """Train on the validation side too; then nothing is measured during the run."""
    fold: int = -1
    """Hold out this fold of `n_folds`, counted from 0; -1: no folds."""
    n_folds: int = 5
    variant: str = ""
    """FMA: small or medium. MTG-Jamendo: a subset, such as genre."""
    cache_dir: str = ""
    """The folder of computed features. Empty: the platform's cache folder."""
    cache_gigabytes: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """All settings of a run."""

    model: ModelConfig = field(default_factory=ModelConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    objectives: tuple[ObjectiveConfig, ...] = (ObjectiveConfig(),)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    doctor: DoctorConfig = field(default_factory=DoctorConfig)
    transfer: TransferConfig = field(default_factory=TransferConfig)
