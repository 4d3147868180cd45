import pytest
import torch
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models.blocks import BatchNorm1d, BatchNorm2d, BlockStyle, conv_block, dense_block


def style(norm: str = "batch", activation: str = "relu", momentum: float = 0.1, bias: bool = True) -> BlockStyle:
    return BlockStyle(activation, norm, momentum, bias)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_dense_block_normalises_before_the_activation_and_drops_last(norm):
    assert list(dense_block(3, 4, style(norm), 0.5)._modules) == ["linear", "norm", "activation", "dropout"]


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_convolutional_block_drops_after_the_pooling(norm):
    names = list(conv_block(3, 4, 3, (2, 2), style(norm), 0.2)._modules)
    assert names == ["conv", "norm", "activation", "pool", "dropout"]


def test_what_is_switched_off_leaves_no_module():
    assert list(dense_block(3, 4, style("none"), 0.0)._modules) == ["linear", "activation"]
    assert list(conv_block(3, 4, 3, (1, 1), style("none"), 0.0)._modules) == ["conv", "activation"]


@pytest.mark.parametrize(("norm", "kept"), [("none", True), ("layer", True), ("batch", False)])
def test_only_batch_norm_takes_the_place_of_the_bias(norm, kept):
    assert (dense_block(3, 4, style(norm), 0.0).linear.bias is not None) == kept
    assert (conv_block(3, 4, 3, (2, 2), style(norm), 0.0).conv.bias is not None) == kept
    assert dense_block(3, 4, style(norm, bias=False), 0.0).linear.bias is None


def test_batch_norm_standardises_drives_by_hand():
    torch.manual_seed(0)
    block = dense_block(3, 4, style("batch", "tanh"), 0.0)
    nn.init.uniform_(block.norm.weight)
    nn.init.uniform_(block.norm.bias)
    x = torch.randn(16, 3) * 5 + 2
    drives = x @ block.linear.weight.T
    spread = ((drives - drives.mean(0)) ** 2).mean(0)
    scaled = (drives - drives.mean(0)) / (spread + 1e-5).sqrt()
    torch.testing.assert_close(block(x), torch.tanh(block.norm.weight * scaled + block.norm.bias))


@pytest.mark.parametrize("momentum", [0.1, 0.01])
def test_evaluation_uses_the_running_averages(momentum):
    torch.manual_seed(0)
    block = dense_block(3, 4, style("batch", "identity", momentum), 0.0)
    mean, variance = torch.zeros(4), torch.ones(4)
    for _ in range(5):
        x = torch.randn(16, 3) + 3
        drives = x @ block.linear.weight.T
        mean = (1 - momentum) * mean + momentum * drives.mean(0)
        variance = (1 - momentum) * variance + momentum * drives.var(0, unbiased=True)
        block(x)
    block.eval()
    one = torch.randn(1, 3)
    torch.testing.assert_close(block(one), (one @ block.linear.weight.T - mean) / (variance + 1e-5).sqrt())


def test_convolutional_batch_norm_averages_over_examples_and_positions():
    torch.manual_seed(0)
    block = conv_block(2, 3, 3, (1, 1), style("batch", "identity", momentum=0.25), 0.0)
    x = torch.randn(4, 2, 5, 6)
    drives = nn.functional.conv2d(x, block.conv.weight, padding=1)
    mean = drives.mean((0, 2, 3), keepdim=True)
    variance = drives.var((0, 2, 3), unbiased=False, keepdim=True)
    torch.testing.assert_close(block(x), (drives - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(block.norm.running_mean, 0.25 * mean.flatten())


def test_layer_norm_works_on_each_example_alone():
    torch.manual_seed(0)
    block = conv_block(2, 3, 3, (1, 1), style("layer", "identity"), 0.0)
    x = torch.randn(4, 2, 5, 6)
    drives = block.conv(x)
    flat = drives.flatten(1)
    expected = (flat - flat.mean(1, keepdim=True)) / (flat.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(block(x), expected.view_as(drives))


@pytest.mark.parametrize(("norm", "lone"), [(BatchNorm1d(3), (1, 3)), (BatchNorm2d(3), (1, 3, 1, 1))])
def test_a_lone_example_trains_by_the_running_averages_and_leaves_them(norm, lone):
    norm.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    norm.running_var.copy_(torch.tensor([4.0, 9.0, 16.0]))
    before = [buffer.clone() for buffer in norm.buffers()]
    x = torch.full(lone, 10.0, requires_grad=True)
    out = norm(x)
    expected = torch.tensor([9 / 2, 8 / 3, 7 / 4]).view(lone)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=0)
    out.sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([1 / 2, 1 / 3, 1 / 4]).view(lone), rtol=1e-4, atol=0)
    assert all(torch.equal(now, then) for now, then in zip(norm.buffers(), before, strict=True))


@pytest.mark.parametrize(
    ("ours", "torchs", "shape"),
    [(BatchNorm1d(3), nn.BatchNorm1d(3), (2, 3)), (BatchNorm2d(3), nn.BatchNorm2d(3), (1, 3, 2, 1))],
)
def test_more_than_one_value_per_channel_is_torchs_own(ours, torchs, shape):
    torch.manual_seed(0)
    x = torch.randn(shape)
    torch.testing.assert_close(ours(x), torchs(x))
    torch.testing.assert_close(ours.state_dict(), torchs.state_dict())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_dropout_silences_its_share_and_rescales_the_rest(share):
    torch.manual_seed(0)
    block = dense_block(1, 200, style("none", "identity"), share)
    block.linear.weight.data.fill_(2.0)
    block.linear.bias.data.zero_()
    out = block(torch.ones(500, 1))
    # 100,000 draws: five standard errors are below 0.008
    assert (out == 0).float().mean().item() == pytest.approx(share, abs=0.008)
    torch.testing.assert_close(out[out != 0].unique(), torch.tensor([2 / (1 - share)]))
    assert torch.equal(block.eval()(torch.ones(3, 1)), torch.full((3, 200), 2.0))


@pytest.mark.parametrize("momentum", [0.0, -0.1, 1.5, float("nan")])
def test_a_momentum_outside_its_range_is_refused(momentum):
    with pytest.raises(UserError, match=r"model.norm_momentum.* must be in \(0, 1\].*try model.norm_momentum=0.1"):
        style(momentum=momentum)


def test_an_unknown_norm_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"none, batch, layer; received bach: try model.norm=batch$"):
        style("bach")
