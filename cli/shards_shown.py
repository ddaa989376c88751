"""`soundalike index --cluster`: a run that writes shards, its progress and its report."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.index_shown import Follower
from cli.options import Form, Globals
from cli.output import emit
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from index.indexing.request import IndexOptions

OF_A_LIBRARY = "--dry-run, --prune, --labels-from and --store"


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What to analyse, with what, and where the shards go."""

    paths: list[str]
    place: str | None
    cluster: str | None
    model: str | None
    options: "IndexOptions"

    @property
    def is_of_library(self) -> bool:
        """Whether an option is given that only a run into a library has."""
        given = self.options
        return bool(given.dry_run or given.prune or given.store) or given.labels_from is not None


def write_to_shards(settings: Globals, job: ShardJob) -> None:
    """Run the job, and print what it did."""
    from embedder.models.registry import find_model
    from index.indexing.model_choice import DEFAULT_MODEL
    from index.indexing.shards.job import write_shards

    if job.cluster is None or job.place is None:
        raise UsageError("--cluster and --shards belong together: give both")
    if job.is_of_library:
        raise UsageError(f"{OF_A_LIBRARY} are of a library, and --cluster writes shards")
    with bar(settings, label="Scanning") as advance:
        follower = Follower(advance)
        try:
            report = write_shards(
                job.paths,
                job.place,
                cluster=job.cluster,
                model=find_model(job.model or DEFAULT_MODEL),
                rules=job.options.rules,
                workers=job.options.workers,
                retry_failed=job.options.retry_failed,
                allow_empty=job.options.allow_empty,
                on_progress=follower.done,
                on_scan=follower.scanned,
            )
        except KeyboardInterrupt:
            say(settings, "Every finished shard is saved. The same command continues from there.")
            raise
    for note in report.notes:
        say(settings, note)
    for failure in report.failed:
        hint = " (as before; --retry-failed tries again)" if failure.is_known else ""
        say(settings, f"{failure.path}: {failure.reason}{hint}")
    if settings.form is Form.TABLE:
        counts = {"added": report.added, "unchanged": report.unchanged}
        counts |= {"gone": report.gone} if report.gone else {}
        counts |= {"failed": len(report.failed), "shards": report.shards}
        emit(settings, {**counts, "seconds": report.seconds})
        say(settings, f"Next: {shlex.join(['soundalike', 'library', 'import', job.place])}")
    else:
        emit(settings, report, rows=None if settings.form is Form.NDJSON else report.failed)
    if report.failed:
        what = "file" if len(report.failed) == 1 else "files"
        raise PartialFailure(f"{len(report.failed)} {what} could not be used")
