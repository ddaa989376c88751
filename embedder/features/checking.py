"""Refuse settings that no front end can follow."""

from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError


def check_front_end(config: FrontEndConfig) -> None:
    """Refuse settings that no front end can follow; the error names the setting."""
    at_least_one = ("fft_size", "hop_samples", "n_bins", "bins_per_octave", "n_coefficients")
    for name in at_least_one:
        if getattr(config, name) < 1:
            raise ConfigError(f"front_end.{name} = {getattr(config, name)}: give at least 1")
    if config.fft_size % 2:
        raise ConfigError(f"front_end.fft_size = {config.fft_size}: give an even number")
    if config.sample_rate < 0 or config.n_columns < 0:
        raise ConfigError("front_end.sample_rate and n_columns: give 0 (not set) or more")
    if config.magnitude_power <= 0 or config.corner_hz <= 0:
        raise ConfigError("front_end.magnitude_power and corner_hz: give more than 0")
    if config.floor_db >= 0:
        raise ConfigError(f"front_end.floor_db = {config.floor_db}: give less than 0")
    lowest = -config.corner_hz if config.kind == "log-frequency" else 0.0
    if (config.max_hz and config.max_hz <= config.min_hz) or config.min_hz < lowest:
        raise ConfigError(
            f"front_end.min_hz = {config.min_hz}, max_hz = {config.max_hz}: "
            f"min_hz from {lowest}, max_hz above it (or 0 for half the rate)"
        )
    if not 0 < config.column_span <= 1:
        raise ConfigError(f"front_end.column_span = {config.column_span}: more than 0, at most 1")
    if config.sample_rate and config.min_hz >= config.sample_rate / 2:
        raise ConfigError(
            f"front_end.min_hz = {config.min_hz}: a rate of {config.sample_rate} Hz "
            f"holds nothing above {config.sample_rate / 2:.0f} Hz"
        )
    if config.kind == "mfcc" and config.n_coefficients > config.n_bins:
        raise ConfigError(
            f"front_end.n_coefficients = {config.n_coefficients}: at most n_bins = {config.n_bins}"
        )
