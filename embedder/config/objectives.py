"""What a network is trained for: the losses, and which pairs of tracks count as alike."""

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class ObjectiveConfig:
    """One loss and its positive pairs. Several weighted losses make a multi-task run.

    Margins and temperatures are distances. The defaults suit the sphere, where distances reach 2.
    In Euclidean space begin with twice as much, in the Poincaré ball (up to 15) with five times.
    """

    kind: ObjectiveKind = "triplet"
    """The loss. `softmax` and `proxy-anchor` learn labels, `tagging` tags, `distillation` a
    teacher's vectors, `tag-similarity` how alike tags are; the others learn from pairs or
    triplets of tracks."""
    weight: float = 1.0
    """The factor of this loss, if there are several."""
    relations: tuple[RelationKind, ...] = ("label",)
    """A pair is positive if any relation holds, negative if all known relations deny it. Cost:
    `handcrafted` computes features of every track first."""
    relation_weights: tuple[float, ...] = ()
    """graded-contrastive: how alike (0…1) the pairs of each relation are. Empty: 1 for each."""
    margin: float = 0.2
    """Margin of triplets, distance of contrastive negatives, shift of proxy-anchor."""
    positive_margin: float = 0.0
    """contrastive: positives nearer than this cost nothing."""
    soft_margin: bool = False
    """Triplets: use log(1 + exp(violation)) instead of max(0, violation)."""
    mining: Mining = "semi-hard"
    """Which triplets or pairs of a batch count: `all`, the hardest, those within the margin
    (`semi-hard`), or drawn evenly over distances."""
    temperature: float = 0.1
    """Of nt-xent, supervised-contrastive, softmax, and tag-similarity by cross-entropy."""
    positive_scale: float = 2.0
    """Alpha of multi-similarity."""
    negative_scale: float = 50.0
    """Beta of multi-similarity."""
    proxy_scale: float = 32.0
    """Alpha of proxy-anchor."""
    tag_weights: TagWeights = "tf-idf"
    """Whether rare tags count more (`tf-idf`) or all alike (`binary`)."""
    tag_similarity: TagSimilarity = "cosine"
    """How the similarity of two sets of tags is computed."""
    tag_threshold: float = 0.5
    """The tag relation: a pair is positive from this similarity on, and negative without a
    common tag. Other pairs are ignored."""
    soft_target_loss: SoftTargetLoss = "squared"
    """tag-similarity: compare similarities by their squared difference, or as shares of a row."""
    label_smoothing: float = 0.0
    """softmax only: the share of the target that all labels get."""
    near_share: float = 0.05
    """handcrafted and latent: this share of all pairs, the nearest ones, is positive."""
    far_share: float = 0.5
    """handcrafted and latent: this share of all pairs, the farthest ones, is negative."""
