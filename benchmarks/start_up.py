"""Time `soundalike --help` against `python -c "import typer"`.

    python benchmarks/start_up.py [--runs 15]

The two take turns, so that a busy machine slows both. The script fails if the ratio of their
medians is above 4.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

HIGHEST_RATIO = 4.0
COMMANDS = {
    'python -c "import typer"': [sys.executable, "-c", "import typer"],
    "soundalike --help": [sys.executable, "-m", "cli", "--help"],
}


def seconds_of(command: list[str]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description="Start-up time of the command line")
    parser.add_argument("--runs", type=int, default=15)
    n_runs = parser.parse_args().runs
    for command in COMMANDS.values():
        seconds_of(command)  # fills the bytecode and disk caches
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(n_runs):
        for name, command in COMMANDS.items():
            seconds[name].append(seconds_of(command))
    medians = [statistics.median(values) for values in seconds.values()]
    for name, median in zip(seconds, medians, strict=True):
        print(f"{name:<28} {1000 * median:7.1f} ms   median of {n_runs}")
    ratio = medians[1] / medians[0]
    print(f"ratio {ratio:.2f}, at most {HIGHEST_RATIO:.0f}; {os.cpu_count()} cores")
    return 0 if ratio <= HIGHEST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
