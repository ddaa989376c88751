"""How a model is trained: data, objectives, batches, augmentation, optimiser, loop and doctor.

Zero stands for "not set" in whole-number and minute fields, an empty text for "none", since
TOML has no null. Nothing here changes what a finished model computes; that is `ModelConfig`.
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
    """One loss and what it calls a positive; several of them with weights make a multi-task run.

    Margins and temperatures are distances. The defaults suit the sphere, where these reach 2; in
    Euclidean space twice as much is a start, in the Poincaré ball (up to 15) five times.
    """

    kind: ObjectiveKind = "triplet"
    weight: float = 1.0
    relations: tuple[RelationKind, ...] = ("label",)
    """A pair is positive where any of them holds, negative where all that are known deny it."""
    relation_weights: tuple[float, ...] = ()
    """graded-contrastive: how alike (0…1) a pair of that relation is. Empty: 1 for each."""
    margin: float = 0.2
    """Triplets, and how far apart contrastive negatives are pushed; proxy-anchor's shift."""
    positive_margin: float = 0.0
    """contrastive: positives nearer than this are left in peace."""
    soft_margin: bool = False
    """Triplets: log(1 + exp(violation)) in place of max(0, violation)."""
    mining: Mining = "semi-hard"
    temperature: float = 0.1
    """nt-xent, supervised-contrastive, softmax, and tag-similarity by cross-entropy."""
    positive_scale: float = 2.0
    """multi-similarity's alpha."""
    negative_scale: float = 50.0
    """multi-similarity's beta."""
    proxy_scale: float = 32.0
    """proxy-anchor's alpha."""
    tag_weights: TagWeights = "tf-idf"
    tag_similarity: TagSimilarity = "cosine"
    tag_threshold: float = 0.5
    """The tag relation: similarity from which on a pair is positive; without a common tag it is
    negative, between the two it is neither."""
    soft_target_loss: SoftTargetLoss = "squared"
    label_smoothing: float = 0.0
    """softmax only."""
    near_share: float = 0.05
    """handcrafted and latent: the nearest share of all pairs is positive ..."""
    far_share: float = 0.5
    """... and the farthest share is negative."""


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """What a batch is made of: P groups of K tracks with C crops each (see sampling/batches.py)."""

    kind: SamplerKind = "groups"
    groups_per_batch: int = 8
    tracks_per_group: int = 4
    crops_per_track: int = 1
    relations: tuple[RelationKind, ...] = ("label",)
    relation_weights: tuple[float, ...] = ()
    """Share of the batches that each relation makes. Empty: the same share for each."""
    balanced: bool = True
    """Every group as often as any other; else groups come as often as they have tracks."""
    small_groups: SmallGroups = "leave-out"
    """Groups with fewer tracks than `tracks_per_group`: leave them out or repeat their tracks."""
    batch_size: int = 32
    """`plain` only: tracks a batch."""
    n_neighbours: int = 10
    """handcrafted and latent: a group is a track and that many nearest ones."""
    latent: LatentKind = "svd"
    latent_size: int = 32
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """Strengths; zero switches an operation off. Decibels of a spectrogram are of its own scale."""

    probability: float = 1.0
    """Of each operation, for each example by itself."""
    gain_db: float = 0.0
    noise: float = 0.0
    """Spectrograms: deviation of the levels (0…1). Waveforms: root mean square per that of the
    sound."""
    tilt_db: float = 0.0
    """Equaliser: a straight line of up to this much from the lowest to the highest row."""
    equaliser_db: float = 0.0
    """Equaliser: random bands of up to this much up or down."""
    time_masks: int = 0
    time_mask_share: float = 0.1
    """Longest mask as a share of the columns."""
    frequency_masks: int = 0
    frequency_mask_share: float = 0.1
    time_shift_share: float = 0.0
    """Round the end: what leaves on one side comes in on the other."""
    frequency_shift_rows: int = 0
    """Empty rows come in."""
    bandwidth_limit_share: float = 0.0
    """Up to this share of the upper rows is emptied, as in low-rate MP3."""
    mix_up: float = 0.0
    """Largest share of another track under this one (below 0.5: the target stays)."""
    crop_columns: int = 0
    """A random stretch of that many columns; 0 keeps all."""
    pitch_semitones: float = 0.0
    """Waveforms only, as the next one; drawn once for a batch."""
    tempo_share: float = 0.0
    """0.1: between 1/1.1 and 1.1 times as fast."""

    @property
    def is_off(self) -> bool:
        """Whether nothing would be changed."""
        strengths = (
            self.gain_db, self.noise, self.tilt_db, self.equaliser_db, self.time_masks,
            self.frequency_masks, self.time_shift_share, self.frequency_shift_rows,
            self.bandwidth_limit_share, self.mix_up, self.pitch_semitones, self.tempo_share,
        )  # fmt: skip
        return self.crop_columns == 0 and (self.probability == 0.0 or not any(strengths))


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """Which rule moves the weights."""

    kind: OptimiserKind = "adamw"
    learning_rate: float = 1e-3
    head_learning_rate_factor: float = 1.0
    """Proxies and heads of the objectives learn this many times as fast as the network."""
    weight_decay: float = 1e-4
    """L2; decoupled for adamw and muon."""
    l1: float = 0.0
    momentum: float = 0.9
    """sgd (with Nesterov's step) and rmsprop."""


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """How the learning rate moves."""

    kind: ScheduleKind = "cosine"
    warm_up_share: float = 0.05
    """Share of the steps over which the rate rises from zero (constant, cosine, step)."""
    step_epochs: int = 10
    step_factor: float = 0.3
    final_factor: float = 0.01
    """cosine and one-cycle: what is left of the rate at the end."""


