"""Fields with several labels a track: how many tracks a tag has."""

from index.evaluate.evaluation import evaluate
from index.evaluate.settings import EvaluationSettings
from tests.index.evaluation_sets import dataset_of, noisy_genres


def test_a_tag_counts_the_query_tracks() -> None:
    """As a label's row does in the table of labels."""
    labels, artists, vectors = noisy_genres(36)
    several = [(label, "loud" if i % 2 else "soft") for i, label in enumerate(labels)]
    dataset = dataset_of(
        several, artists, vectors, sides=["test" if i < 12 else "train" for i in range(36)]
    )
    evaluation = evaluate(dataset, ["given"], settings=EvaluationSettings(k=3, has_split=True))
    tagging = evaluation.models[0].to_json()["tagging"]
    for scores in (tagging["neighbours"], tagging["probe"]):
        counts = {tag["tag"]: tag["n_tracks"] for tag in scores["per_tag"]}
        assert counts == {"dance": 3, "folk": 3, "jazz": 3, "rock": 3, "loud": 6, "soft": 6}
