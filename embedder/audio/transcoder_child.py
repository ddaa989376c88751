"""The child process that sends one song in another format, started for a player.

    python -m embedder.audio.transcoder_child PATH '{"format": "mp3", "kbps": 128, …}'

The bytes go to standard output, a pipe to the server. It ends with the song, or when nobody reads
the pipe any more; it then has a code other than 0. It imports neither torch nor the library.
"""

import json
import os
import signal
import sys
from pathlib import Path

from embedder.audio.stream_formats import Transcoding
from embedder.audio.transcoding import transcode
from embedder.errors import SoundalikeError
from embedder.processes.limits import die_before_parent, limit_cpu_time, limit_memory

MEMORY_BYTES = 2**30
"""Beyond what the process takes to start: a stream is never in memory as a whole."""
CPU_SECONDS = 900.0
"""An hour of music takes about a minute."""
STDOUT = 1


class Pipe:
    """Standard output as a target that only writes."""

    def write(self, data: bytes) -> int:
        """Write all of the bytes."""
        view = memoryview(data)
        while view:
            view = view[os.write(STDOUT, view) :]
        return len(data)


def main() -> int:
    """Send the song; returns the exit code."""
    path, wish = Path(sys.argv[1]), Transcoding(**json.loads(sys.argv[2]))
    try:
        transcode(path, Pipe(), wish)
    except (SoundalikeError, OSError, MemoryError):
        return 1
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_before_parent()
    limit_memory(MEMORY_BYTES)
    limit_cpu_time(CPU_SECONDS)
    sys.exit(main())
