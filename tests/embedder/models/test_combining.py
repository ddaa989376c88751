"""Several encoders as one: the same vectors side by side, one fingerprint, the same guards."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.encoding.encoder import TrackEncoder
from embedder.errors import BadInput, FingerprintMismatch, UnsupportedFormat, UsageError
from embedder.models.array_geometry import ArrayGeometry, projected
from embedder.models.card import read_card
from embedder.models.combining import combine_models, models_and_weights
from embedder.models.exporting import export_model
from embedder.models.heads import Head
from embedder.models.importing import import_model
from embedder.models.kinds.combined_input import pack, unpack
from embedder.models.kinds.network import save_model
from embedder.models.own_heads import head_facts, heads_by_field
from embedder.models.registry import load_model
from embedder.models.sampling import sample_vectors
from embedder.networks.network import seeded_network
from tests.conftest import RunCli
from tests.embedder.audio_files import tune

LONG = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=1.0),
    front_end=FrontEndConfig(sample_rate=8000, n_bins=8, n_columns=10),
    backbone=BackboneConfig(filters=(2, 3), pooling="mean"),
    embedding_size=4,
)
SHORT = replace(
    LONG,
    excerpts=ExcerptConfig(n_excerpts=4, excerpt_seconds=0.25),
    front_end=FrontEndConfig(sample_rate=4000, n_bins=6, n_columns=5),
    embedding_size=3,
)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two networks: `long` reads a second at 8 kHz, `short` a quarter at 4 kHz."""
    folder = tmp_path / "models"
    monkeypatch.setenv("SOUNDALIKE_MODELS", str(folder))
    for seed, (name, config) in enumerate({"long": LONG, "short": SHORT}.items()):
        save_model(folder / name, seeded_network(config, seed=seed), licence=f"licence {name}")
    return folder


@pytest.fixture
def tracks(tmp_path: Path) -> list[Path]:
    """Twelve files of three seconds."""
    paths = [tmp_path / "music" / f"{number}.wav" for number in range(12)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        samples = tune(3.0, rate=8000, seed=number) * (1 + number % 3) / 3
        write_audio(path, samples, 8000)
    return paths


@pytest.mark.parametrize("runtime", ["arrays", "torch"])
def test_the_members_vectors_stand_side_by_side(
    models: Path, tracks: list[Path], runtime: str
) -> None:
    """Each is what the member gives alone, multiplied by its weight; the whole has unit length."""
    combine_models(["long", "short"], name="both", weights=[1, 2])
    combined = TrackEncoder.load("both")
    if runtime == "torch":
        combined = TrackEncoder(load_model("both"), device="cpu", precision="float32")
    assert combined.runtime == runtime
    (vector,) = combined.encode(tracks[0]).excerpt_vectors
    long, short = (TrackEncoder.load(name).encode(tracks[0]).vector for name in ("long", "short"))
    expected = np.concatenate([long, 2 * short])
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-4)


def test_silent_excerpts_of_a_member_are_left_out(models: Path, tmp_path: Path) -> None:
    """As they are when the member encodes alone; a short track has fewer excerpts, too."""
    combine_models(["long", "short"], name="both")
    samples = tune(0.6, rate=8000, n_channels=1)
    samples[:, 1200:3600] = 0
    write_audio(tmp_path / "gap.wav", samples, 8000)
    encoding = TrackEncoder.load("both").encode(tmp_path / "gap.wav")
    alone = [TrackEncoder.load(name).encode(tmp_path / "gap.wav") for name in ("long", "short")]
    assert len(alone[1].excerpt_vectors) == 2
    assert encoding.starts_seconds == alone[0].starts_seconds  # of the longest excerpt
    assert encoding.excerpt_seconds == alone[0].excerpt_seconds
    expected = np.concatenate([encoding.vector for encoding in alone])
    np.testing.assert_allclose(encoding.vector, expected / np.linalg.norm(expected), atol=1e-4)


def test_members_of_the_same_excerpts_keep_them(models: Path, tracks: list[Path]) -> None:
    """Such a combined model has a vector for each excerpt, with its time."""
    save_model(models / "other", seeded_network(LONG, seed=5))
    combine_models(["long", "other"], name="both")
    together = TrackEncoder.load("both").encode(tracks[0])
    alone = [TrackEncoder.load(name).encode(tracks[0]) for name in ("long", "other")]
    assert together.starts_seconds == alone[0].starts_seconds
    assert together.excerpt_seconds == pytest.approx(1.0)
    expected = np.concatenate([encoding.excerpt_vectors for encoding in alone], axis=1)
    np.testing.assert_allclose(together.excerpt_vectors, expected / 2**0.5, atol=1e-4)


