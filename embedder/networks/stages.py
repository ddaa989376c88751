"""Shared by the backbones: checks of settings, and how far stages shrink an axis."""

from dataclasses import dataclass

from embedder.config.model import BackboneConfig
from embedder.errors import BadInput, ConfigError


@dataclass(frozen=True, slots=True)
class AxisShrink:
    """How one stage shrinks one axis: a padded, strided convolution, then pooling."""

    stride: int
    pool: int

    def after(self, size: int) -> int:
        """How many of `size` steps are left; 0 if there are too few."""
        return -(-size // self.stride) // self.pool


def kernel_of(config: BackboneConfig, stage: int) -> tuple[int, int]:
    """Rows and columns that a stage's kernels span."""
    return config.kernel, config.kernel if _covers_time(config, stage) else 1


def column_shrinks(config: BackboneConfig) -> tuple[AxisShrink, ...]:
    """The time axis: every stage that covers time strides and pools."""
    shrinking, unchanged = (
        AxisShrink(stride=config.stride, pool=config.pool),
        AxisShrink(stride=1, pool=1),
    )
    n_stages = len(config.filters)
    return tuple(
        shrinking if _covers_time(config, stage) else unchanged for stage in range(n_stages)
    )


def _covers_time(config: BackboneConfig, stage: int) -> bool:
    return not config.time_stages or stage < config.time_stages


def row_shrinks(config: BackboneConfig, *, n_rows: int) -> tuple[AxisShrink, ...]:
    """The frequency axis: like time, but a stage with too few rows does not pool them."""
    shrinks = []
    for _ in config.filters:
        convolved = AxisShrink(stride=config.stride, pool=1).after(n_rows)
        pool = config.pool if convolved >= config.pool else 1
        shrinks.append(AxisShrink(stride=config.stride, pool=pool))
        n_rows = shrinks[-1].after(n_rows)
    return tuple(shrinks)


def size_after(shrinks: tuple[AxisShrink, ...], size: int) -> int:
    """How many steps an axis has after all stages."""
    for shrink in shrinks:
        size = shrink.after(size)
    return size


def least_columns(config: BackboneConfig) -> int:
    """The shortest input, in columns (or samples), that leaves one column at the end."""
    if config.kind == "moments":
        return 2  # they have one step
    needed = 1
    for shrink in reversed(column_shrinks(config)):
        needed = (needed * shrink.pool - 1) * shrink.stride + 1
    return needed


def check_input(shape: tuple[int, ...], *, n_rows: int, least: int) -> None:
    """Refuse an input that is not [batch, n_rows, at least `least` columns]."""
    if len(shape) != 3 or shape[1] != n_rows:
        raise BadInput(
            f"input of shape {list(shape)}: the network takes [batch, {n_rows}, columns]"
        )
    if shape[2] < least:
        raise BadInput(
            f"input of {shape[2]} columns: the network's strides and pooling need at least "
            f"{least}. Give longer excerpts or a smaller backbone.pool."
        )


def check_backbone(config: BackboneConfig) -> None:
    """Refuse settings that no network can follow; the error says why."""
    if not config.filters or min(config.filters) < 1:
        raise ConfigError(
            f"backbone.filters = {list(config.filters)}: give one count for each stage"
        )
    for name in ("kernel", "pool", "stride", "convolutions_per_stage", "members"):
        if getattr(config, name) < 1:
            raise ConfigError(f"backbone.{name} = {getattr(config, name)}: give at least 1")
    has_no_stages = config.kind in ("waveform-cnn", "moments")
    if config.time_stages < 0 or (config.time_stages and has_no_stages):
        raise ConfigError(
            f"backbone.time_stages = {config.time_stages}: give 0 or more, and 0 to waveform-cnn, "
            "which covers only time, and to moments, which have no stages"
        )
    if config.kernel % 2 == 0:
        raise ConfigError(f"backbone.kernel = {config.kernel}: give an odd number")
    if not 0 <= config.dropout < 1:
        raise ConfigError(f"backbone.dropout = {config.dropout}: give 0 up to below 1")
