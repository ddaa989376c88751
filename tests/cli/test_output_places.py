"""An output path that lies below a file, which no command can write."""

from pathlib import Path

import pytest

from tests.conftest import RunCli
from tests.embedder.small_sets import write_array_set
from tests.index.playlists.playlist_library import line_of_styles, write_library


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a library, a data set, and a file."""
    place = tmp_path_factory.mktemp("places")
    songs, vectors = line_of_styles(10)
    write_library(place / "library", songs, vectors).close()
    write_array_set(place / "set")
    (place / "file").touch()
    return place


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "SET", "--baseline", "random", "-o", "FILE/page.html"),
        ("audit", "SET", "--fix-split", "FILE/split.csv"),
        ("train", "SET", "-o", "FILE/run"),
        ("train", "SET", "--resume", "-o", "FILE/run"),
        ("features", "song.wav", "-o", "FILE/features"),
        ("models", "export", "default", "-o", "FILE/model"),
        ("models", "export", "default", "-o", "FILE/model.zip"),
        ("playlist", "1", "-o", "FILE/list.m3u8"),
        ("map", "-o", "FILE/map.html"),
        ("library", "export", "-o", "FILE/tracks.csv"),
    ],
    ids=" ".join,
)
def test_an_output_below_a_file_is_wrong_usage(
    run_cli: RunCli, place: Path, words: tuple[str, ...]
) -> None:
    """Every command refuses it in the same words, and with the same exit code."""
    paths = {"SET": str(place / "set"), "FILE": str(place / "file")}
    line = [
        word.replace("FILE", paths["FILE"]) if "FILE" in word else paths.get(word, word)
        for word in words
    ]
    result = run_cli("--library", str(place / "library"), *line)
    name = line[-1].rpartition("/")[2]
    assert result.err == f"soundalike: {paths['FILE']} is a file, so it holds no {name}.\n"
    assert result.code == 2
