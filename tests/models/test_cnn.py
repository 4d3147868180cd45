import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lit_tricks.errors import UserError
from lit_tricks.models import CNN


def test_the_default_halves_the_map_twice():
    network = CNN((1, 28, 28), 10)
    weights = 9 * (16 + 16 * 32) + 32 * 7 * 7 * 128 + 2 * (16 + 32 + 128) + 128 * 10 + 10
    assert sum(parameter.numel() for parameter in network.parameters()) == weights
    assert network.output(network.layers(torch.zeros(2, 32 * 7 * 7))).shape == (2, 10)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 13), st.integers(1, 13)),
    channels=st.lists(st.integers(2, 4), max_size=3),
    kernel_size=st.sampled_from([1, 3, 5]),
    pool=st.integers(1, 4),
    hidden=st.lists(st.integers(1, 5), max_size=2),
    norm=st.sampled_from(["none", "batch", "layer"]),
    batch=st.integers(1, 3),
)
def test_any_image_size_gives_logits_and_gradients(shape, channels, kernel_size, pool, hidden, norm, batch):
    network = CNN(shape, 3, channels, kernel_size, pool, hidden, norm=norm, dropout=0.2)
    logits = network(torch.ones(batch, *shape))
    assert logits.shape == (batch, 3)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_window_is_clipped_to_the_map_and_left_out_at_one_pixel():
    network = CNN((1, 1, 5), 2, channels=[2, 2, 2, 2])
    windows = [block.pool.kernel_size if hasattr(block, "pool") else None for block in network.blocks]
    assert windows == [(1, 2), (1, 2), None, None]
    assert network(torch.zeros(2, 1, 1, 5)).shape == (2, 2)


def test_the_lectures_block_is_convolution_norm_relu_pool_dropout():
    network = CNN((1, 28, 28), 10, channels=[32], dropout=0.2)
    kinds = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Dropout]
    assert all(isinstance(part, kind) for part, kind in zip(network.blocks[0], kinds, strict=True))
    assert network.blocks[0].dropout.p == 0.2


@pytest.mark.parametrize("depth", [1, 3])
def test_the_layout_in_memory_changes_no_value(depth):
    torch.manual_seed(0)
    network = CNN((depth, 9, 7), 4, channels=[3, 5], hidden=[6], activation="tanh").eval()
    x = torch.randn(2, depth, 9, 7)
    plain = network.output(network.layers(network.flatten(network.blocks(x))))
    torch.testing.assert_close(network(x), plain)


@pytest.mark.parametrize("depth", [1, 3])
def test_maps_are_channels_last_on_the_cpu(depth):
    network = CNN((depth, 9, 7), 4, channels=[3, 5], norm="none")
    seen = []
    for block in network.blocks:
        block.conv.register_forward_hook(lambda _, __, out: seen.append(out.stride(1)))
    network(torch.randn(2, depth, 9, 7))
    assert seen == [1, 1]


def test_parameters_and_gradients_stay_contiguous_for_optimizers_that_flatten_them():
    network = CNN((3, 8, 8), 2, channels=[4, 4])
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    assert all(p.is_contiguous() and p.grad.is_contiguous() for p in network.parameters())


def test_the_gradient_reaches_the_input():
    x = torch.randn(2, 1, 8, 8, requires_grad=True)
    CNN((1, 8, 8), 2)(x)[:, 0].sum().backward()
    assert x.grad.abs().sum() > 0


def test_dropout_lists_blocks_first_and_dense_layers_after():
    network = CNN((1, 8, 8), 2, channels=[2, 2], hidden=[4], dropout=[0.1, 0.2, 0.5])
    assert [block.dropout.p for block in [*network.blocks, *network.layers]] == [0.1, 0.2, 0.5]


def test_it_learns_where_the_bright_half_is():
    torch.manual_seed(0)
    target = torch.arange(64) % 2
    x = torch.rand(64, 1, 8, 8)
    x[target == 0, :, :, :4] += 1
    x[target == 1, :, :, 4:] += 1
    network = CNN((1, 8, 8), 2, channels=[4, 8])
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), target).backward()
        optimizer.step()
    assert (network.eval()(x).argmax(1) == target).all()


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"input_shape": (30,)}, r"model=cnn needs images.*received input shape \(30,\): try model=mlp$"),
        ({"channels": [0]}, r"model.channels must be a list .* received \[0\]: try model.channels=\[16,32\]"),
        ({"channels": 32}, r"model.channels must be a list .* received 32"),
        ({"hidden": [0]}, r"model.hidden must be a list .* received \[0\]: try model.hidden=\[128\]"),
        ({"kernel_size": 0}, r"model.kernel_size must be a whole number of at least 1; received 0"),
        ({"kernel_size": 4}, r"model.kernel_size must be odd.*received 4: try model.kernel_size=5"),
        ({"pool": 0}, r"model.pool must be a whole number of at least 1; received 0"),
        ({"dropout": 1}, r"model.dropout must be in \[0, 1\); received 1:"),
        ({"dropout": [0.1, 0.2]}, r"one share per block and per dense hidden layer, 3 in all"),
        ({"norm": "instance"}, r"model.norm must be one of none, batch, layer; received instance"),
        ({"activation": "rel"}, r"try model.activation=relu$"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(knobs, message):
    with pytest.raises(UserError, match=message):
        CNN(**({"input_shape": (1, 8, 8), "num_classes": 2} | knobs))