def test_decoded_windows_are_encoded_as_short_tracks(models: Path, tmp_path: Path) -> None:
    """Each member takes its excerpts from a window as from a file that has only the window."""
    combine_models(["long", "short"], name="both")
    window = tune(1.5, rate=8000, n_channels=1)
    write_audio(tmp_path / "window.wav", window, 8000)
    encoder = TrackEncoder.load("both")
    (vector,) = encoder.encode_samples(window, 8000)
    cosine = float(vector @ encoder.encode(tmp_path / "window.wav").vector)
    assert cosine > 0.999  # a file's resampling knows what lies beyond an excerpt


def test_a_model_of_an_earlier_version_is_refused(models: Path) -> None:
    """Its members did not read their own excerpts, so its vectors were others."""
    combine_models(["long", "short"], name="both")
    path = models / "both" / "card.json"
    card = json.loads(path.read_text())
    del card["config"]["excerpts"]["members"]
    path.write_text(json.dumps(card))
    with pytest.raises(UnsupportedFormat, match="combine the models again"):
        TrackEncoder.load("both")


def test_it_keeps_the_heads_of_its_parts(models: Path, tracks: list[Path]) -> None:
    """On the combined vector each answers as on its own; two of one field are named by part."""
    generator = np.random.default_rng(3)

    def drawn(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32)

    points = Head(
        drawn(2, 4), drawn(2) * 0, ("a", "b"), kind="softmax", field="genre",
        proxy_geometry=ArrayGeometry("cosine"), proxy_scale=9.0,
    )  # fmt: skip
    linear = Head(drawn(2, 3), np.array([0.5, 0.0], dtype=np.float32), ("c", "d"), field="genre")
    save_model(models / "long", seeded_network(LONG, seed=0), label_head=points, replace=True)
    save_model(models / "short", seeded_network(SHORT, seed=1), tag_head=linear, replace=True)
    combine_models(["long", "short"], name="both", weights=[1, 2])
    combined = load_model("both")
    heads = heads_by_field(combined.folder, combined.card)
    names = [read_card(models / name).name for name in ("long", "short")]
    assert list(heads) == [f"genre of {name}" for name in names]
    own = [projected(drawn(5, n), "cosine") for n in (4, 3)]
    vectors = projected(np.concatenate([own[0], 2 * own[1]], axis=1), "cosine")
    for head, part, alone in zip(heads.values(), (points, linear), own, strict=True):
        np.testing.assert_allclose(head.logits(vectors), part.logits(alone), rtol=1e-4, atol=1e-5)
    assert [facts.labels for facts in head_facts(combined)] == [("a", "b"), ("c", "d")]
    folder = tracks[0].parent
    combine_models(["long", "short"], name="standard", sample=folder)
    assert heads_by_field(models / "standard", read_card(models / "standard")) == {}


def test_it_encodes_tracks(models: Path, tracks: list[Path]) -> None:
    """As any model does, alone and among many."""
    combine_models(["long", "short"], name="both")
    encoder = TrackEncoder.load("both")
    alone = encoder.encode(tracks[0])
    assert alone.vector.shape == (7,)
    (first, _) = encoder.encode_many(tracks[:2], workers=1)
    np.testing.assert_allclose(first.vector, alone.vector, atol=1e-5)


def test_a_sample_standardises_and_projects(models: Path, tracks: list[Path]) -> None:
    """The sample's vectors have mean 0 in each direction, and the sizes asked for."""
    card = combine_models(
        ["long", "short"], name="both", sample=tracks[0].parent, size=5, weights=[1, 1]
    )
    assert card.config.embedding_size == 5
    model = load_model("both")
    standard = model.network.standard  # type: ignore[attr-defined]  # a combined network
    vectors = sample_vectors(
        model,
        tracks,
        lambda features: model.network.members_vectors(features)[0],  # type: ignore[attr-defined]  # a combined network
    ).numpy()
    by_hand = ((vectors - standard.mean) * standard.factor) @ standard.projection.T
    np.testing.assert_allclose(standard.apply(vectors), by_hand, atol=1e-6)
    np.testing.assert_allclose(by_hand.mean(axis=0), np.zeros(5), atol=1e-4)
    np.testing.assert_allclose(standard.projection @ standard.projection.T, np.eye(5), atol=1e-5)


def test_a_single_model_is_standardised(models: Path, tracks: list[Path]) -> None:
    """Over the sample, each dimension has mean 0 and the same deviation."""
    combine_models(["long"], name="standard", sample=tracks[0].parent)
    model = load_model("standard")
    vectors = sample_vectors(
        model,
        tracks,
        lambda features: model.network.members_vectors(features)[0],  # type: ignore[attr-defined]  # a combined network
    )
    standardised = model.network.standard.apply(vectors.numpy())  # type: ignore[attr-defined]  # a combined network
    np.testing.assert_allclose(standardised.mean(axis=0), np.zeros(4), atol=2e-4)
    scale = np.full(4, 0.5)  # one over the root of the size
    np.testing.assert_allclose(standardised.std(axis=0), scale, atol=2e-4)


