"""`soundalike index`: analyse folders of music into the library."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.index_shown import index_progress, show_report
from cli.options import globals_of
from cli.shards_shown import ShardJob, write_to_shards
from embedder.errors import UsageError

if TYPE_CHECKING:
    from index.indexing.label_settings import LabelSettings


def run(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Folders of music, or files. With --cluster also addresses as s3://bucket/folder.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="A model's name or folder; by default the library's own model, or the bundled one "
            "for a new library. Another model than the library's analyses every track again.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Analyse N tracks at once; by default one a core."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and change nothing.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove tracks whose files are gone.")
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty",
            help="With --prune: also if a folder has no audio file at all, and below folders that "
            "are empty. Otherwise a disk may be missing: the first is refused, the others are "
            "left.",
        ),
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Only files that match, such as '*.flac'. Repeatable."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="No files or folders that match. Repeatable."),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Include hidden files and folders.")
    ] = False,
    labels_from: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DATASET",
            help="Also take labels from a folder for each label, a table, or any other data set "
            "that train reads. Later runs use it too; 'none' forgets all. Repeatable.",
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="TOML",
            help="Settings for --labels-from: the [dataset] table of a file for train, such as "
            "its merge_labels.",
            show_default=False,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="One setting for --labels-from, such as dataset.layout=folders. Repeatable.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Where the vectors are kept from now on, such as lance:FOLDER or "
            "lance:s3://BUCKET/FOLDER; the kinds are those of 'library rebuild --store'.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="local|ADDRESS",
            help="Analyse on a Ray cluster, or on processes of this machine, into --shards.",
        ),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="With --cluster: a folder or s3://bucket/folder for the results, which "
            "'library import' brings into a library.",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try files again that failed in an earlier run.")
    ] = False,
) -> None:
    """Analyse music and store it in the library.

    New and changed files are analysed. Moved and retagged files are recognised. A file that has
    vanished is gone: its track is no longer found, and comes back with the file. The run can be
    stopped at any time; the same command continues it.

    $ soundalike index ~/Music
    Analyses every new or changed file below ~/Music, and prints how many there were.

    $ soundalike index gtzan --labels-from gtzan
    Analyses the files below gtzan. The names of its folders become their genres.

    $ soundalike index s3://music/all --cluster local --shards s3://music/shards
    Analyses the files of a bucket on all cores, into Parquet files. 'soundalike library import
    s3://music/shards' stores them in a library.
    """
    from index.indexing.request import IndexOptions, ScanRules
    from index.indexing.run import update_library

    rules = ScanRules(tuple(include or ()), tuple(exclude or ()), with_hidden=hidden)
    options = IndexOptions(
        rules,
        workers=workers,
        prune=prune,
        allow_empty=allow_empty,
        retry_failed=retry_failed,
        dry_run=dry_run,
        labels_from=_labels_from(labels_from),
        label_settings=_label_settings(labels_from, settings_file, assignments),
        store=store,
    )
    settings = globals_of(context)
    if cluster is not None or shards is not None:
        return write_to_shards(settings, ShardJob(paths, shards, cluster, model, options))
    with index_progress(settings) as follower:
        report = update_library(
            settings.library_folder(),
            [Path(path) for path in paths],
            model=model,
            options=options,
            on_progress=follower.done,
            on_scan=follower.scanned,
        )
    return show_report(settings, report)


def _labels_from(given: list[Path] | None) -> tuple[Path, ...] | None:
    """The data sets; empty for `none`, None without the option."""
    if given is None or given == [Path("none")]:
        return None if given is None else ()
    if Path("none") in given:
        raise UsageError("--labels-from none forgets all data sets: give it alone")
    return tuple(given)


def _label_settings(
    labels_from: list[Path] | None, settings_file: Path | None, assignments: list[str] | None
) -> "LabelSettings":
    from index.indexing.label_settings import LabelSettings

    if (settings_file or assignments) and not labels_from:
        raise UsageError("--config and --set say how --labels-from is read: give it too")
    return LabelSettings(settings_file, tuple(assignments or ()))
