"""Encoding on another core, in a child process; this is the parent's side.

Decoding makes thousands of short calls, and each releases the interpreter lock and takes it again:
two decoding threads are slower than one (0.6 times). Sending decoded audio between processes would
cost a quarter of the gain. So a child process takes all steps and sends back vectors. If a decoder
crashes on a broken file, or hangs, only the child ends.
"""

import json
import logging
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

from embedder.encoding.processes.messages import measured_of
from embedder.encoding.requests import EncodingFailure, EncodingResult, TrackEncoding, TrackRequest
from embedder.processes.child import pipes_of, start_child
from embedder.processes.limits import Watchdog, patience_seconds

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""For a file of no size; see `patience_seconds`."""


class EncoderProcess:
    """A child with its own copy of a model. It takes a second to start: check `is_ready` first."""

    def __init__(
        self,
        model_folder: Path,
        *,
        fingerprint: str,
        embedding_size: int,
        precision: str,
        runtime: str,
        tags: tuple[str, ...] = (),
    ) -> None:
        self._embedding_size = embedding_size
        self._tags = tags
        self._fingerprint = fingerprint
        self._ready = threading.Event()
        self.is_gone = self.has_other_model = False
        self._child = start_child(
            "embedder.encoding.processes.encoder_child",
            str(model_folder),
            precision,
            runtime,
            environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._ready_thread = threading.Thread(target=self._wait_until_ready, daemon=True)
        self._ready_thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether it takes requests; stays false after the child has ended."""
        return self._ready.is_set() and not self.is_gone

    def encode_group(self, group: list[TrackRequest]) -> list[EncodingResult] | None:
        """Each track's encoding or failure; None if the child ended during the group."""
        stdin, stdout = pipes_of(self._child)
        seconds = sum(
            patience_seconds(request.path, base_seconds=PATIENCE_SECONDS) for request in group
        )
        tracks = [
            {
                "path": str(request.path.absolute()),
                "start_seconds": request.start_seconds,
                "seconds": request.seconds,
                "measurers": request.measurers,
            }
            for request in group
        ]
        message = {"tracks": tracks, "patience_seconds": seconds}
        try:
            with Watchdog(self._child, seconds):
                stdin.write(json.dumps(message).encode("ascii") + b"\n")
                stdin.flush()
                heads = json.loads(stdout.readline())
            pairs = zip(group, heads, strict=True)
            return [self._result(request, head, stdout) for request, head in pairs]
        except (OSError, ValueError):  # no answer, or a part of one
            self.is_gone = True
            logger.debug("an encoding process ended with code %s", self._child.poll())
            return None

    def close(self) -> None:
        """End the child, ready or not."""
        self._child.kill()
        self._child.wait()
        self._ready_thread.join()
        for pipe in pipes_of(self._child):
            try:
                pipe.close()
            except BrokenPipeError:  # a request was not yet read
                logger.debug("the encoding process had already ended")

    def _wait_until_ready(self) -> None:
        line = pipes_of(self._child)[1].readline()
        if not line:
            self.is_gone = True
            return
        fingerprint = json.loads(line)["fingerprint"]
        if fingerprint != self._fingerprint:
            self.is_gone = self.has_other_model = True
            logger.warning(
                "the model's folder has changed: fingerprint %s, was %s",
                fingerprint,
                self._fingerprint,
            )
            return
        self._ready.set()

    def _result(
        self, request: TrackRequest, head: dict[str, Any], stream: IO[bytes]
    ) -> EncodingResult:
        if "reason" in head:
            return EncodingFailure(request.path, head["reason"], head["is_passing"])
        size, n_excerpts = self._embedding_size, head["n_excerpts"]
        n_values = size * (n_excerpts + 1)
        values = np.frombuffer(stream.read(4 * (n_values + len(self._tags))), dtype=np.float32)
        vectors = values[:n_values].reshape(n_excerpts + 1, size)
        return TrackEncoding(
            path=request.path,
            vector=vectors[0],
            excerpt_vectors=vectors[1:],
            starts_seconds=tuple(head["starts_seconds"]),
            excerpt_seconds=head["excerpt_seconds"],
            duration_seconds=head["duration_seconds"],
            tag_probabilities=values[n_values:],
            tags=self._tags,
            measured=tuple(measured_of(item) for item in head["measured"]),
        )
