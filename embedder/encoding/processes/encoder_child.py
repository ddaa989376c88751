"""The child process that encodes on one core, started by `processes.encoder`.

Its arguments are the model's folder, the number format and the runtime. It prints its fingerprint
when it is ready. Then each line of JSON on standard input is a group of tracks; the answer is a
line of JSON with an entry for each track, followed by the vectors as raw float32. It ends when its
input ends, and ignores Ctrl-C: its parent handles that. Memory that runs out ends it: its parent
then encodes the group's tracks one by one.
"""

import json
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from embedder.encoding.opening import open_runtime
from embedder.encoding.processes.messages import message_of
from embedder.encoding.requests import EncodingFailure, TrackRequest
from embedder.encoding.steps import EncodingSteps
from embedder.processes.limits import (
    die_before_parent,
    limit_cpu_time,
    limit_memory,
    use_one_heap,
)

MEMORY_BYTES = 4 * 2**30
"""Beyond what the process takes with its model. `audio.decoding` holds at most 1 GiB of samples."""


def serve(steps: EncodingSteps, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer groups until there are no more."""
    answers.write(json.dumps({"fingerprint": steps.model.fingerprint}).encode("ascii") + b"\n")
    answers.flush()
    for line in requests:
        group = json.loads(line)
        limit_cpu_time(group["patience_seconds"])
        try:
            results = steps.encode_group([_request(item) for item in group["tracks"]])
        except (MemoryError, RuntimeError) as error:  # torch has no MemoryError of its own
            raise SystemExit(f"an encoding process ends: {error}") from error
        heads: list[dict[str, Any]] = []
        for result in results:
            if isinstance(result, EncodingFailure):
                heads.append({"reason": result.reason, "is_passing": result.is_passing})
                continue
            heads.append(
                {
                    "n_excerpts": len(result.excerpt_vectors),
                    "starts_seconds": list(result.starts_seconds),
                    "excerpt_seconds": result.excerpt_seconds,
                    "duration_seconds": result.duration_seconds,
                    "measured": [message_of(measured) for measured in result.measured],
                }
            )
        answers.write(json.dumps(heads).encode("ascii") + b"\n")
        for result in results:
            if not isinstance(result, EncodingFailure):
                answers.writelines(
                    array.tobytes()
                    for array in (result.vector, result.excerpt_vectors, result.tag_probabilities)
                )
        answers.flush()


def _request(item: dict[str, Any]) -> TrackRequest:
    return TrackRequest(
        Path(item["path"]), item["start_seconds"], item["seconds"], tuple(item["measurers"])
    )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_before_parent()
    use_one_heap()
    model_runtime = open_runtime(
        Path(sys.argv[1]),
        device="cpu",
        precision=sys.argv[2],  # type: ignore[arg-type]  # one of PRECISIONS, from the parent
        only=sys.argv[3],  # type: ignore[arg-type]  # the parent's runtime
    )
    limit_memory(MEMORY_BYTES)
    # A parent that was killed reads no answer.
    with (
        model_runtime.one_core_each(),
        suppress(BrokenPipeError),
        open(0, "rb") as incoming,
        open(1, "wb") as outgoing,
    ):
        serve(EncodingSteps(model_runtime), incoming, outgoing)
