"""The average of the weights: what is averaged, over which steps, and that a run saves it."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from embedder.config.training import LoopConfig
from embedder.training.loop.optimisers import WeightAverage
from embedder.training.train import open_run
from tests.embedder.small_sets import small_config, write_array_set


def states(n: int) -> list[nn.Module]:
    """A network with batch normalisation after each of `n` steps."""
    generator = torch.Generator().manual_seed(3)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    networks = []
    for _ in range(n):
        with torch.no_grad():
            for weight in network.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator))
        network.train()(torch.randn(8, 3, generator=generator))
        networks.append(copy.deepcopy(network))
    return networks


def expected_average(networks: list[nn.Module], name: str) -> Tensor:
    return torch.stack([network.state_dict()[name] for network in networks]).mean(dim=0)


FLOATS = ["0.weight", "0.bias", "1.weight", "1.running_mean", "1.running_var"]


@pytest.mark.parametrize("name", FLOATS)
def test_last_epochs_are_averaged_with_their_statistics(name: str) -> None:
    """Weights and batch-norm statistics are the plain mean over the last epochs."""
    networks = states(5)
    config = LoopConfig(epochs=5, weight_averaging="last-epochs", averaging_epochs=3)
    average = WeightAverage(config, networks[0])
    for epoch, network in enumerate(networks):
        average.after_epoch(network, epoch)
    result = average.model(networks[-1]).state_dict()[name]
    torch.testing.assert_close(result, expected_average(networks[2:], name))


@pytest.mark.parametrize("name", FLOATS)
def test_a_moving_average_follows_weights_and_statistics(name: str) -> None:
    """Each step moves the average by 1 - decay; the decay starts low."""
    networks = states(4)
    average = WeightAverage(
        LoopConfig(weight_averaging="moving", averaging_decay=0.2), copy.deepcopy(networks[0])
    )
    expected = networks[0].state_dict()[name].clone()
    for step, network in enumerate(networks[1:], start=1):
        average.after_step(network)
        decay = min(0.2, step / (step + 10))
        expected = decay * expected + (1 - decay) * network.state_dict()[name]
    torch.testing.assert_close(average.model(networks[-1]).state_dict()[name], expected)


def test_counters_are_copied() -> None:
    """Counters of batches are whole numbers and are not averaged."""
    networks = states(3)
    average = WeightAverage(LoopConfig(weight_averaging="moving"), copy.deepcopy(networks[0]))
    average.after_step(networks[2])
    assert average.network.state_dict()["1.num_batches_tracked"] == 3


def test_without_averaging_the_network_itself_is_kept() -> None:
    """There is no average to measure or save."""
    (network,) = states(1)
    average = WeightAverage(LoopConfig(), network)
    average.after_step(network)
    average.after_epoch(network, 29)
    assert average.model(network) is network


def test_a_run_saves_the_average(tmp_path: Path) -> None:
    """The last model has averaged statistics, unlike the network at any step."""
    data = write_array_set(tmp_path / "data")
    config = small_config(epochs=2, weight_averaging="moving", averaging_decay=0.9)
    run = open_run(data, config, tmp_path)
    run.run()
    saved = run.start.load(tmp_path / "last").state_dict()
    average = run.loop.best_network.state_dict()
    network = run.start.network.state_dict()
    statistics = [name for name in saved if name.endswith("running_mean")]
    assert statistics
    for name in statistics:
        torch.testing.assert_close(saved[name], average[name])
        assert not torch.allclose(saved[name], network[name])


def test_a_run_averages_its_last_epochs(tmp_path: Path) -> None:
    """The last model is the mean of the networks after the last two epochs, statistics too."""
    data = write_array_set(tmp_path / "data")
    config = small_config(epochs=3, weight_averaging="last-epochs", averaging_epochs=2)
    run = open_run(data, config, tmp_path)
    after_epochs: list[nn.Module] = []

    class Copies:
        def after_step(self, *_: object) -> None:
            """Only ends of epochs count."""

        def after_epoch(self, _: dict[str, object]) -> None:
            after_epochs.append(copy.deepcopy(run.start.network))

    run.run([Copies()])
    saved = run.start.load(tmp_path / "last").state_dict()
    for name, value in saved.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected_average(after_epochs[1:], name))


def test_the_average_is_measured_and_kept_as_the_best(tmp_path: Path) -> None:
    """The scores in the log and the best model are those of the average, not of the network."""
    data = write_array_set(tmp_path / "data")
    config = small_config(epochs=1, weight_averaging="moving", averaging_decay=0.9)
    run = open_run(data, config, tmp_path)
    record = run.run().history[-1]
    average, front_end = run.loop.best_network, run.start.front_end
    assert record["map"] == pytest.approx(run.held_out(average, front_end)["map"])
    assert record["map"] != pytest.approx(run.held_out(run.start.network, front_end)["map"])
    best = run.start.load(tmp_path / "best").state_dict()
    for name, value in average.state_dict().items():
        torch.testing.assert_close(best[name], value)
