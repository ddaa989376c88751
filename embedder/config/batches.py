"""What a batch contains, and how its examples are changed."""

from dataclasses import dataclass
from typing import Literal

from embedder.config.objectives import RelationKind

LatentKind = Literal["svd", "co-occurrence", "word-vectors"]
SamplerKind = Literal["groups", "plain"]
SmallGroups = Literal["leave-out", "repeat"]


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """The contents of a batch: P groups of K tracks with C crops each (see sampling/batches.py)."""

    kind: SamplerKind = "groups"
    """`groups` composes batches of tracks that have something in common; `plain` draws tracks
    at random."""
    groups_per_batch: int = 8
    """Groups in a batch. Cost: memory and time of a step, in proportion."""
    tracks_per_group: int = 4
    """Tracks of each group. Cost: as `groups_per_batch`."""
    crops_per_track: int = 1
    """Crops of each track. Two or more make pairs of one track (the relation `track`). Cost: as
    `groups_per_batch`."""
    relations: tuple[RelationKind, ...] = ("label",)
    """What the tracks of a group have in common; several take turns."""
    relation_weights: tuple[float, ...] = ()
    """The share of the batches that each relation gets. Empty: the same share for each."""
    balanced: bool = True
    """Draw every group equally often. Otherwise draw groups in proportion to their tracks."""
    small_groups: SmallGroups = "leave-out"
    """Leave out groups with fewer tracks than `tracks_per_group`, or repeat their tracks."""
    batch_size: int = 32
    """`plain` only: tracks in a batch. Cost: memory and time of a step, in proportion."""
    n_neighbours: int = 10
    """handcrafted and latent: a group is a track and this many of its neighbours."""
    latent: LatentKind = "svd"
    """How the latent space of the tags is made: by singular vectors, by how often tags come
    together, or from a file of word vectors."""
    latent_size: int = 32
    """The dimensions of the latent space. Word vectors keep their own."""
    word_vectors: str = ""
    """The text file of `latent = "word-vectors"`: a word and its numbers in each line, as GloVe,
    word2vec and fastText write them. Cost: the file is read once at the start."""
    seed: int = 0
    """The seed of the batches."""


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """Strengths of random changes to crops; 0 switches one off. Decibels are the spectrogram's."""

    probability: float = 1.0
    """The probability of each change, drawn for each example separately."""
    gain_db: float = 0.0
    """Raise or lower the level by up to this much."""
    noise: float = 0.0
    """Standard deviation on the levels (0…1); for waveforms relative to their root mean square."""
    tilt_db: float = 0.0
    """Equaliser: a straight slope of up to this much from the lowest to the highest row."""
    equaliser_db: float = 0.0
    """Equaliser: raise or lower random bands by up to this much."""
    time_masks: int = 0
    """How many stretches of time are blanked."""
    time_mask_share: float = 0.1
    """The longest mask, as a share of the columns."""
    frequency_masks: int = 0
    """How many bands of frequencies are blanked."""
    frequency_mask_share: float = 0.1
    """The widest mask, as a share of the rows."""
    time_shift_share: float = 0.0
    """Shift by up to this share. What leaves on one side comes in on the other."""
    frequency_shift_rows: int = 0
    """Shift by up to this many rows. Empty rows come in."""
    bandwidth_limit_share: float = 0.0
    """Empty up to this share of the upper rows, as low-rate MP3 does."""
    mix_up: float = 0.0
    """Mix in another track with up to this share. Below 0.5, so that the target stays right."""
    crop_columns: int = 0
    """Train on a random stretch of this many columns; 0 keeps all. Cost: shorter crops
    save time."""
    pitch_semitones: float = 0.0
    """Shift the pitch by up to this much. Needs audio. Drawn once for a batch. Cost: every
    epoch decodes the audio again."""
    tempo_share: float = 0.0
    """Change the tempo. 0.1 means between 1/1.1 and 1.1 times as fast. Needs audio. Drawn once
    for a batch. Cost: every epoch decodes the audio again."""

    @property
    def is_off(self) -> bool:
        """Whether nothing is changed."""
        strengths = (
            self.gain_db, self.noise, self.tilt_db, self.equaliser_db, self.time_masks,
            self.frequency_masks, self.time_shift_share, self.frequency_shift_rows,
            self.bandwidth_limit_share, self.mix_up, self.pitch_semitones, self.tempo_share,
        )  # fmt: skip
        return self.crop_columns == 0 and (self.probability == 0.0 or not any(strengths))
