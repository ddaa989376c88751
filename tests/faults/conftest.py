"""Workshops that all fault tests share, so that heavy modules are imported once."""

from collections.abc import Iterator

import pytest

from tests.faults.processes import Workshop, open_workshop

INDEXING = (
    "cli.app",
    "cli.commands.index",
    "cli.commands.label",
    "cli.commands.library",
    "cli.commands.query",
    "embedder.models.card",
    "index.indexing.run",
    "index.labels.files.writing",
    "index.labels.labelling",
    "index.library",
    "index.library_folder.report",
    "index.search.search",
    "mutagen.wave",
    "pydantic.type_adapter",
    "rich.table",
    "tests.index.toy_encoder",
)
TRAINING = (
    "cli.app",
    "cli.commands.train",
    "cli.training_talk",
    "embedder.training.report.report",
    "embedder.training.settings",
    "embedder.training.train",
)


@pytest.fixture(scope="session")
def training_workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Command lines with torch imported."""
    folder = tmp_path_factory.mktemp("training workshop")
    with open_workshop(folder, setup="plain", preload=TRAINING) as opened:
        yield opened


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Command lines with the toy encoder."""
    folder = tmp_path_factory.mktemp("workshop")
    with open_workshop(folder, setup="toy", preload=INDEXING) as opened:
        yield opened
