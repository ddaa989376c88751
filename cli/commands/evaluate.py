"""`soundalike evaluate`: measure how good the neighbours are, without leaks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    LIBRARY_WORD,
    MODEL_HELP,
    ForceOption,
    Form,
    Globals,
    SubjectArgument,
    VotersOption,
    check_subject,
    globals_of,
)
from cli.output import emit, emit_text
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure
from embedder.whole_files import check_output

if TYPE_CHECKING:
    from index.evaluate.chosen import Subject
    from index.evaluate.results import Evaluation
    from index.evaluate.settings import Choice, EvaluationSettings


def run(
    context: typer.Context,
    dataset: SubjectArgument,
    model: Annotated[str | None, typer.Option(metavar="M", help=MODEL_HELP)] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A method to measure instead of a model: mfcc, rhythm-patterns, spectrum, bliss "
            "or random; for spectrogram arrays also row-statistics; or vectors in the data set.",
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(metavar="M", help="Another model or baseline to compare with. Repeatable."),
    ] = None,
    field: Annotated[
        str, typer.Option(metavar="FIELD", help="The label field that neighbours vote on.")
    ] = "genre",
    k: VotersOption = 10,
    folds: Annotated[
        int, typer.Option(metavar="K", help="Use K grouped folds for queries and references.")
    ] = 0,
    split: Annotated[
        str,
        typer.Option(
            metavar="COLUMN|CSV|as-trained",
            help="Use test tracks as queries and training tracks as references, as split by a "
            "column, by a table with the columns track and split, or as the model was trained. "
            "If there are no test tracks, validation tracks are the queries.",
        ),
    ] = "",
    group: Annotated[
        str,
        typer.Option(
            metavar="artist|album|track",
            help="Leave out neighbours that share this with the query. The value artist is "
            "ignored for the fields artist, albumartist and composer.",
        ),
    ] = "artist",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.html", help="Write a page with charts."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Repeat with N seeds.")] = 1,
    seed: Annotated[
        int, typer.Option(metavar="N", help="The seed of folds, intervals and random baselines.")
    ] = 0,
    with_map: Annotated[
        bool, typer.Option("--map", help="Also measure how far flat maps can be trusted (slower).")
    ] = False,
    force: ForceOption = False,
) -> None:
    """Measure how good the neighbours are on labelled music.

    Measures retrieval, votes, a linear probe, hubness and calibration. A query's neighbours never
    include itself, its copies or other tracks of its artist; the report shows the clean accuracy
    and the leaky one side by side. Without --folds or --split, each track is a query against all
    others.

    $ soundalike evaluate library --field genre
    Prints how often the neighbours in your library vote for the right genre, and more.
    """
    settings = globals_of(context)
    check_subject(settings, dataset)
    if output is not None:
        check_output(output, force=force)
    from index.evaluate.settings import Choice, EvaluationSettings, checked_group

    choice = Choice(split, model, baseline, tuple(compare or ()))
    evaluation = EvaluationSettings(
        field=field,
        k=k,
        n_folds=folds,
        has_split=bool(split),
        group=checked_group(group),
        seed=seed,
        with_map=with_map,
    )
    subject = _subject(settings, dataset, choice)
    result = _measure(settings, subject, evaluation, n_seeds=seeds)
    _show(settings, result, output)


def _subject(settings: Globals, dataset: str, choice: "Choice") -> "Subject":
    from index.evaluate.chosen import chosen_subject  # imports torch

    if dataset != LIBRARY_WORD:
        return chosen_subject(Path(dataset), choice)
    from index.library import Library

    with Library.open(settings.library_folder()) as library:
        return chosen_subject(library, choice)


def _measure(
    settings: Globals, subject: "Subject", evaluation: "EvaluationSettings", *, n_seeds: int
) -> "Evaluation":
    """Measure each model or baseline, with a bar over all their tracks."""
    from embedder.encoding.threads import usable_cores
    from index.evaluate.evaluation import Making, evaluate

    done: dict[str, int] = {}
    n_steps = len(subject.tracks.rows) * len(subject.names)
    with bar(settings, label="Analysing", total=n_steps) as advance:

        def report(name: str, n_done: int, n_all: int) -> None:
            del n_all
            advance(n_done - done.get(name, 0))
            done[name] = n_done

        return evaluate(
            subject.tracks,
            subject.names,
            settings=evaluation,
            n_seeds=n_seeds,
            stored=subject.stored,
            making=Making(workers=usable_cores(), on_progress=report),
        )


def _show(settings: Globals, result: "Evaluation", page: Path | None) -> None:
    """Print the figures, write the page, and report tracks that could not be measured."""
    from index.evaluate.page import write_page
    from index.evaluate.tables import remarks, tables_of

    if settings.form is Form.TABLE:
        for table in tables_of(result):
            emit(settings, rows=table.rows, title=table.title)
            emit_text(settings, "")
    else:
        emit(settings, result, rows=result.models)
    if settings.form is not Form.JSON:  # which has them in it
        for remark in remarks(result):
            say(settings, remark)
    if page is not None:  # after the figures, which a full disk must not take away
        write_page(page, result)
        say(settings, f"{page}: open it in a browser")
    n_bad = len(result.failed) + len(result.left_out)
    if n_bad:
        raise PartialFailure(f"measured, but {n_bad} of the tracks could not be read or used")
