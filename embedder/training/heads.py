"""The heads of a run: those that its objectives train, or fitted to its vectors, then calibrated.

A softmax or proxy-anchor objective on labels has a label head of its own, a tagging objective a tag
head. If a run has labels or tags but no such objective, the head is a logistic regression on the
vectors of its training tracks. The temperatures are fitted on the validation tracks.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn import functional

from embedder.config.dataset import DatasetConfig
from embedder.metrics.tagging import tag_scores
from embedder.models.array_geometry import ArrayGeometry
from embedder.models.card import HeadCalibration, read_card
from embedder.models.heads import Head, HeadKind, Heads, as_probabilities, attach_heads, read_heads
from embedder.training.feeding.known_tracks import KnownTracks
from embedder.training.objectives.heads import TaggingObjective
from embedder.training.objectives.proxies import ProxyObjective
from embedder.training.validation import EncodedExcerpts

MAX_EXCERPTS = 20_000
"""A head of a few thousand weights learns no more from more excerpts."""
LEAST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE = -3.0, 3.0
Truth = NDArray[np.float32]
"""1 where a track has a label: [tracks, labels]."""


def trained_heads(objective: nn.Module, known: KnownTracks, config: DatasetConfig) -> Heads:
    """Copies, on the CPU, of the heads that the objectives have now."""
    tagging = tagging_in(objective)
    tags = None
    if tagging is not None:
        weight, bias = (_array(part) for part in tagging.head.parameters())
        tags = Head(weight, bias, known.tag_names, field=config.tag_field)
    proxies = proxies_in(objective)
    labels = None
    if proxies is not None:
        points, scale = proxies.points()
        geometry = proxies.geometry
        labels = Head(
            _array(points),
            np.zeros(len(points), dtype=np.float32),
            known.label_names,
            kind="softmax",
            field=config.label_field,
            proxy_geometry=ArrayGeometry(geometry.kind, getattr(geometry, "curvature", 1.0)),
            proxy_scale=scale,
        )
    return Heads(labels, tags)


def _array(values: Tensor) -> NDArray[np.float32]:
    """A copy on the CPU."""
    array: NDArray[np.float32] = values.detach().float().cpu().clone().numpy()
    return array


def tagging_in(objective: nn.Module) -> TaggingObjective | None:
    """The tagging objective among the objectives, if there is one."""
    parts = (part for part in objective.modules() if isinstance(part, TaggingObjective))
    return next(parts, None)


def tag_probabilities(
    objective: nn.Module, known: KnownTracks, config: DatasetConfig
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]] | None:
    """The probabilities of the tagging head as it is when they are asked for; None without one."""
    if tagging_in(objective) is None:
        return None

    def probabilities(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        head = trained_heads(objective, known, config).tags
        assert head is not None  # noqa: S101  # checked above
        return head.probabilities(vectors)

    return probabilities


def proxies_in(objective: nn.Module) -> ProxyObjective | None:
    """The first objective with a proxy for each label, if there is one."""
    parts = (part for part in objective.modules() if isinstance(part, ProxyObjective))
    return next((part for part in parts if part.id_kind == "label"), None)


def finish_heads(
    folder: Path,
    known: KnownTracks,
    config: DatasetConfig,
    *,
    training: EncodedExcerpts,
    validation: EncodedExcerpts | None,
) -> dict[str, float]:
    """Fit the heads that a saved model lacks, calibrate all of them, and write them to its folder.

    Returns their scores on the validation tracks: `head_accuracy` and `head_roc_auc`.
    """
    card = read_card(folder)
    heads = read_heads(folder, card)
    truths = truths_of(known)
    finished: dict[str, Head | None] = {"labels": heads.labels, "tags": heads.tags}
    scores: dict[str, float] = {}
    for name, truth in truths.items():
        head = finished[name]
        if head is None:
            is_label = name == "labels"
            head = fitted_head(
                training,
                truth,
                known.label_names if is_label else known.tag_names,
                kind="softmax" if is_label else "sigmoid",
                field=config.label_field if is_label else config.tag_field,
            )
        if head is not None and validation is not None:
            head = calibrated(head, validation, truth)
            scores |= _scores(head, validation, truth)
        finished[name] = head
    attach_heads(folder, card, Heads(finished["labels"], finished["tags"]))
    return scores


def saved_head_scores(
    folder: Path, known: KnownTracks, encoded: EncodedExcerpts
) -> dict[str, float]:
    """The scores of a saved model's heads on other tracks: `head_accuracy`, `head_roc_auc`."""
    heads = read_heads(folder, read_card(folder))
    of_kind = {"labels": heads.labels, "tags": heads.tags}
    scores: dict[str, float] = {}
    for name, truth in truths_of(known).items():
        head = of_kind[name]
        if head is not None:
            scores |= _scores(head, encoded, truth)
    return scores


