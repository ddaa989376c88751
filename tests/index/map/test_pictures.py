"""The map for print and for other programs: colours, PNG, SVG, CSV."""

import csv
import io
import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import BadInput, OutputExists, UnknownChoice
from index.library import Library
from index.map.drawing import draw_map
from index.map.fields import map_field
from index.map.library_map import map_of
from index.map.palette import HUES_DARK, HUES_LIGHT, category_swatches, step_swatches
from index.map.pictures import picture
from index.map.request import MapRequest
from index.map.table import csv_text
from tests.index.map.map_library import MapLibrary

# How the three kinds of colour blindness see linear RGB (Machado et al. 2009, complete).
PROTAN = [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]]
DEUTAN = [[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]
TRITAN = [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]
EYES = {"usual": np.eye(3), "protan": PROTAN, "deutan": DEUTAN, "tritan": TRITAN}
# To the perceptual space Oklab (Ottosson 2020).
TO_CONES = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.63]])
TO_LAB = np.array([[0.2105, 0.7936, -0.0041], [1.978, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
APART = 0.06
"""In Oklab; the closest pair of Okabe and Ito's own colours is 0.076 apart for deutan eyes."""


def seen(colour: str, eye: str) -> np.ndarray:
    """A colour in Oklab, which follows human perception."""
    levels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return TO_LAB @ np.cbrt(TO_CONES @ np.clip(np.array(EYES[eye]) @ linear, 0, 1))


@pytest.fixture(scope="module")
def map_library(tmp_path_factory: pytest.TempPathFactory) -> MapLibrary:
    """Twelve tracks, some with markup and symbols in title and genre."""
    map_library = MapLibrary(tmp_path_factory.mktemp("pictures") / "library")
    map_library.grow(9).close()
    map_library.grow(
        3, titles=("Do you, Mr $Jones$?", '</text> & "x"', "夜"), genre="R&B $x_1$"
    ).close()
    return map_library


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("hues", [HUES_LIGHT, HUES_DARK], ids=["light", "dark"])
def test_colours_are_told_apart_by_every_eye(hues: tuple[str, ...], eye: str) -> None:
    """No two hues look alike, to whichever kind of eye."""
    apart = {
        (a, b): float(np.linalg.norm(seen(a, eye) - seen(b, eye)))
        for a, b in itertools.combinations(hues, 2)
    }
    assert min(apart.values()) > APART, min(apart, key=apart.__getitem__)


def test_looks_are_different_up_to_the_last_category() -> None:
    """Where hues come again, shapes differ; steps of numbers grow lighter one by one."""
    assert len(set(category_swatches(21))) == 21
    for theme in ("light", "dark"):
        lightness = [seen(getattr(s, theme), "usual")[0] for s in step_swatches(7)]
        assert lightness == sorted(lightness)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_pictures_are_what_they_say(map_library: MapLibrary, dimensions: int) -> None:
    """A PNG of 3000 by 2100 dots, an SVG that is XML; the same map is the same bytes."""
    with Library.open(map_library.folder) as library:
        drawn = map_of(library, MapRequest(dimensions))
        field = map_field(library, drawn, "genre")
        png = picture(drawn, field, form="png", title="Mine & yours")
        svg = picture(drawn, field, form="svg", title="Mine & yours")
        again = picture(drawn, field, form="svg", title="Mine & yours")
    assert png.startswith(b"\x89PNG")
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (3000, 2100)
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - our own
    assert svg == again


def test_the_table_has_a_row_a_track(map_library: MapLibrary) -> None:
    """Whatever the titles hold, a reader of CSV gets them back, with the coordinates."""
    with Library.open(map_library.folder) as library:
        drawn = map_of(library)
        rows = list(csv.DictReader(io.StringIO(csv_text(drawn))))
    assert [int(row["id"]) for row in rows] == list(range(1, 13))
    assert rows[10]["title"] == '</text> & "x"'
    drawn_places = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    np.testing.assert_allclose(drawn_places, drawn.coordinates, rtol=1e-4, atol=1e-6)


def test_a_file_is_replaced_only_by_force(map_library: MapLibrary, tmp_path: Path) -> None:
    """The message names the flag, before any work; unknown kinds and folders are refused."""
    output = tmp_path / "map.csv"
    with Library.open(map_library.folder) as library:
        draw_map(library, output)
        with pytest.raises(OutputExists, match="--force"):
            draw_map(library, output)
        report = draw_map(library, output, force=True)
        with pytest.raises(UnknownChoice, match=r"\.csv, \.html, \.png, \.svg"):
            draw_map(library, tmp_path / "map.pdf")
        with pytest.raises(BadInput, match="Create it first"):
            draw_map(library, tmp_path / "nowhere" / "map.csv")
    assert (report.n_tracks, report.method, report.colour) == (12, "pca", "genre")
    assert any("too few for UMAP" in note for note in report.notes())
