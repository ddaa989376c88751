"""`soundalike audit`: what is wrong with a data set or a library."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ForceOption, Form, Globals, globals_of
from cli.output import emit, emit_text
from cli.progress import bar
from cli.talk import say
from embedder.errors import UsageError
from embedder.whole_files import check_output

if TYPE_CHECKING:
    from index.audit.audit import Audited, AuditSettings

LIBRARY = "library"
SHOWN_OF_A_KIND = 5


def run(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET|library", help="A data set's path, or: library.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.html", help="A page to read.")
    ] = None,
    fix_split: Annotated[
        Path | None,
        typer.Option(
            "--fix-split",
            metavar="OUT.csv",
            help="Write a split that keeps artists and repeats together, for evaluate --split.",
        ),
    ] = None,
    field: Annotated[str, typer.Option(metavar="FIELD", help="The labels to look at.")] = "genre",
    split: Annotated[
        str, typer.Option(metavar="COLUMN|CSV", help="Another split than the usual column.")
    ] = "",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="A model or baseline that says who is near whom. By default the library's own "
            "vectors, else row statistics.",
        ),
    ] = None,
    fewest_artists: Annotated[
        int, typer.Option(min=1, metavar="N", help="A label of fewer artists is reported.")
    ] = 5,
    seed: Annotated[int, typer.Option(help="Of a split that is drawn anew.")] = 0,
    force: ForceOption = False,
) -> None:
    """Look for repeats, leaks between sides, broken sound and doubtful labels. Changes nothing.

    Repeats: equal content; the same recording, confirmed by sliding pictures of the two along each
    other; the same artist and title. Sound: silent, clipped, truncated, mono as stereo.
    """
    from embedder.encoding.threads import usable_cores
    from index.audit.audit import AuditSettings, write_split
    from index.audit.page import write_page

    settings = globals_of(context)
    for path in (output, fix_split):
        if path is not None:
            check_output(path, force=force)
    if output is not None and fix_split is not None and output.absolute() == fix_split.absolute():
        raise UsageError(f"{output}: the page and the split need a file each")
    asked = AuditSettings(
        field=field, fewest_artists=fewest_artists, seed=seed, workers=usable_cores()
    )
    found = _audited(settings, dataset, split=split, model=model, asked=asked)
    if output is not None:
        write_page(output, found.audit)
        say(settings, f"{output}: open it in a browser")
    _show(settings, found)
    if fix_split is not None:  # after the findings, which are there where no split can be had, too
        fixed = write_split(fix_split, found)
        say(settings, f"{fix_split}: {fixed.origin}; {len(fixed.moved)} tracks moved")
        for side in fixed.emptied:
            say(settings, f"{fix_split}: no track is left for {side}: too few artists to part")


def _audited(
    settings: Globals, dataset: str, *, split: str, model: str | None, asked: "AuditSettings"
) -> "Audited":
    from index.audit.audit import audit
    from index.evaluate.evaluation import Making, vectors_named
    from index.evaluate.subjects import library_subject, open_subject

    stored = None
    if dataset == LIBRARY:
        from index.library import Library

        with Library.open(settings.library_folder()) as library:
            tracks, stored = library_subject(library, split=split)
    else:
        tracks = open_subject(Path(dataset), split=split)
    vectors = stored
    if model is not None:
        making = Making(workers=asked.workers)
        vectors = vectors_named(tracks, model, stored=stored, seed=asked.seed, making=making)
    done = {"": 0}
    with bar(settings, label="Auditing", total=len(tracks.rows)) as advance:

        def report(what: str, n_done: int, n_all: int) -> None:
            if what == "Listening":
                advance(n_done - done.get(what, 0))
            done[what] = n_done
            del n_all

        return audit(
            tracks,
            settings=asked,
            vector_set=vectors,
            by_content=stored is None,
            on_progress=report,
        )


def _show(settings: Globals, found: "Audited") -> None:
    from index.audit.page import finding_row

    audit = found.audit
    if settings.form is not Form.TABLE:
        emit(settings, audit, rows=audit.findings)
        return
    counts = [{"looked for": kind, "found": n} for kind, n in audit.counts().items()]
    emit(settings, rows=counts, title=f"{audit.name}: {audit.n_tracks} tracks")
    rows = [
        finding_row(finding)
        for kind in audit.counts()
        for finding in audit.of_kind(kind)[:SHOWN_OF_A_KIND]
    ]
    if rows:
        emit_text(settings, "")
        emit(
            settings, rows=rows, title=f"At most {SHOWN_OF_A_KIND} of each kind; -o or --json: all"
        )
    for note in audit.notes[:SHOWN_OF_A_KIND]:
        say(settings, note)
