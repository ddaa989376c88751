"""How the store of vectors and the catalogue grow from 10,000 to 10,000,000 tracks.

    python benchmarks/scale/run.py [--sizes 10000,100000,1000000] [--folder scale] [--keep]
        [--parts vectors,catalogue] [--kinds ivf-sq8,hnsw-sq8] [--results FILE] [--draw]

Each step runs in a process of its own. Figures go to FILE (`benchmarks/scale/results.json`) as soon
as a step ends, in place of earlier ones of the same size. Times are processor time, of one thread
but for building. `--draw` measures nothing: it prints the table with the exponent of each
growth, and draws docs/pictures/scale.png.

10,000,000 vectors take 17 GB of disk and about 8 GB of memory; 10,000,000 rows of the catalogue
take another 10 GB of disk.
"""

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks.scale.growth import draw, table

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results.json")
PICTURE = ROOT / "docs" / "pictures" / "scale.png"
LARGEST_GRAPH = 1_000_000
"""Building the graph of more vectors takes hours on two cores."""


def measured(module: str, *words: str) -> dict[str, float]:
    """The figures that a step prints."""
    line = [sys.executable, "-m", f"benchmarks.scale.{module}", *words]
    out = subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, float] = json.loads(out.splitlines()[-1])
    return figures


def store(results: Path, what: str, n: int, figures: dict[str, float]) -> None:
    """Add figures to those of earlier steps."""
    content = json.loads(results.read_text()) if results.exists() else {}
    content["machine"] = f"{platform.machine()}, {platform.system()}"
    sizes = content.setdefault("figures", {}).setdefault(what, {})
    sizes.setdefault(str(n), {}).update(
        {name: float(f"{value:.4g}") for name, value in figures.items()}
    )
    results.write_text(json.dumps(content, indent=1) + "\n")
    sys.stderr.write(f"{what}, {n:,}: {figures}\n")


def measure_vectors(n: int, kind: str, folder: Path, results: Path, *, keep: bool) -> None:
    """Build and search a store of n vectors."""
    if kind.startswith("hnsw") and n > LARGEST_GRAPH:
        return
    for step in ("build", "search"):
        store(results, kind, n, measured("vectors", step, str(n), kind, str(folder)))
    if not keep:
        (folder / f"{n}-{kind}.faiss").unlink()


def measure_catalogue(n: int, folder: Path, results: Path, *, keep: bool) -> None:
    """Fill and search a catalogue of n tracks."""
    for step in ("build", "search"):
        store(results, "catalogue", n, measured("catalogue", step, str(n), str(folder)))
    if not keep:
        for path in folder.glob(f"{n}.sqlite*"):
            path.unlink()


def main() -> None:
    """Measure, or draw what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--kinds", default="ivf-sq8,hnsw-sq8")
    parser.add_argument("--parts", default="vectors,catalogue")
    parser.add_argument("--folder", type=Path, default=Path("scale"))
    parser.add_argument("--keep", action="store_true", help="keep the files of each size")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    folder = options.folder.absolute()
    for n in [] if options.draw else [int(size) for size in options.sizes.split(",")]:
        if "vectors" in options.parts:
            for kind in options.kinds.split(","):
                measure_vectors(n, kind, folder, options.results, keep=options.keep)
            if not options.keep:
                (folder / f"{n}.f32").unlink()
        if "catalogue" in options.parts:
            measure_catalogue(n, folder, options.results, keep=options.keep)
    figures = json.loads(options.results.read_text())["figures"]
    sys.stdout.write(table(figures))
    if options.draw:
        draw(figures, PICTURE)


if __name__ == "__main__":
    main()
