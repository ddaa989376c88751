"""The jobs of one server: started, watched, cancelled. One of each kind runs at a time."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from embedder.errors import LibraryBusy, NotFound
from soundalike.server.jobs.tasks import Task

State = Literal["running", "done", "failed", "cancelled"]
MOST_KEPT = 50
CANCEL_SECONDS = 20.0


@dataclass(slots=True)
class Job:
    """A task, the process that does it, and how far it is."""

    id: int
    task: Task
    process: subprocess.Popen[str]
    state: State = "running"
    progress: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    error: str | None = None
    started: float = field(default_factory=time.time)
    finished: float | None = None
    n_changes: int = 0

    def to_json(self) -> dict[str, Any]:
        """What a client sees of it."""
        return {
            "id": self.id,
            "kind": self.task.kind,
            "state": self.state,
            "progress": self.progress,
            "result": self.result,
            "error": self.error,
            "started": self.started,
            "finished": self.finished,
        }


class Jobs:
    """The jobs of one server. `on_end` is called when one has ended, before it is told."""

    def __init__(self, *, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._jobs: dict[int, Job] = {}
        self._numbers = count(1)
        self._changed = threading.Condition()

    def start(self, task: Task) -> Job:
        """Start a task; one that runs already is returned, another one of its kind is refused."""
        with self._changed:
            for job in self._jobs.values():
                if job.state == "running" and job.task.kind == task.kind:
                    if job.task == task:
                        return job
                    raise LibraryBusy(f"another job ({task.kind}) is running: wait, or cancel it")
            job = Job(next(self._numbers), task, _process(task))
            self._jobs[job.id] = job
            for old_id in list(self._jobs)[:-MOST_KEPT]:
                if self._jobs[old_id].state != "running":
                    del self._jobs[old_id]
        threading.Thread(target=self._watch, args=(job,), daemon=True).start()
        return job

    def list(self) -> "list[Job]":
        """The jobs, the newest first."""
        with self._changed:
            return sorted(self._jobs.values(), key=lambda job: -job.id)

    def job(self, job_id: int) -> Job:
        """One job; raises NotFound."""
        with self._changed:
            if job_id not in self._jobs:
                raise NotFound(f"no job has the id {job_id}")
            return self._jobs[job_id]

    def cancel(self, job_id: int) -> Job:
        """Ask a job to end; what it has finished stays."""
        job = self.job(job_id)
        with self._changed:
            if job.state == "running":
                job.state = "cancelled"
                job.process.send_signal(signal.SIGINT)
                threading.Timer(CANCEL_SECONDS, job.process.kill).start()
        return job

    def changes(self, job_id: int, *, wait_seconds: float) -> Iterator[dict[str, Any] | None]:
        """The job as it is now and after each change, until it ends; None after a silent wait."""
        job = self.job(job_id)
        n_seen = -1
        while True:
            with self._changed:
                if job.n_changes == n_seen:
                    self._changed.wait(wait_seconds)
                is_new, n_seen = job.n_changes != n_seen, job.n_changes
                document, is_over = job.to_json(), job.finished is not None
            yield document if is_new else None
            if is_over:
                return

    def close(self) -> None:
        """End every job."""
        for job in self.list():
            if job.finished is None:
                job.process.terminate()

    def _watch(self, job: Job) -> None:
        for line in job.process.stdout or ():
            message = json.loads(line)
            with self._changed:
                job.progress = message.get("progress", job.progress)
                job.result = message.get("result", job.result)
                job.error = message.get("error", job.error)
                job.n_changes += 1
                self._changed.notify_all()
        code = job.process.wait()
        self._on_end()
        with self._changed:
            if job.state == "running":
                job.state = "done" if code == 0 and job.error is None else "failed"
            if job.state == "failed" and job.error is None:
                job.error = f"the process ended with {code}"
            job.finished = time.time()
            job.n_changes += 1
            self._changed.notify_all()


def _process(task: Task) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "soundalike.server.jobs.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # Ctrl-C is for the server, which then ends its jobs.
        start_new_session=True,
    )
    if process.stdin is not None:  # it is a pipe
        process.stdin.write(json.dumps(task.to_json()) + "\n")
        process.stdin.flush()
    return process
