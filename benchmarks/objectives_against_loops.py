"""Compare every loss, miner and metric with a slow loop in float64.

    python -m benchmarks.objectives_against_loops

Losses and miners run in float32, as in training; metrics run in float64, as in evaluation. The
difference is relative if the loop's value is above one. The loops are in
tests/embedder/*/slow_*.py, and the test suite makes the same comparisons.
"""

import time

import torch

from tests.embedder.metrics.comparisons_of_metrics import metric_comparisons
from tests.embedder.training.comparisons_of_objectives import objective_comparisons

LIMIT = 1e-5


def main() -> None:
    """Print the table; fail if any difference is above the limit."""
    torch.set_num_threads(1)
    print(f"| {'what':46} | {'fast':>12} | {'loop':>12} | difference |")
    print(f"|{'-' * 48}|{'-' * 13}:|{'-' * 13}:|{'-' * 11}:|")
    begun = time.perf_counter()
    worst = 0.0
    rows = [*objective_comparisons(), *metric_comparisons()]
    for row in rows:
        worst = max(worst, row.difference)
        print(f"| {row.name:46} | {row.fast:12.6f} | {row.loop:12.6f} | {row.difference:10.1e} |")
    seconds = time.perf_counter() - begun
    print(f"\n{len(rows)} comparisons in {seconds:.1f} s; largest difference {worst:.1e}")
    if worst > LIMIT:
        raise SystemExit(f"the largest difference is above {LIMIT:.0e}")


if __name__ == "__main__":
    main()
