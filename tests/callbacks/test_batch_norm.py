"""Batch norm's statistics are estimated where it trains, and nothing else is touched."""

import torch
from torch import nn

from lit_tricks.callbacks.batch_norm import estimate_batch_norm, training_batch_norms


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.BatchNorm1d(3),
        nn.Dropout(0.5),
        nn.BatchNorm1d(3, momentum=0.3),
        nn.BatchNorm1d(3, track_running_stats=False),
    )


def test_statistics_are_the_means_over_the_batches_without_dropout() -> None:
    torch.manual_seed(1)
    batches = [torch.randn(8, 3) * 3 + 5 for _ in range(4)]
    net = network()
    assert list(training_batch_norms(net)) == ["0", "2"]
    net(batches[0])
    state, counted = torch.get_rng_state(), net[0].num_batches_tracked.clone()
    estimate_batch_norm(net, iter(batches))
    assert torch.equal(torch.get_rng_state(), state), "dropout drew"
    torch.testing.assert_close(net[0].running_mean, torch.stack([batch.mean(0) for batch in batches]).mean(0))
    torch.testing.assert_close(net[0].running_var, torch.stack([batch.var(0) for batch in batches]).mean(0))
    # what the first has normalised and no dropout has thinned
    torch.testing.assert_close(net[2].running_mean, torch.zeros(3), atol=1e-6, rtol=0)
    assert torch.equal(net[0].num_batches_tracked, counted)
    assert (net[0].momentum, net[2].momentum) == (0.1, 0.3)
    assert [module.training for module in net.modules()] == [True] * 5


def test_a_frozen_batch_norm_keeps_its_statistics_and_its_mode() -> None:
    net = network()
    net[0].eval()
    before = net[0].running_mean.clone()
    estimate_batch_norm(net, [torch.randn(8, 3) + 9])
    assert torch.equal(net[0].running_mean, before)
    assert [module.training for module in net] == [False, True, True, True]
