"""The container file and the compose file: well-formed, and closed to other machines by default.

No image is built here. hadolint lints the container file. The compose file is read by compose-spec,
which checks every key and value by the Compose specification. soundalike's own command line has the
options of its commands.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import RunCli

DEPLOY = Path(__file__).parents[2] / "deploy"
CONTAINERFILE = DEPLOY / "Containerfile"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+):\?[^}]*\}")
VALUES = {"MUSIC": "/home/me/Music", "S3_PASSWORD": "a password"}
OPTION = re.compile(r"^--[a-z-]+")


@pytest.fixture(scope="module")
def compose_text() -> str:
    """The compose file with its variables filled in, as `docker compose` does it first."""
    return VARIABLE.sub(
        lambda match: VALUES[match[1]], (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    )


@pytest.fixture(scope="module")
def services(compose_text: str) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(compose_text)["services"]
    return services


def test_the_container_file_has_no_warning() -> None:
    """Nor does hadolint have advice."""
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = str(beside) if beside.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("needs hadolint")
    done = subprocess.run([hadolint, str(CONTAINERFILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_image_is_slim_and_has_no_rights() -> None:
    """A slim base, a user without rights, volumes for library and music, no token inside."""
    lines = CONTAINERFILE.read_text(encoding="utf-8").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and line[0].isupper()]
    bases = [rest for word, rest in words if word == "FROM"]
    assert all("-slim" in base for base in bases)
    last = [rest for word, rest in words if word == "USER"][-1]
    assert last.isdigit()
    assert int(last) > 0
    assert ("VOLUME", '["/library", "/music"]') in {(word, rest) for word, rest in words}
    assert not any("TOKEN" in rest for word, rest in words if word in ("ENV", "ARG"))


def test_all_that_is_copied_is_there() -> None:
    """Every source of a COPY exists, and the ignore file lets it through."""
    allowed = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for line in CONTAINERFILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY") and "--from" not in line:
            *sources, _ = [word for word in line.split()[1:] if not word.startswith("--")]
            for source in sources:
                assert (DEPLOY.parent / source).exists(), source
                assert f"!{source}" in allowed, source


def test_the_compose_file_follows_the_specification(compose_text: str) -> None:
    """The parser of the specification reads it, and every reference in it leads somewhere."""
    compose_spec = pytest.importorskip("compose_spec")
    compose = compose_spec.PyOptions(apply_merge=True).from_yaml(compose_text)
    compose.validate()
    names = {"s3", "bucket", "head", "worker", "index", "serve"}
    assert set(compose.service_names()) == names
    wrong = compose_text.replace("healthcheck:", "healthchek:", 1)
    with pytest.raises(ValueError, match="healthchek"):
        compose_spec.PyOptions(apply_merge=True).from_yaml(wrong)


def test_only_the_page_is_open_and_only_to_this_machine(
    services: dict[str, dict[str, Any]],
) -> None:
    """One port, on 127.0.0.1; the server has its token from a secret."""
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"serve": ["127.0.0.1:8000:8000"]}
    assert services["serve"]["secrets"] == ["token"]
    outside = [name for name, service in services.items() if "outside" in service["networks"]]
    assert outside == ["serve"]
    for service in services.values():
        for volume in service.get("volumes", []):
            assert ":/music" not in volume or volume.endswith(":/music:ro")


def test_its_commands_are_soundalikes(services: dict[str, dict[str, Any]], run_cli: RunCli) -> None:
    """The options of each command of soundalike exist."""
    lines = CONTAINERFILE.read_text(encoding="utf-8")
    default = yaml.safe_load(re.findall(r"^CMD (\[.*\])$", lines, flags=re.MULTILINE)[-1])
    commands = [default, services["index"]["command"]]
    for name, *rest in commands:
        help_text = run_cli(name, "--help").out
        for option in filter(OPTION.match, rest):
            assert option in help_text, (name, option)


@pytest.mark.parametrize("given", [None, "of the environment"])
def test_the_token_comes_from_the_secret(tmp_path: Path, given: str | None) -> None:
    """Unless the environment has one. Other programs are started as they are."""
    secret = tmp_path / "token"
    secret.write_text("of the secret\n")
    script = (DEPLOY / "start.sh").read_text(encoding="utf-8")
    start = tmp_path / "start.sh"
    start.write_text(script.replace("/run/secrets/token", str(secret)))
    for name in ("soundalike", "ray"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name}: $* [${{SOUNDALIKE_TOKEN:-}}]"\n')
        program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    if given:
        environment["SOUNDALIKE_TOKEN"] = given
    printed = [
        subprocess.run(
            ["sh", str(start), *words], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for words in (["serve", "--port", "8000"], ["ray", "start"])
    ]
    token = given or "of the secret"
    assert printed == [f"soundalike: serve --port 8000 [{token}]\n", f"ray: start [{token}]\n"]