def test_a_small_sample_is_refused(models: Path, tracks: list[Path]) -> None:
    """A deviation of a few tracks says nothing; nothing is stored."""
    for track in tracks[5:]:
        track.unlink()
    with pytest.raises(BadInput, match=r"5 tracks .* at least 10"):
        combine_models(["long", "short"], name="both", sample=tracks[0].parent)
    assert sorted(path.name for path in models.iterdir()) == ["long", "short"]


def test_weights_are_part_of_the_fingerprint(models: Path) -> None:
    """Other weights are other vectors; equal ones have equal fingerprints."""
    prints = [
        combine_models(["long", "short"], name=name, weights=weights).fingerprint
        for name, weights in (("a", [1, 1]), ("b", [1, 2]), ("c", [1, 1]))
    ]
    assert prints[0] == prints[2] != prints[1]


def test_another_member_is_refused(models: Path) -> None:
    """The folder of a member holds another model than the card says."""
    combine_models(["long", "short"], name="both")
    member = models / "both" / "members" / "1"
    for path in member.iterdir():
        path.write_bytes((models / "long" / path.name).read_bytes())
    with pytest.raises(FingerprintMismatch, match="combine the models again"):
        load_model("both")


def test_it_travels_as_a_zip(models: Path, tmp_path: Path) -> None:
    """With its members; export and import keep the fingerprint."""
    card = combine_models(["long", "short"], name="both")
    export_model("both", tmp_path / "both.zip")
    assert import_model(tmp_path / "both.zip", name="again").fingerprint == card.fingerprint
    assert load_model("again").embedding_size == 7


def test_an_onnx_export_is_refused(models: Path, tmp_path: Path) -> None:
    """The message has the kind that it is."""
    combine_models(["long", "short"], name="both")
    with pytest.raises(BadInput, match="of the kind combined has no ONNX form"):
        export_model("both", tmp_path / "both.onnx")


def test_combinations_can_be_combined(models: Path, tracks: list[Path]) -> None:
    """A member of any kind reads what it reads alone, and licences are listed once."""
    combine_models(["long", "short"], name="both")
    card = combine_models(["both", "long"], name="three")
    assert card.config.embedding_size == 11
    assert card.licence == "licence long; licence short"
    both, long, three = (
        TrackEncoder.load(name).encode(tracks[0]).vector for name in ("both", "long", "three")
    )
    np.testing.assert_allclose(three, np.concatenate([both, long]) / 2**0.5, atol=1e-4)


@pytest.mark.parametrize(
    ("names", "weights", "size", "reason"),
    [
        (["long"], [], 0, "at least two"),
        (["long", "short"], [1], 0, "give 2 weights"),
        (["long", "short"], [1, -1], 0, "above 0"),
        (["long", "short"], [], 3, "--sample"),
    ],
)
def test_what_makes_no_sense_is_refused(
    models: Path, names: list[str], weights: list[float], size: int, reason: str
) -> None:
    """Before anything is loaded."""
    with pytest.raises(UsageError, match=reason):
        combine_models(names, name="both", weights=weights, size=size)


def test_the_command_takes_weights_as_words(run_cli: RunCli, models: Path) -> None:
    """`--weights 1 0.5`, as people write it."""
    run = run_cli(
        *("models", "combine", "long", "short", "--weights", "1", "0.5", "-o", "both", "--json")
    )
    assert json.loads(run.out)["kind"] == "combined"
    assert load_model("both").card.source["weights"] == [1.0, 0.5]


def test_words_that_are_numbers_are_models_without_weights() -> None:
    """A model may have a number for a name."""
    assert models_and_weights(["1", "2"], "") == (["1", "2"], [])
    assert models_and_weights(["a", "b", "2"], "1") == (["a", "b"], [1.0, 2.0])
    with pytest.raises(UsageError, match="give numbers"):
        models_and_weights(["a", "b"], "much")


def test_inputs_come_apart_as_they_were() -> None:
    """Inputs of different shapes travel in one array, with the share of each part."""
    generator = np.random.default_rng(0)
    inputs = [generator.random((2, 3, 4)), generator.random((6, 5))]
    shares = [np.ones((2, 1)), np.array([[0.5, 0.5, 0], [0, 0, 1]])]
    entries = unpack(pack(inputs, shares), [1, 3])
    for (values, own_shares), before, shares_before in zip(entries, inputs, shares, strict=True):
        np.testing.assert_array_equal(values, before)
        np.testing.assert_array_equal(own_shares, shares_before)
