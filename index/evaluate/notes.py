"""Notes on the figures: tracks without an artist, a neighbour, a matching label or a label."""

import numpy as np

from index.catalogue.wording import counted
from index.evaluate.material import Material
from index.evaluate.results import ModelScores
from index.evaluate.rounds import Rounds
from index.evaluate.settings import EvaluationSettings

FEW = 30
"""Fewer queries give figures that are hardly more than chance."""


def notes_of(
    material: Material, settings: EvaluationSettings, rounds: Rounds, first: ModelScores
) -> list[str]:
    """first: any of the models; the counts used here are the same for all."""
    return [
        *_of_few(rounds),
        *_of_groups(material, settings, rounds),
        *_of_references(material, settings, rounds, first),
        *_of_labels(material, settings),
    ]


def _of_few(rounds: Rounds) -> list[str]:
    n_queries = len(rounds.queries)
    if n_queries >= FEW:
        return []
    tracks = "track" if n_queries == 1 else "tracks"
    return [f"only {n_queries} query {tracks}: one track more or less changes every figure"]


def _of_groups(material: Material, settings: EvaluationSettings, rounds: Rounds) -> list[str]:
    notes = []
    if settings.apart != settings.group:
        notes.append(f"for the field {settings.field}, tracks of the same artist vote")
    if settings.apart != "track" and not (material.groups >= 0).any():
        notes.append(f"no {settings.apart} is known: only copies are left out")
    artists = material.artists[rounds.queries]
    if len(artists) == 1 or (artists[0] >= 0 and (artists == artists[0]).all()):
        reason = "one query track" if len(artists) == 1 else "all query tracks are by one artist"
        notes.append(f"{reason}: no interval can be drawn")
    return notes


def _of_references(
    material: Material, settings: EvaluationSettings, rounds: Rounds, first: ModelScores
) -> list[str]:
    notes = []
    has_groups = bool((material.groups >= 0).any())
    smallest = min(len(clean.references) - clean.same_set for clean in rounds.clean)
    if smallest < settings.k:
        notes.append(f"k = {settings.k}, but there are only {smallest} reference tracks: all vote")
    left_out = f"by their {settings.apart}, or copies" if has_groups else "copies"
    advice = f" (--group track keeps tracks of one {settings.apart})" if has_groups else ""
    if first.n_without_vote:
        notes.append(
            f"{first.n_without_vote} of {first.n_queries} tracks have no reference track, as all "
            f"others are {left_out}: they count in no figure{advice}"
        )
    if first.n_without_match:
        notes.append(
            f"{first.n_without_match} of {first.n_queries} tracks have a {settings.field} that "
            f"none of their reference tracks has: no vote for them can be right{advice}"
        )
    return notes


def _of_labels(material: Material, settings: EvaluationSettings) -> list[str]:
    notes = []
    if len(material.label_names) == 1:
        notes.append(f"all tracks are {material.label_names[0]}: every vote is right")
    n_unlabelled = int(np.sum(material.labels < 0))
    if n_unlabelled:
        notes.append(f"{counted(n_unlabelled, 'track', 'have')} no {settings.field}: left out")
    return notes
