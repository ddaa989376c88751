"""A process that runs command lines in forked children, which can be killed at any call.

It has imported the heavy modules, so that a command starts at once. A line of JSON is a request:

    {"argv": […], "setup": "toy", "out": PATH, "err": PATH, "die_at": 120, "after": "writing"}

The answer is the child's process id; `{"wait": PID}` answers with its exit code. A child counts
the calls of Python functions from the first call of `after` on, and kills itself at call
`die_at`; without `die_at` it writes the number of calls to `OUT.calls`.
"""

import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

LOG_VARIABLE = "TOY_LOG"
SECONDS_VARIABLE = "TOY_SECONDS"
WHEEL_VARIABLE = "SYNTHETIC_WHEEL"


class Countdown:
    """Counts the calls of functions in all threads, and kills the process at one of them."""

    def __init__(self, after: str, die_at: int | None) -> None:
        self.n_calls = 0
        self._after = after
        self._die_at = die_at
        self._has_begun = not after

    def begin(self) -> None:
        """Count from now on."""
        threading.setprofile(self)
        sys.setprofile(self)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event not in {"call", "c_call"}:
            return
        if not self._has_begun:
            self._has_begun = event == "call" and frame.f_code.co_name == self._after
            return
        self.n_calls += 1
        if self.n_calls == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def use_toy_encoder() -> None:
    """Index with the toy model that `--model` names, slowly if the environment says so."""
    from index.indexing import analyse, run
    from tests.index.toy_encoder import ToyEncoder

    class Slow(ToyEncoder):
        def __init__(self, folder: Path) -> None:
            log = os.environ.get(LOG_VARIABLE)
            super().__init__(folder.name, log=Path(log) if log else None)
            self.card = None  # as of a model that was trained on no data set

        def encode_many(self, paths: Iterable[Any], **options: Any) -> Iterator[Any]:
            for result in super().encode_many(paths, **options):
                time.sleep(float(os.environ.get(SECONDS_VARIABLE, "0")))
                yield result

    def choose(library: object, name: str | None) -> Path:
        return Path(name or "toy")

    analyse.BATCH_TRACKS = 4
    run.choose_model = choose
    run.LazyEncoder = Slow  # type: ignore[misc,assignment]  # the same interface


def use_nothing() -> None:
    """Run the commands without changes."""


def have_no_patience() -> None:
    """The commands as they are, but a child that takes longer than some seconds hangs."""
    from embedder.audio import decoders
    from embedder.encoding.processes import encoder

    decoders.PATIENCE_SECONDS = encoder.PATIENCE_SECONDS = 8.0


def offer_synthetic_wheel() -> None:
    """`models get musicnn` expects the wheel that the environment names."""
    from embedder.models.get.offers import OFFERS
    from tests.embedder.models.get.checkpoint_files import synthetic_offer

    OFFERS["musicnn"] = synthetic_offer(Path(os.environ[WHEEL_VARIABLE]))


SETUPS = {
    "toy": use_toy_encoder,
    "plain": use_nothing,
    "impatient": have_no_patience,
    "offer": offer_synthetic_wheel,
}


def run_child(request: dict[str, Any]) -> int:
    """Run one command line; returns its exit code."""
    from cli.app import main

    for name, number in (("out", 1), ("err", 2)):
        handle = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
    os.environ.update(request.get("environment", {}))
    if limit := request.get("file_limit"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    SETUPS[request["setup"]]()
    countdown = Countdown(request.get("after", ""), request.get("die_at"))
    if "after" in request:
        countdown.begin()
    code = main(request["argv"])
    sys.setprofile(None)
    if "after" in request and "die_at" not in request:
        Path(request["out"] + ".calls").write_text(str(countdown.n_calls))
    return code


def answer(value: int) -> None:
    """One line on the standard output of the workshop."""
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def preload(names: Iterable[str]) -> list[ModuleType]:
    """Import what the children need."""
    return [importlib.import_module(name) for name in names]


def serve() -> None:
    """Answer requests until the standard input ends."""
    preload(sys.argv[1:])
    answer(os.getpid())
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer(os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1]))
            continue
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = run_child(request)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        answer(child)


if __name__ == "__main__":
    serve()
