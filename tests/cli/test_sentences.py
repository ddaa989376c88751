"""A library and a model are described in sentences, and `index` says what is next."""

import json
from pathlib import Path

from cli.index_shown import next_step
from cli.records import size_words
from embedder.models.registry import find_model
from index.indexing.results import IndexReport
from tests.cli.conftest import RunCli


def test_info_opens_with_sentences(run_cli: RunCli, ready: Path) -> None:
    """Size and failures come first, then the model and the search, then what failed."""
    out = run_cli("--library", str(ready / "library"), "library", "info").out
    lines = out.splitlines()
    assert lines[0].startswith(f"{ready / 'library'}: 6 tracks")
    assert lines[1] == "1 file could not be used (listed below)."
    assert lines[2].startswith("Model: tiny (")
    assert lines[3].startswith("Search: exact (every vector is compared")
    assert lines[lines.index("failures") + 1].split() == ["path", "reason"]


def test_a_model_is_sentences_and_short_tables(run_cli: RunCli) -> None:
    """The bundled model has a sentence for its cost, a table of scores, and its encoders."""
    shown = json.loads(run_cli("models", "show", "default", "--json").out)
    out = run_cli("models", "show", "default").out
    assert out.startswith("default: combined, fingerprint ")
    assert f"Costs {size_words(shown['bytes_on_disk'])}, {shown['n_parameters']:,} param" in out
    rows = [line.split() for line in out.split("\nparts\n")[1].strip().splitlines()]
    assert [row[0] for row in rows] == ["part", "frames", "patches"]
    assert [part["embedding_size"] for part in shown["parts"]] == [128, 128]


def test_a_network_of_many_layers_is_shown_by_its_parts(run_cli: RunCli) -> None:
    """Layers of one part are counted together."""
    part = str(find_model("default") / "members" / "0")
    shown = json.loads(run_cli("models", "show", part, "--json").out)
    out = run_cli("models", "show", part).out
    assert out.startswith("frames: network, fingerprint ")
    assert f"Costs {size_words(shown['bytes_on_disk'])}, {shown['n_parameters']:,} param" in out
    rows = [line.split() for line in out.split("\nnetwork\n")[1].split("\n\n")[0].splitlines()]
    assert rows[0][0] == "part"
    assert 5 < len(rows) < 20
    assert sum(int(row[1]) for row in rows[1:]) == len(shown["layers"])


def test_a_run_says_what_to_do_next() -> None:
    """After a preview, a run without music, and one that missed files, the advice differs."""
    usual = next_step(IndexReport(added=2))
    assert "soundalike query FILE" in usual
    assert "without --dry-run" in next_step(IndexReport(added=2, is_dry_run=True))
    assert next_step(IndexReport(is_dry_run=True)) == ""
    assert "--prune" in next_step(IndexReport(unchanged=2, gone=1))


def test_sizes_are_short() -> None:
    """Three digits at most, in the unit that fits."""
    sizes = [size_words(n) for n in (12, 1_500, 471_505, 4_490_035, 2 * 10**12)]
    assert sizes == ["12 bytes", "1.5 kB", "472 kB", "4.5 MB", "2000 GB"]
