from __future__ import annotations

import copy

import pytest
import torch
from mmbench.methods.networks.bn import StatisticsBank
from torch import Tensor, nn


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Sequential(nn.BatchNorm2d(3)))
    network(torch.randn(4, 2, 8, 8))  # running statistics of its own
    return network


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _unchanged(network: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def _batches() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [5 + 3 * torch.randn(4, 2, 8, 8, generator=generator) for _ in range(3)]


def test_observing_averages_the_batches_and_leaves_the_layers_alone() -> None:
    network = _network().eval()
    before = _state(network)
    bank = StatisticsBank([network])
    inputs: list[Tensor] = []
    handle = network[1].register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    for batch in _batches():  # one context per batch, as in an observing stage
        with bank.observing(), torch.no_grad():
            network(batch)
    handle.remove()
    means = torch.stack([x.mean((0, 2, 3)) for x in inputs])
    variances = torch.stack([x.var((0, 2, 3)) for x in inputs])
    torch.testing.assert_close(bank.get_buffer("mean_0"), means.mean(0))
    torch.testing.assert_close(bank.get_buffer("var_0"), variances.mean(0))
    assert int(bank.get_buffer("count_1")) == 3
    assert _unchanged(network, before)


def test_observing_normalises_by_the_batch() -> None:
    network = _network().eval()
    batch = _batches()[0]
    with StatisticsBank([network]).observing():
        seen = network(batch)
    torch.testing.assert_close(seen, copy.deepcopy(network).train()(batch))


def test_applied_is_a_network_that_had_these_statistics() -> None:
    network = _network()
    bank = StatisticsBank([network])
    with bank.observing(), torch.no_grad():
        for batch in _batches():
            network(batch)
    other = copy.deepcopy(network).eval()
    for index, name in enumerate(("1", "3.0")):
        layer = other.get_submodule(name)
        layer.get_buffer("running_mean").copy_(bank.get_buffer(f"mean_{index}"))
        layer.get_buffer("running_var").copy_(bank.get_buffer(f"var_{index}"))
    batch, before, observed = _batches()[0], _state(network), _state(bank)
    own = copy.deepcopy(network).eval()(batch)
    with bank.applied():
        applied = network(batch)
    assert torch.equal(applied, other(batch))
    assert not torch.allclose(applied, own, atol=0.1)
    assert _unchanged(network, before)
    assert _unchanged(bank, observed)
    assert torch.equal(network.eval()(batch), own)


@pytest.mark.parametrize("context", ["observing", "applied"])
def test_an_error_inside_restores_everything(context: str) -> None:
    network = _network().train()
    network[3].eval()
    bank = StatisticsBank([network])
    with bank.observing():
        network(_batches()[0])
    before, modes = _state(network), [module.training for module in network.modules()]
    own = network[1].running_mean
    with pytest.raises(ZeroDivisionError), getattr(bank, context)():
        network(_batches()[1])
        raise ZeroDivisionError
    assert [module.training for module in network.modules()] == modes
    assert network[1].running_mean is own
    assert network[1].momentum == 0.1
    assert _unchanged(network, before)


def test_statistics_resume_with_a_checkpoint_and_own_no_parameters() -> None:
    network = _network()
    bank = StatisticsBank([network])
    with bank.observing():
        network(_batches()[0])
    assert not list(bank.parameters())
    assert set(bank.state_dict()) == {f"{name}_{i}" for name in ("mean", "var", "count") for i in (0, 1)}
    resumed_network = copy.deepcopy(network)
    resumed = StatisticsBank([resumed_network])
    resumed.load_state_dict(bank.state_dict())
    for each, layers in ((bank, network), (resumed, resumed_network)):
        with each.observing():
            layers(_batches()[1])
    assert _unchanged(resumed, _state(bank))


def test_a_deep_copy_observes_its_own_network() -> None:
    owner = nn.ModuleDict({"network": _network()})
    owner["bank"] = StatisticsBank([owner["network"]])
    twin = copy.deepcopy(owner)
    bank = twin["bank"]
    assert isinstance(bank, StatisticsBank)
    with bank.observing():
        twin["network"](_batches()[0])
    assert int(bank.get_buffer("count_0")) == 1
    assert int(owner["bank"].get_buffer("count_0")) == 0


def test_a_layer_found_twice_counts_once() -> None:
    network = _network()
    bank = StatisticsBank([network, network[3]])
    with bank.observing():
        network(_batches()[0])
    assert sorted(bank.state_dict()) == sorted(StatisticsBank([network]).state_dict())
    assert int(bank.get_buffer("count_1")) == 1


def test_without_batch_norm_nothing_happens() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3))
    bank = StatisticsBank([network])
    batch = _batches()[0]
    with bank.observing():
        observed = network(batch)
    with bank.applied():
        applied = network(batch)
    assert torch.equal(observed, applied)
    assert not bank.state_dict()


def test_applied_refuses_statistics_nobody_observed() -> None:
    with pytest.raises(RuntimeError, match="before any were observed"), StatisticsBank([_network()]).applied():
        pass
