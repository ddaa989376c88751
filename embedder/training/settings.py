"""One frozen configuration from the options of a command: defaults, preset, TOML, flags."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.loading import configure
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import TrainingConfig
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.config.transfer import TransferConfig
from embedder.datasets.opening import open_configured
from embedder.errors import ConfigError, UnknownChoice
from embedder.models.parts import load_base
from embedder.training.folder.run_folder import saved_config

FEW_NEIGHBOURS = 5
SEVERAL_SHARE = 0.1
"""From this share of tracks with several values on, a label field is one of tags."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """The options of a training command, as given."""

    preset: str = ""
    toml: Path | None = None
    assignments: tuple[str, ...] = ()
    """`key.sub=value`."""
    checkpoint: str = ""
    """A model to start from: a folder or a name."""
    freeze: bool = False
    label_field: str = ""
    limit_per_label: int = 0
    fit: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no option is given, so that a resumed run keeps its own settings."""
        return self == TrainingRequest()


def training_config(
    request: TrainingRequest, *, resume_from: Path | None = None, data: Path | None = None
) -> TrainingConfig:
    """The configuration of a run; without options that of the run in `resume_from`.

    data: the data set, if it can be looked at: a label field in which tracks have several values
    needs other settings than one with a single value.
    """
    if resume_from is not None and replace(request, assignments=()).is_empty:
        return configure(saved_config(resume_from), assignments=request.assignments)
    base = _base(request)
    config = configure(base, toml=request.toml, assignments=_assignments(request))
    has_own_objectives = config.objectives != base.objectives or config.dataset.tag_field
    if data is None or not request.label_field or has_own_objectives or request.fit:
        return config
    return _for_several_labels(config, data)


def _for_several_labels(config: TrainingConfig, data: Path) -> TrainingConfig:
    """The settings of a tagger, if many tracks have several labels; otherwise unchanged."""
    field = config.dataset.label_field
    rows = open_configured(data, config.dataset).rows
    n_labelled = sum(bool(row.values(field)) for row in rows)
    n_several = sum(len(row.values(field)) > 1 for row in rows)
    if n_several < SEVERAL_SHARE * n_labelled:
        return config
    _logger.warning(
        "%s: %d of %d tracks have several values, so a tagger is trained (dataset.tag_field = %r, "
        "objectives = [{kind = 'tagging'}]); --set objectives chooses another objective",
        field,
        n_several,
        n_labelled,
        field,
    )
    return replace(
        config,
        dataset=replace(config.dataset, label_field="", tag_field=field),
        objectives=(ObjectiveConfig(kind="tagging"),),
        sampler=SamplerConfig(kind="plain"),
    )


def named_preset(name: str) -> TrainingConfig:
    """A preset; the defaults without a name."""
    if not name:
        return TrainingConfig()
    if name not in TRAINING_PRESETS:
        raise UnknownChoice("preset", name, TRAINING_PRESETS)
    return TRAINING_PRESETS[name]


def _base(request: TrainingRequest) -> TrainingConfig:
    base = named_preset(request.preset)
    if request.checkpoint and Path(request.checkpoint).is_dir():
        # A run may be resumed from another working folder.
        request = replace(request, checkpoint=str(Path(request.checkpoint).absolute()))
    if not request.checkpoint:
        if request.freeze:
            raise ConfigError("--freeze keeps a trained backbone: give --from CHECKPOINT")
        if request.fit:
            raise ConfigError("--fit needs a trained model: give --from CHECKPOINT")
        return base
    if request.fit:  # mostly for small data sets, in which a label has only a few tracks
        base = replace(
            base,
            sampler=SamplerConfig(kind="plain"),  # without epochs there are no batches to compose
            loop=replace(base.loop, epochs=0),
            stopping=replace(base.stopping, n_neighbours=FEW_NEIGHBOURS),
        )
    if request.freeze or request.fit:
        # A preset's augmentation is for a whole network. Without it the frozen part's features are
        # computed once, and the head trains in seconds. TOML or --set may switch it on again.
        base = replace(base, augmentation=AugmentationConfig())
    return replace(
        base,
        model=load_base(request.checkpoint).config,
        transfer=TransferConfig(
            request.checkpoint, freeze=request.freeze or request.fit, fit=request.fit
        ),
    )


def _assignments(request: TrainingRequest) -> Sequence[str]:
    flags = []
    if request.label_field:
        flags.append(f"dataset.label_field={request.label_field}")
    if request.limit_per_label:
        flags.append(f"dataset.limit_per_label={request.limit_per_label}")
    return (*request.assignments, *flags)
