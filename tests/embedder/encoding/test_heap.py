"""Threads that encode share one heap, so that less memory is kept after it was freed."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from pathlib import Path
from embedder.processes.limits import use_one_heap

def reserved():
    return int(Path("/proc/self/statm").read_text().split()[0]) * 4096 >> 20

if sys.argv[1] == "one":
    use_one_heap()
before = reserved()
barrier = threading.Barrier(5)

def work():
    kept = [bytearray(10_000) for _ in range(10)]
    barrier.wait()
    barrier.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
barrier.wait()
print(reserved() - before)
barrier.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has a heap for each thread")
def test_threads_share_a_heap() -> None:
    """Four threads reserve their stacks, and not 64 MB each for a heap."""
    each, one = (
        int(subprocess.check_output([sys.executable, "-c", PROGRAM, heaps]))
        for heaps in ("each", "one")
    )
    if each < 150:
        pytest.skip("this C library has one heap")
    assert one < each - 150
