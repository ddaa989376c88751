"""Build the sdist and the wheel, and check them: `make release`, or `python docs/make_release.py`.

    1. Build twice, from two copies of the committed files in different folders: same bytes.
    2. The wheel has the packages, the bundled model, the page and the licence, and nothing else.
    3. Install it into a fresh environment and run `soundalike --version`, `doctor` and `demo`.
    4. Write an SBOM of that environment (CycloneDX), and look for known vulnerabilities.

Needs the group `release`. The results are in dist/. SOURCE_DATE_EPOCH is the time of the commit,
unless it is set. `--quick` leaves out 3 and 4, which install all dependencies.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("embedder", "index", "soundalike", "cli", "beetsplug")
REQUIRED = (
    "embedder/models/bundled/default/card.json",
    "embedder/models/bundled/default/members/1/weights.safetensors",
    "soundalike/py.typed",
    "soundalike/server/page/index.html",
    "soundalike/server/page/main.js",
)
REQUIRED_IN_SDIST = (
    "pyproject.toml",
    "LICENSE",
    "README.md",
    "constraints.txt",
    "tests/conftest.py",
)
GIT = shutil.which("git") or "git"
SBOM_NAME = "sbom.cdx.json"
AUDIT_NAME = "vulnerabilities.json"


def main(arguments: list[str]) -> int:
    """Make dist/ and say what is in it; returns the exit code."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        files = build_twice(Path(scratch), dist)
        for file in files:
            check_content(file)
            print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(ROOT)}")
        if "--quick" not in arguments:
            python = fresh_environment(Path(scratch) / "fresh", files[-1])
            run_installed(python, Path(scratch))
            write_sbom(python, dist / SBOM_NAME)
            return audit(python, dist / AUDIT_NAME)
    return 0


def build_twice(scratch: Path, dist: Path, *, root: Path = ROOT) -> list[Path]:
    """The sdist and the wheel in `dist`; ends the program if two builds differ."""
    built = []
    for number, name in enumerate(("one", "another place")):
        copy = scratch / name
        copy_files(root, copy, hours_ago=5 * number)
        out = scratch / f"built {number}"
        build(copy, out)
        built.append(sorted(out.iterdir()))
    for first, second in zip(*built, strict=True):
        if (first.name, first.read_bytes()) != (second.name, second.read_bytes()):
            raise SystemExit(f"{first.name}: two builds of the same files differ")
    return [Path(shutil.copy(file, dist)) for file in sorted(built[0], key=_is_wheel)]


def copy_files(root: Path, folder: Path, *, hours_ago: int) -> None:
    """Copy the files that git knows, with other times."""
    listed = subprocess.run(
        [GIT, "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target)
        seconds = target.stat().st_mtime - 3600 * hours_ago
        os.utime(target, (seconds, seconds))


def build(folder: Path, out: Path) -> None:
    """Build a source tree with hatchling."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch()}
    line = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"hatchling could not build it: {done.stderr[-2000:]}")


def epoch() -> str:
    """SOURCE_DATE_EPOCH, or the time of the last commit."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return os.environ["SOURCE_DATE_EPOCH"]
    line = [GIT, "log", "-1", "--format=%ct"]
    return subprocess.run(line, cwd=ROOT, capture_output=True, check=True, text=True).stdout.strip()


def check_content(file: Path) -> None:
    """End the program if a distribution lacks a file, or has one too many."""
    if _is_wheel(file):
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
        folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
        missing = {*REQUIRED, "LICENSE"} - {*names, *(Path(name).name for name in names)}
        extra = folders - set(PACKAGES)
    else:
        with tarfile.open(file) as archive:
            names = [name.partition("/")[2] for name in archive.getnames()]
        missing, extra = {*REQUIRED, *REQUIRED_IN_SDIST} - set(names), set[str]()
    unwanted = {name for name in names if name.endswith((".pyc", ".so", ".wav", ".flac", ".mp3"))}
    if missing or extra or unwanted:
        raise SystemExit(f"{file.name}: lacks {missing}, should not have {extra | unwanted}")


def fresh_environment(folder: Path, wheel: Path) -> Path:
    """The Python of a new environment in which the wheel and its dependencies are installed."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    line = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "-c",
        constraints,
    ]
    subprocess.run([*line, wheel], check=True)
    return python


def run_installed(python: Path, scratch: Path) -> None:
    """Run the installed program far from the source tree; raises an error if it fails."""
    program = python.with_name("soundalike")
    environment = {**os.environ, "XDG_DATA_HOME": str(scratch / "data"), "PYTHONPATH": ""}
    for words in (["--version"], ["doctor"], ["demo", "--folder", str(scratch / "demo")]):
        print(f"$ soundalike {' '.join(words)}", flush=True)
        subprocess.run([program, *words], check=True, cwd=scratch, env=environment)


def write_sbom(python: Path, path: Path) -> None:
    """A list of all packages in the environment, with versions and licences."""
    tool = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON"]
    subprocess.run([*tool, *options, "-o", str(path)], check=True)
    n_packages = len(json.loads(path.read_text(encoding="utf-8"))["components"])
    print(f"{path.relative_to(ROOT)}: {n_packages} packages")


def audit(python: Path, path: Path) -> int:
    """Look the installed versions up in the list of known vulnerabilities, if it can be reached."""
    frozen = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "freeze", "--exclude", "soundalike"],
        capture_output=True,
        check=True,
        text=True,
    )
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "requirements.txt"
        listed.write_text(frozen.stdout, encoding="utf-8")
        line = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(listed)]
        done = subprocess.run(
            [*line, "--format", "json", "-o", str(path)], capture_output=True, text=True
        )
    if not path.exists() or not path.stat().st_size:
        print(f"not audited: pip-audit cannot reach its data here ({_last_line(done.stderr)})")
        return 0
    packages = json.loads(path.read_text(encoding="utf-8"))["dependencies"]
    found = [f"{p['name']} {p['version']}: {v['id']}" for p in packages for v in p.get("vulns", [])]
    print(
        "\n".join([f"{len(packages)} packages audited, {len(found)} known vulnerabilities", *found])
    )
    return 1 if found else 0


def _is_wheel(file: Path) -> bool:
    return file.suffix == ".whl"


def _last_line(text: str) -> str:
    return next(iter(text.strip().splitlines()[-1:]), "no reason given")[:200]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