def truths_of(known: KnownTracks) -> dict[str, Truth]:
    """The labels and the tags of all tracks, if there are any; a row of 0: no label is known."""
    truths: dict[str, Truth] = {}
    if known.label_names:
        truths["labels"] = np.eye(len(known.label_names), dtype=np.float32)[known.labels]
        truths["labels"][known.labels < 0] = 0.0
    if known.tags is not None and known.tag_names:
        truths["tags"] = known.tags
    return truths


def fitted_head(
    encoded: EncodedExcerpts, truth: Truth, labels: tuple[str, ...], *, kind: HeadKind, field: str
) -> Head | None:
    """Logistic regression on the excerpts of training tracks; None with fewer than two labels."""
    owners, vectors = encoded
    is_labelled = truth[owners].any(axis=1)
    if len(labels) < 2 or (truth[owners].any(axis=0)).sum() < 2:
        return None
    rows = np.flatnonzero(is_labelled)
    if len(rows) > MAX_EXCERPTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MAX_EXCERPTS, replace=False))
    weight, bias = logistic_regression(
        vectors[torch.from_numpy(rows)].double(),
        torch.from_numpy(truth[owners[rows]]).double(),
        kind,
    )
    arrays = (_array(weight), _array(bias))
    return Head(*arrays, labels, kind=kind, field=field, origin="fitted")


def logistic_regression(inputs: Tensor, targets: Tensor, kind: HeadKind) -> tuple[Tensor, Tensor]:
    """Weight [labels, d] and bias [labels], with the L2 penalty of scikit-learn's C = 1.

    inputs: float64 [n, d], standardised here; targets: float64 [n, labels], of 0 and 1.
    """
    mean, deviation = inputs.mean(dim=0), inputs.std(dim=0, unbiased=False).clamp_min(1e-6)
    standard = (inputs - mean) / deviation
    weight = torch.zeros(targets.shape[1], inputs.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(targets.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-7
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = standard @ weight.T + bias
        if kind == "softmax":
            loss = functional.cross_entropy(logits, targets, reduction="sum")
        else:
            loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        loss = (loss + weight.square().sum() / 2) / len(inputs)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # nor for this
    scaled = weight.detach() / deviation
    return scaled, bias.detach() - scaled @ mean


def calibrated(head: Head, encoded: EncodedExcerpts, truth: Truth) -> Head:
    """The head with temperatures that make held-out tracks most probable."""
    owners, vectors = encoded
    is_labelled = truth[owners].any(axis=1)
    if not is_labelled.any():
        return head
    owners = owners[is_labelled]
    logits = head.logits(vectors.numpy()[is_labelled])
    tracks, starts, counts = np.unique(owners, return_index=True, return_counts=True)
    weights = np.repeat(1.0 / counts, counts)

    def of_tracks(temperature: float) -> float:
        probabilities = as_probabilities(logits, head.kind, temperature)
        means = np.add.reduceat(probabilities, starts, axis=0) / counts[:, None]
        return float(_surprise(means, truth[tracks], head.kind).sum())

    def of_excerpts(temperature: float) -> float:
        probabilities = as_probabilities(logits, head.kind, temperature)
        return float((_surprise(probabilities, truth[owners], head.kind) * weights).sum())

    calibration = HeadCalibration(
        temperature=_least(of_tracks),
        excerpt_temperature=_least(of_excerpts),
        n_tracks=len(tracks),
    )
    return dataclasses.replace(head, calibration=calibration)


def _surprise(
    probabilities: NDArray[np.floating], truth: Truth, kind: HeadKind
) -> NDArray[np.float64]:
    """The negative log-likelihood of each row; for tags the mean over tags."""
    chances = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-9, 1 - 1e-9)
    if kind == "softmax":
        return np.asarray(-np.log(chances[np.arange(len(chances)), truth.argmax(axis=1)]))
    losses = np.where(truth > 0, np.log(chances), np.log1p(-chances))
    return np.asarray(-losses.mean(axis=1))


def _least(surprise: Callable[[float], float]) -> float:
    """The best temperature; a weak prior holds it near 1 if there are only a few tracks."""
    minimum = minimize_scalar(
        lambda log: surprise(float(np.exp(log))) + log**2 / 2,
        bounds=(LEAST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE),
        method="bounded",
    )
    return round(float(np.exp(minimum.x)), 6)


def _scores(head: Head, encoded: EncodedExcerpts, truth: Truth) -> dict[str, float]:
    owners, vectors = encoded
    tracks, starts = np.unique(owners, return_index=True)
    parts = np.split(vectors.numpy(), starts[1:])
    probabilities = np.stack([head.track_probabilities(part) for part in parts])
    is_labelled = truth[tracks].any(axis=1)
    if not is_labelled.any():
        return {}
    probabilities, known_truth = probabilities[is_labelled], truth[tracks][is_labelled]
    if head.kind == "softmax":
        is_right = probabilities.argmax(axis=1) == known_truth.argmax(axis=1)
        return {"head_accuracy": float(is_right.mean())}
    scores = tag_scores(probabilities, known_truth)
    return {"head_roc_auc": scores.macro_roc_auc} if scores.n_tags_scored else {}
