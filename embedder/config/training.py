"""How a model is trained: data, objectives, batches, augmentation, optimiser, loop and doctor.

TOML has no null: in whole numbers and minutes 0 means "not set", and an empty text means "none".
Nothing here changes what a finished model computes; `ModelConfig` decides that.
"""

from dataclasses import dataclass, field
from typing import Literal

from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.model import ModelConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.transfer import TransferConfig

OptimiserKind = Literal["sgd", "adam", "adamw", "rmsprop", "muon"]
ScheduleKind = Literal["constant", "cosine", "step", "one-cycle", "plateau"]
Precision = Literal["auto", "32", "bf16", "16"]
WeightAveraging = Literal["none", "moving", "last-epochs"]
StoppingMeasure = Literal["map", "accuracy"]
Fallback = Literal["none", "semi-hard", "soft-margin"]


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """The optimiser."""

    kind: OptimiserKind = "adamw"
    """The optimiser. Cost: `muon` takes a little more time for a step."""
    learning_rate: float = 1e-3
    """The highest learning rate of the run."""
    head_learning_rate_factor: float = 1.0
    """The learning rate of the objectives' proxies and heads, relative to that of the network."""
    weight_decay: float = 1e-4
    """L2 penalty; decoupled for adamw and muon."""
    l1: float = 0.0
    """L1 penalty."""
    momentum: float = 0.9
    """Of sgd (with Nesterov's step) and rmsprop."""


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """How the learning rate changes during a run."""

    kind: ScheduleKind = "cosine"
    """How the rate changes: not at all, along a cosine, by steps, up and down once, or down when
    the held-out score no longer improves (`plateau`)."""
    warm_up_share: float = 0.05
    """The share of the steps over which the rate rises at the start."""
    step_epochs: int = 10
    """step: lower the rate after so many epochs."""
    step_factor: float = 0.3
    """step and plateau: multiply the rate by this."""
    plateau_epochs: int = 3
    """plateau: lower the rate after this many epochs without a better held-out score."""
    final_factor: float = 0.01
    """cosine and one-cycle: the final rate, as a share of the highest."""


@dataclass(frozen=True, slots=True)
class StoppingConfig:
    """How held-out tracks are measured, and when that ends a run early."""

    patience_epochs: int = 0
    """Stop after this many epochs without a better score; 0 never stops early."""
    measure: StoppingMeasure = "map"
    """The score that decides which epoch is best: mean average precision over the whole
    ranking, or the accuracy of the neighbours' vote, which is coarse with few held-out tracks.
    Data sets with tags alone use the mean average precision of tags."""
    n_neighbours: int = 15
    """How many neighbours vote on a held-out track."""
    measure_test: bool = False
    """Measure the best model on the test side too, once, after the run. `--folds` and `--curve`
    do it. Cost: the time of encoding the test tracks."""


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """Epochs, devices and the threads of a run."""

    epochs: int = 30
    """How often the run goes over the training tracks. Cost: time, in proportion."""
    max_minutes: float = 0.0
    """End this call after so many minutes; 0: no limit. `--resume` continues."""
    gradient_clip: float = 5.0
    """The largest norm of the gradient; 0: no limit."""
    weight_averaging: WeightAveraging = "none"
    """Measure and keep an average of the weights instead of the latest ones. Cost: memory of a
    second network."""
    averaging_decay: float = 0.999
    """`moving` only: the share of the old average that each step keeps."""
    averaging_epochs: int = 5
    """`last-epochs` only: how many epochs are averaged."""
    precision: Precision = "auto"
    """The numbers of the network. `auto`: bf16 (or 16) on a GPU, bf16 on a CPU with instructions
    for it, otherwise 32."""
    compile: bool = False
    """Compile the network. Cost: a minute at the start; less time for each step."""
    workers: int = 0
    """Threads that prepare batches ahead of training; 0 means one. Cost: memory of a batch each."""
    validate_every_epochs: int = 1
    """Measure the held-out tracks after so many epochs. Cost: each measurement takes the time
    of encoding them."""
    seed: int = 0
    """The seed of the weights and of every random change."""
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    n_devices: int = 1
    """GPUs of each machine."""
    n_machines: int = 1
    """Machines; `torchrun` starts them."""


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """The doctor, which warns of a run that learns nothing: when it warns, and whether it acts."""

    enabled: bool = True
    """Whether the run is watched."""
    every_steps: int = 10
    """Look at one step in so many. Cost: the watched steps compare all pairs of a batch."""
    min_effective_rank: float = 2.0
    """Warn if the vectors use fewer of their dimensions."""
    stuck_steps: int = 50
    """Warn of a symptom after it has lasted for so many steps."""
    stuck_tolerance: float = 0.02
    """The triplet loss counts as equal to its margin within this share."""
    fallback: Fallback = "none"
    """What the doctor changes if a run learns nothing: nothing, or how triplets are mined."""


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
