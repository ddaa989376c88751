"""`soundalike audit`: find what is wrong with a data set or a library."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    LIBRARY_WORD,
    ForceOption,
    Form,
    Globals,
    SubjectArgument,
    check_subject,
    globals_of,
)
from cli.output import emit, emit_text
from cli.progress import Advance, bar
from cli.talk import say
from embedder.errors import UsageError
from embedder.whole_files import check_output
from index.catalogue.wording import counted

if TYPE_CHECKING:
    from index.audit.audit import Audited, AuditSettings

SHOWN_OF_A_KIND = 5


def run(
    context: typer.Context,
    dataset: SubjectArgument,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.html", help="Write all findings to a page."),
    ] = None,
    fix_split: Annotated[
        Path | None,
        typer.Option(
            "--fix-split",
            metavar="OUT.csv",
            help="Write a split that keeps artists and copies together, for evaluate --split.",
        ),
    ] = None,
    field: Annotated[
        str, typer.Option(metavar="FIELD", help="The label field to check.")
    ] = "genre",
    split: Annotated[
        str,
        typer.Option(
            metavar="COLUMN|CSV", help="The split to check, if it is not in the column split."
        ),
    ] = "",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="The model or baseline whose vectors show near tracks; by default the library's "
            "own vectors, or row statistics for a data set.",
        ),
    ] = None,
    fewest_artists: Annotated[
        int, typer.Option(min=1, metavar="N", help="Report labels with fewer than N artists.")
    ] = 5,
    seed: Annotated[int, typer.Option(metavar="N", help="The seed of a new split.")] = 0,
    sound: Annotated[
        bool | None,
        typer.Option(
            "--sound/--no-sound",
            help="Whether to decode each file to its end to find broken audio; by default not for "
            "a library, which has stored fingerprints and failures.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Find copies, leaks between splits, broken audio and bad labels.

    Copies have equal content, are the same recording (confirmed by aligning the two), or have the
    same artist and title. Broken audio is silent, clipped, truncated, or mono stored as stereo; in
    a library, --sound looks for it. An audit changes no file.

    $ soundalike audit library -o audit.html
    Prints how many problems of each kind there are, and writes all of them to audit.html.
    """
    settings = globals_of(context)
    check_subject(settings, dataset)
    for path in (output, fix_split):
        if path is not None:
            check_output(path, force=force)
    if output is not None and fix_split is not None and output.absolute() == fix_split.absolute():
        raise UsageError(f"{output}: the page and the split need a file each")
    from index.audit.audit import AuditSettings, write_split  # imports torch
    from index.audit.page import write_page

    options = AuditSettings(
        field=field,
        fewest_artists=fewest_artists,
        seed=seed,
        with_sound=dataset != LIBRARY_WORD if sound is None else sound,
    )
    audited = _audited(settings, dataset, options, split=split, model=model)
    if output is not None:
        write_page(output, audited.audit)
        say(settings, f"{output}: open it in a browser")
    _show(settings, audited)
    if fix_split is not None:  # after the findings, which are shown even if no split can be made
        fixed = write_split(fix_split, audited)
        say(settings, f"{fix_split}: {fixed.origin}; {counted(len(fixed.moved), 'track')} moved")
        for side in fixed.emptied:
            say(settings, f"{fix_split}: no track is left for {side}: there are too few artists")


def _audited(
    settings: Globals,
    dataset: str,
    options: "AuditSettings",
    *,
    split: str,
    model: str | None,
) -> "Audited":
    from embedder.encoding.threads import usable_cores
    from index.audit.audit import audit
    from index.evaluate.evaluation import Making, vectors_named
    from index.evaluate.subjects import library_subject, open_subject

    options = replace(options, workers=usable_cores())
    stored = None
    if dataset == LIBRARY_WORD:
        from index.library import Library

        with Library.open(settings.library_folder()) as library:
            tracks, stored = library_subject(library, split=split)
    else:
        tracks = open_subject(Path(dataset), split=split)
    vectors = stored
    if model is not None:
        making = Making(workers=options.workers)
        vectors = vectors_named(tracks, model, stored=stored, seed=options.seed, making=making)
    with bar(settings, label="Auditing", total=len(tracks.rows)) as advance:
        return audit(
            tracks,
            settings=options,
            vector_set=vectors,
            by_content=stored is None,
            on_progress=_follow(advance),
        )


def _follow(advance: Advance) -> Callable[[str, int, int], None]:
    """Moves the bar for each file that is analysed; the later steps take no time."""
    from index.audit.audit import ANALYSING

    n_read = 0

    def report(step: str, n_done: int, n_all: int) -> None:
        nonlocal n_read
        del n_all
        if step == ANALYSING:
            advance(n_done - n_read)
            n_read = n_done

    return report


def _show(settings: Globals, audited: "Audited") -> None:
    """What was found, kind by kind with some examples; then what was not."""
    from index.audit.page import finding_row
    from index.audit.results import KINDS

    audit = audited.audit
    if settings.form is not Form.TABLE:
        emit(settings, audit, rows=audit.findings)
        return
    counts = audit.counts()
    n_findings = sum(counts.values())
    what = counted(n_findings, "finding") if n_findings else "no findings"
    emit_text(settings, f"{audit.name}: {what} in {counted(audit.n_tracks, 'track')}")
    for kind, count in counts.items():
        if not count:
            continue
        findings = audit.of_kind(kind)[:SHOWN_OF_A_KIND]
        shown = f", {len(findings)} of them here" if count > len(findings) else ""
        emit(
            settings,
            rows=[finding_row(audit, finding) for finding in findings],
            columns=("tracks", "certainty", "why"),
            title=f"\n{KINDS[kind]} ({kind}: {count}{shown})",
        )
    none_of = [kind.replace("-", " ") for kind, count in counts.items() if not count]
    if none_of:
        emit_text(settings, f"\nChecked, and nothing found: {', '.join(none_of)}.")
    if any(count > SHOWN_OF_A_KIND for count in counts.values()):
        emit_text(settings, "--output FILE.html writes all findings to a page.")
    for note in audit.notes[:SHOWN_OF_A_KIND]:
        say(settings, note)
