"""`soundalike evaluate`: how good the neighbours are, without leaks."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ForceOption, Form, Globals, globals_of
from cli.output import emit, emit_text
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure, UsageError
from embedder.whole_files import check_output

if TYPE_CHECKING:
    from embedder.datasets.dataset import Dataset
    from index.evaluate.evaluation import Making
    from index.evaluate.results import Evaluation
    from index.evaluate.vector_set import VectorSet

LIBRARY = "library"


def run(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET|library", help="A data set's path, or: library.")
    ],
    model: Annotated[
        str | None, typer.Option(metavar="M", help="A model's name, or the path of its folder.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mfcc, rhythm-patterns, spectrum, bliss, random; of spectrogram arrays "
            "row-statistics and mfcc; or vectors that the data set brings.",
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(metavar="M", help="Another model or baseline beside it; may be repeated."),
    ] = None,
    field: Annotated[str, typer.Option(metavar="FIELD", help="What neighbours vote on.")] = "genre",
    k: Annotated[int, typer.Option("-k", help="How many neighbours vote.")] = 10,
    folds: Annotated[int, typer.Option(metavar="K", help="Ask in K grouped folds.")] = 0,
    split: Annotated[
        str,
        typer.Option(
            metavar="COLUMN|CSV|as-trained",
            help="Training tracks answer, test (else validation) tracks ask: by a column, by "
            "a table with the columns track and split, or as-trained: by the model's own sides.",
        ),
    ] = "",
    group: Annotated[
        str,
        typer.Option(
            metavar="artist|album|track", help="What a query and its neighbours never share."
        ),
    ] = "artist",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.html", help="A page with charts.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Repeat with so many seeds.")] = 1,
    seed: Annotated[int, typer.Option(help="Of folds, intervals and the random baseline.")] = 0,
    with_map: Annotated[
        bool, typer.Option("--map", help="How far flat maps can be trusted too (slower).")
    ] = False,
    force: ForceOption = False,
) -> None:
    """Measure how good the neighbours are: retrieval, votes, a linear probe, hubs, calibration.

    A query never finds itself, its copies or its own artist; beside the clean accuracy stands what
    a leaky one would be. Without --folds or --split each track is asked against all others.
    """
    from index.evaluate.baselines import check_baseline
    from index.evaluate.evaluation import evaluate
    from index.evaluate.page import check_place, write_page
    from index.evaluate.settings import EvaluationSettings, checked_group

    settings = globals_of(context)
    if model and baseline:
        raise UsageError("give --model or --baseline; --compare puts others beside it")
    if output is not None:
        check_output(output, force=force)
        check_place(output)
    asked = EvaluationSettings(
        field=field,
        k=k,
        n_folds=folds,
        has_split=bool(split),
        group=checked_group(group),
        seed=seed,
        with_map=with_map,
    )
    tracks, stored = _subject(settings, dataset, split, model)
    if baseline:
        check_baseline(tracks, baseline)
    names = [model or baseline or _usual(stored), *(compare or [])]
    with bar(settings, label="Listening", total=len(tracks.rows) * len(names)) as advance:
        found = evaluate(
            tracks, names, settings=asked, n_seeds=seeds, stored=stored, making=_making(advance)
        )
    _show(settings, found)
    if output is not None:  # after the figures, which a full disk must not take away
        write_page(output, found)
        say(settings, f"{output}: open it in a browser")
    n_bad = len(found.failed) + len(found.left_out)
    if n_bad:
        raise PartialFailure(f"measured, but {n_bad} of the tracks could not be read or used")


def _subject(
    settings: Globals, dataset: str, split: str, model: str | None
) -> "tuple[Dataset, VectorSet | None]":
    from embedder.models.registry import find_model
    from index.evaluate.own_split import AS_TRAINED, with_sides_of
    from index.evaluate.subjects import library_subject, open_subject

    if dataset != LIBRARY:
        if split != AS_TRAINED:
            return open_subject(Path(dataset), split=split, reads_sides=False), None
        if not model:
            raise UsageError(f"--split {AS_TRAINED}: give --model, whose sides these are")
        return with_sides_of(open_subject(Path(dataset)), find_model(model), name=model), None
    from index.library import Library
    from index.library_folder.model_folder import known_model_folder, library_model_folder

    with Library.open(settings.library_folder()) as library:
        at = (library.folder, library.catalogue, library.model)
        own_folder = known_model_folder(*at)
        if split != AS_TRAINED:
            return library_subject(library, split=split, model_folder=own_folder)
        folder = find_model(model) if model else own_folder or library_model_folder(*at)
        tracks, stored = library_subject(library, model_folder=own_folder)
        return with_sides_of(tracks, folder, name=model or stored.name), stored


def _usual(stored: "VectorSet | None") -> str:
    from embedder.models.registry import list_models
    from index.indexing.model_choice import DEFAULT_MODEL

    if stored is not None:
        return stored.name
    names = [model.name for model in list_models()]
    if DEFAULT_MODEL not in names:
        known = f" You have {', '.join(names)}." if names else ""
        raise UsageError(f"give --model and a name or folder, or --baseline.{known}")
    return DEFAULT_MODEL


def _making(advance: Callable[[int], None]) -> "Making":
    from embedder.encoding.threads import usable_cores
    from index.evaluate.evaluation import Making

    done: dict[str, int] = {}

    def report(name: str, n_done: int, n_all: int) -> None:
        del n_all
        advance(n_done - done.get(name, 0))
        done[name] = n_done

    return Making(workers=usable_cores(), on_progress=report)


def _show(settings: Globals, found: "Evaluation") -> None:
    from index.evaluate.tables import remarks, tables_of

    if settings.form is Form.TABLE:
        for table in tables_of(found):
            emit(settings, rows=table.rows, title=table.title)
            emit_text(settings, "")
    else:
        emit(settings, found, rows=found.models)
    if settings.form is not Form.JSON:  # which has them in it
        for remark in remarks(found):
            say(settings, remark)
