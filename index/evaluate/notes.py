"""What a reader of the figures has to know: who could not be asked, answered or told apart."""

import numpy as np

from index.evaluate.material import Material
from index.evaluate.results import ModelScores
from index.evaluate.rounds import Rounds
from index.evaluate.settings import EvaluationSettings


def notes_of(
    material: Material, settings: EvaluationSettings, rounds: Rounds, first: ModelScores
) -> list[str]:
    """first: any of the models; who may answer whom is the same for all."""
    return [
        *_of_groups(material, settings, rounds),
        *_of_answers(material, settings, rounds, first),
        *_of_labels(material, settings),
    ]


def _of_groups(material: Material, settings: EvaluationSettings, rounds: Rounds) -> list[str]:
    notes = []
    if settings.group != "track" and not (material.groups >= 0).any():
        notes.append(f"no {settings.group} is known: only copies are kept apart")
    artists = material.artists[rounds.queries]
    if len(artists) == 1 or (artists[0] >= 0 and (artists == artists[0]).all()):
        whose = "one track asks" if len(artists) == 1 else "all who ask are by one artist"
        notes.append(f"{whose}: no interval can be drawn")
    return notes


def _of_answers(
    material: Material, settings: EvaluationSettings, rounds: Rounds, first: ModelScores
) -> list[str]:
    notes = []
    are_apart = bool((material.groups >= 0).any())
    smallest = min(len(one.references) - one.same_set for one in rounds.clean)
    if smallest < settings.k:
        notes.append(f"k = {settings.k}, but only {smallest} tracks can answer: all of them do")
    kept_apart = f"of their {settings.group}, or copies" if are_apart else "copies"
    way_out = f" (--group track lets tracks of one {settings.group} meet)" if are_apart else ""
    if first.n_without_vote:
        notes.append(
            f"{first.n_without_vote} of {first.n_queries} tracks have nobody to ask, as all others "
            f"are {kept_apart}: they count in no figure{way_out}"
        )
    if first.n_without_match:
        notes.append(
            f"nobody who may answer has the {settings.field} of {first.n_without_match} of "
            f"{first.n_queries} tracks: no vote for them can be right{way_out}"
        )
    return notes


def _of_labels(material: Material, settings: EvaluationSettings) -> list[str]:
    notes = []
    if len(material.label_names) == 1:
        notes.append(f"all tracks are {material.label_names[0]}: nothing can be told apart")
    n_unlabelled = int(np.sum(material.labels < 0))
    if n_unlabelled:
        notes.append(f"{n_unlabelled} tracks have no {settings.field} and do not take part")
    return notes