@dataclass(frozen=True, slots=True)
class StoppingConfig:
    """When to stop before the last epoch: held-out retrieval has not improved for a while."""

    patience_epochs: int = 0
    """0: never stop early."""
    measure: StoppingMeasure = "map"
    """What tells the best epoch: how high held-out tracks rank those of their label, all ranks
    counted, or how often the vote of the nearest is right, which few held-out tracks tell coarsely.
    Sets with tags alone go by the tags."""
    n_neighbours: int = 15
    """The neighbours that vote on held-out tracks."""


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """The run itself."""

    epochs: int = 30
    max_minutes: float = 0.0
    gradient_clip: float = 5.0
    """Largest norm of the gradient; 0 leaves it as it is."""
    weight_averaging: WeightAveraging = "none"
    averaging_decay: float = 0.999
    """`moving` only."""
    averaging_epochs: int = 5
    """`last-epochs` only."""
    precision: Precision = "auto"
    compile: bool = False
    workers: int = 0
    """Processes that prepare batches; 0 prepares them in this one."""
    validate_every_epochs: int = 1
    seed: int = 0
    device: str = "auto"
    n_devices: int = 1
    n_machines: int = 1


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """What the doctor watches, when it speaks, and whether it may act."""

    enabled: bool = True
    every_steps: int = 10
    min_effective_rank: float = 2.0
    stuck_steps: int = 50
    """So many steps with the loss at the margin count as stuck."""
    stuck_tolerance: float = 0.02
    fallback: Fallback = "none"


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """Which tracks, with which labels, on which side."""

    layout: DatasetLayout = "auto"
    label_field: str = "genre"
    tag_field: str = ""
    """A multi-label column; its values stand apart by `tag_separator`."""
    tag_separator: str = ";"
    n_tags: int = 50
    """The most frequent ones are kept; 0 keeps all."""
    label_similarity: tuple[tuple[str, str, float], ...] = ()
    """How alike (0…1) two labels are, for graded-contrastive: [["rock", "metal", 0.6]]."""
    limit_per_label: int = 0
    """At most so many training tracks a label; 0 takes all."""
    limit_balance: Balance = "balanced"
    """`natural` keeps the labels' proportions, and `limit_per_label` on average."""
    min_per_label: int = 2
    split_column: str = "split"
    """Used where the table has it; otherwise tracks are drawn, artists and duplicates together."""
    split_by: str = "artist"
    validation_share: float = 0.1
    test_share: float = 0.1
    learn_validation: bool = False
    """Train on the validation side too, once there is nothing more to choose by it."""
    fold: int = -1
    """-1: no folds; otherwise this one of `n_folds` is held out."""
    n_folds: int = 5
    variant: str = ""
    """FMA: small or medium."""
    cache_dir: str = ""
    """Empty: the platform's cache folder."""
    cache_gigabytes: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that a run needs to be run again."""

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
