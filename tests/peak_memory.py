"""The peak memory of a command line in a process of its own, on Linux.

`ru_maxrss` of a child is no use: it starts from the memory of the process that started it.
`VmHWM` starts anew with the program.
"""

import subprocess
import sys

MEASURE = (
    "import runpy, sys\n"
    "from pathlib import Path\n"
    "try:\n"
    "    runpy.run_module('cli', run_name='__main__', alter_sys=True)\n"
    "finally:\n"
    "    for line in Path('/proc/self/status').read_text().splitlines():\n"
    "        if line.startswith('VmHWM'):\n"
    "            print(line.split()[1], file=sys.stderr)\n"
)


def run_and_measure(*arguments: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """A finished run of soundalike, and the bytes that its main process took at its peak."""
    command = [sys.executable, "-c", MEASURE, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run, 1024 * int(run.stderr.split()[-1])
