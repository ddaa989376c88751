"""Run the commands of docs/courses.md on miniatures of the data sets, and store what they print.

    python docs/run_courses.py [--folder FOLDER] [SECTION...]

FOLDER keeps the data sets and runs for the next time (default: a folder that is removed). SECTION
is the beginning of a heading: only these are run. The last line of a long output is `...`. The
pictures that the commands write are copied to docs/pictures.
"""

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "courses.md"
PICTURES = Path(__file__).parent / "pictures"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", flags=re.DOTALL | re.MULTILINE)
MOST_LINES = 18
COPIED = {
    "genre-curve.png": "course-genres.png",
    "pictures/cat_7.png": "course-sound.png",
    "curve.png": "course-sounds.png",
    "runs/tagger/test-tags.png": "course-tags.png",
}
"""The pictures of the page, by the files that the commands write."""


def sections(page: str) -> list[str]:
    """The parts of the page, one for each heading, and what is before the first."""
    return re.split(r"(?m)^(?=## )", page)


def toml_blocks(page: str) -> list[str]:
    """The settings files of the page; the first line of each is its name."""
    return [body for kind, body in BLOCK.findall(page) if kind == "toml"]


def examples(body: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines of its output."""
    parts = [part.rstrip("\n").split("\n") for part in re.split(r"(?m)^\$ ", body)[1:]]
    return [(line, shown) for line, *shown in parts]


def with_output(section: str, folder: Path) -> str:
    """The section with new outputs in its console blocks."""

    def run_block(match: re.Match[str]) -> str:
        kind, body = match.groups()
        if kind != "console":
            return match[0]
        lines = []
        for line, _ in examples(body):
            lines += [f"$ {line}", *shortened(output_of(line, folder))]
        return "\n".join([f"```{kind}", *lines, "```", ""])

    return BLOCK.sub(run_block, section)


def output_of(line: str, folder: Path) -> list[str]:
    """What a command prints to stdout; a run that is there already is trained anew."""
    words = shlex.split(line)
    if "-o" in words and words[1] == "train":
        shutil.rmtree(folder / words[words.index("-o") + 1], ignore_errors=True)
    elif "-o" in words:
        words.append("--force")
    completed = subprocess.run(
        [sys.executable, "-m", "cli", *words[1:]],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "SOUNDALIKE_LIBRARY": str(folder / "library"),
            "COLUMNS": "110",
        },
        stdout=subprocess.PIPE,
        check=True,
    )
    return [text.rstrip() for text in completed.stdout.decode().strip("\n").split("\n")]


def shortened(lines: list[str]) -> list[str]:
    """The beginning of a long output, then dots."""
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "..."]


def make_desk(folder: Path, page: str) -> None:
    """The data sets, the settings files and an unknown sound, as the page expects them."""
    sys.path.insert(0, str(ROOT))
    from tests import course_miniatures

    for make in (
        course_miniatures.gtzan,
        course_miniatures.cats_dogs,
        course_miniatures.fma_small,
    ):
        make(folder / make.__name__)
    course_miniatures.magnatagatune(folder / "mtt")
    course_miniatures.write_sound(folder / "unknown.wav", 1, 99, seconds=12)
    for body in toml_blocks(page):
        (folder / body.split("\n")[0].removeprefix("# ")).write_text(body)


def main(folder: Path, headings: list[str]) -> None:
    """Run the sections, write the page and copy the pictures."""
    parts = sections(PAGE.read_text(encoding="utf-8"))
    make_desk(folder, "".join(parts))
    for number, part in enumerate(parts):
        title = part.split("\n")[0].removeprefix("## ")
        if not headings or title.startswith(tuple(headings)):
            parts[number] = with_output(part, folder)
            PAGE.write_text("".join(parts), encoding="utf-8")
    for made, name in COPIED.items():
        if (folder / made).exists():
            shutil.copyfile(folder / made, PICTURES / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("headings", nargs="*")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        desk = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        desk.mkdir(parents=True, exist_ok=True)
        main(desk, arguments.headings)
