"""Advice on what to try next. Each rule names the number of the run that it is based on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.config.training import TrainingConfig

FEW_TRACKS = 20
"""Per label: with fewer, a network of any size learns little."""
GOOD_VOTE = 0.9
POINT_RANK = 1.5
"""Effective rank: a single direction has 1."""
_ENOUGH_QUERIES = 60
"""Below this the error of the accuracy is more than five points."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The input of the rules."""

    config: TrainingConfig
    history: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    accuracy: float
    """NaN if nothing was held out, or nothing has labels."""
    n_queries: int
    labels: Sequence[str]
    tracks_of_label: Mapping[str, int]
    """On the training side."""
    confusion: NDArray[np.int64] | None


def what_to_try(facts: RunFacts) -> list[str]:
    """Advice in plain words, the most urgent first; never empty."""
    rules = (
        _collapse,
        _too_few_tracks,
        _few_queries,
        _over_fitted,
        _not_learnt,
        _cut_short,
        _mixed,
    )
    texts = [text for rule in rules if (text := rule(facts))]
    return texts or [
        "Nothing stands out. More tracks, more artists a label, or the next larger preset may give "
        "a better model."
    ]


def _collapse(facts: RunFacts) -> str:
    rank = facts.history[-1].get("effective_rank", np.nan) if facts.history else np.nan
    if not facts.notes and rank < POINT_RANK:
        return (
            f"All vectors lie on nearly one point or line (effective rank {rank:.1f}): fix this "
            "first. Lower optimiser.learning_rate a good deal, and keep loop.gradient_clip."
        )
    if not facts.notes:
        return ""
    return (
        "The doctor gave a warning (see its notes): fix this first. Halve "
        "optimiser.learning_rate, or train with doctor.fallback = 'semi-hard'."
    )


def _too_few_tracks(facts: RunFacts) -> str:
    few = {name: n for name, n in facts.tracks_of_label.items() if n < FEW_TRACKS}
    if not few:
        return ""
    shown = ", ".join(f"{name} ({n})" for name, n in sorted(few.items(), key=lambda i: i[1])[:6])
    more = f" and {len(few) - 6} more labels" if len(few) > 6 else ""
    transfer_hint = ""
    if not facts.config.transfer.checkpoint:
        transfer_hint = (
            ", or start from a model that was trained on more music (--from default --fit)"
        )
    return f"Few training tracks of {shown}{more}: add some{transfer_hint}."


def _few_queries(facts: RunFacts) -> str:
    if facts.n_queries == 0 and facts.config.dataset.learn_validation:
        return (
            "The validation side was used for training (dataset.learn_validation), so nothing is "
            "measured here. soundalike evaluate --split as-trained measures a test side, if there "
            "is one."
        )
    if facts.n_queries == 0:
        return "Nothing was held out, so nothing was measured: set dataset.validation_share."
    if facts.n_queries >= _ENOUGH_QUERIES or np.isnan(facts.accuracy):
        return ""
    share = min(max(facts.accuracy, 0.05), 0.95)
    error = 1.96 * np.sqrt(share * (1 - share) / facts.n_queries)
    return (
        f"Only {facts.n_queries} tracks were held out: the accuracy is certain to ±{error:.0%} at "
        "best. Raise dataset.validation_share, or measure with soundalike evaluate --folds 5."
    )


def _over_fitted(facts: RunFacts) -> str:
    if np.isnan(facts.accuracy) or facts.accuracy >= GOOD_VOTE or not facts.history:
        return ""
    active = facts.history[-1].get("active_share", np.nan)
    if not active < 0.05:
        return ""
    off = "" if not facts.config.augmentation.is_off else " (it is off)"
    return (
        f"The network separates training tracks ({active:.1%} of the triplets are still active) "
        f"but not held-out ones (accuracy {facts.accuracy:.0%}): try more augmentation{off}, "
        "dropout or optimiser.weight_decay, fewer filters, or more artists a label."
    )


def _not_learnt(facts: RunFacts) -> str:
    active = facts.history[-1].get("active_share", np.nan) if facts.history else np.nan
    if _collapse(facts) or not active > 0.5 or facts.accuracy >= GOOD_VOTE:
        return ""
    return (
        f"{active:.0%} of the triplets are still active: the network does not even separate the "
        "training tracks. Try more epochs, a higher learning rate, more filters, or less "
        "augmentation."
    )


def _cut_short(facts: RunFacts) -> str:
    scores = [record["score"] for record in facts.history if "score" in record]
    if len(scores) < 4 or facts.accuracy >= GOOD_VOTE:
        return ""
    if scores.index(max(scores)) < len(scores) - max(len(scores) // 10, 1):
        return ""
    return (
        "The best score came at the very end, so it was still rising. Train for more epochs "
        f"(loop.epochs = {2 * facts.config.loop.epochs})."
    )


def _mixed(facts: RunFacts) -> str:
    if facts.confusion is None or facts.accuracy >= GOOD_VOTE:
        return ""
    errors = facts.confusion.astype(float)
    np.fill_diagonal(errors, 0.0)
    if errors.max(initial=0.0) < 2:
        return ""
    true, guessed = divmod(int(errors.argmax()), errors.shape[1])
    n_tracks = int(facts.confusion[true].sum())
    return (
        f"{facts.labels[true]} is most often mistaken for {facts.labels[guessed]} "
        f"({int(errors[true, guessed])} of {n_tracks}): play a few of them, as their labels may be "
        "wrong."
    )
