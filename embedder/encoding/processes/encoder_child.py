"""A process that encodes on one core: the far end of `encoder_process`.

Its arguments are the model's folder and the number format. It says its fingerprint when it is
ready; then each line of JSON on standard input is a group of tracks, answered by a line of JSON
with what became of each, followed by their vectors as raw float32. It ends with its input, and
leaves Ctrl-C to its parent.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import torch

from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackRequest


def serve(encoder: TrackEncoder, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer groups until there are no more."""
    answers.write(json.dumps({"fingerprint": encoder.fingerprint}).encode("ascii") + b"\n")
    answers.flush()
    for line in requests:
        group = [_request(item) for item in json.loads(line)]
        results = encoder.encode_group(group)
        heads: list[dict[str, Any]] = []
        for result in results:
            if isinstance(result, EncodingFailure):
                heads.append({"reason": result.reason})
                continue
            heads.append(
                {
                    "n_excerpts": len(result.excerpt_vectors),
                    "starts_seconds": list(result.starts_seconds),
                    "excerpt_seconds": result.excerpt_seconds,
                    "duration_seconds": result.duration_seconds,
                }
            )
        answers.write(json.dumps(heads).encode("ascii") + b"\n")
        for result in results:
            if not isinstance(result, EncodingFailure):
                answers.write(result.vector.tobytes() + result.excerpt_vectors.tobytes())
        answers.flush()


def _request(item: dict[str, Any]) -> TrackRequest:
    return TrackRequest(Path(item["path"]), item["start_seconds"], item["seconds"])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    model = TrackEncoder.load(
        Path(sys.argv[1]),
        device="cpu",
        precision=sys.argv[2],  # type: ignore[arg-type]  # one of PRECISIONS, from the parent
    )
    with open(0, "rb") as incoming, open(1, "wb") as outgoing:
        serve(model, incoming, outgoing)
