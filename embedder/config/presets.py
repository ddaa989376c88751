"""Named settings: front ends that match published spectrograms, and models by size."""

from dataclasses import replace

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig

FRONT_ENDS: dict[str, FrontEndConfig] = {
    "mel": FrontEndConfig(),
    # FMA as 128 × 128 pictures: one frame every 0.234 s of a 30-second clip, at the file's rate.
    "fma-mel": FrontEndConfig(sample_rate=0, n_columns=128),
    # GTZAN as 172 × 173 pictures. Rows and columns are the pixels of a plot whose edges fall within
    # a pixel: the lowest row begins half a bin below 0 Hz, the highest ends before 11 025 Hz, and
    # the plot is a little wider than the picture. Values are the 256 steps of a colour map over
    # 80 dB, of which 8 bits keep the lower edge: 256 × (1 + dB / 80) − 0.5.
    "gtzan-log": FrontEndConfig(
        kind="log-frequency",
        sample_rate=22050,
        n_bins=172,
        min_hz=-5.38,
        max_hz=10852.0,
        n_columns=173,
        column_span=0.99735,
        column_shift_seconds=-0.0007,
        level_per_db=3.2 / 255,
        level_at_reference=255.5 / 255,
    ),
    "mfcc": FrontEndConfig(kind="mfcc", normalisation="running"),
    "cqt": FrontEndConfig(kind="cqt", n_bins=84),
    "waveform": FrontEndConfig(kind="waveform", sample_rate=16000, normalisation="clip"),
}

_WHOLE_CLIP = ExcerptConfig(n_excerpts=1, excerpt_seconds=30.0, placement="centre")
# One sample rate, so that a row is the same frequency in every file.
_SAME_ROWS_EVERYWHERE = replace(FRONT_ENDS["fma-mel"], sample_rate=44100)


def _convolutions(*filters: int) -> BackboneConfig:
    """Convolutions with strides from the first one on: full resolution costs four times as much."""
    return BackboneConfig(
        kind="short-chunk", filters=filters, time_stages=2, stride=2, pool=1, dropout=0.1
    )


def _moments(*filters: int) -> BackboneConfig:
    """Products of rows over time, which convolutions take far longer to learn."""
    return BackboneConfig(kind="moments", filters=filters, dropout=0.25)


MODELS: dict[str, ModelConfig] = {
    # For tests and first steps: trains in seconds on a CPU.
    "tiny": ModelConfig(
        excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=2.0),
        front_end=FrontEndConfig(n_bins=32, fft_size=1024, hop_samples=1024),
        backbone=BackboneConfig(filters=(8, 16), pooling="mean"),
        embedding_size=16,
    ),
    # Data sets of the size of GTZAN and FMA small: half an hour on a CPU.
    "base": ModelConfig(
        excerpts=_WHOLE_CLIP,
        front_end=_SAME_ROWS_EVERYWHERE,
        backbone=_convolutions(24, 48, 96, 192),
        beside=(_moments(16, 128, 128, 256),),
        embedding_size=128,
    ),
    # Large data sets, on a GPU: convolutions as wide as is useful.
    "large": ModelConfig(
        excerpts=_WHOLE_CLIP,
        front_end=_SAME_ROWS_EVERYWHERE,
        backbone=_convolutions(64, 128, 256, 512),
        beside=(_moments(16, 256, 256, 512),),
        embedding_size=128,
    ),
}
