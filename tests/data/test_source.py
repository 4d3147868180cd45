import numpy as np
import pytest
import torch

from lit_tricks.data.source import Examples

PIXELS = torch.randint(0, 256, (40, 1, 3, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40)


def test_a_view_copies_nothing_and_views_compose() -> None:
    whole = Examples(PIXELS, LABELS)
    rows = np.array([7, 3, 30, 9])
    view = whole.take(rows)
    again = view.take(np.array([2, 0]))
    for examples, expected in [(whole, np.arange(40)), (view, rows), (again, rows[[2, 0]])]:
        assert examples.inputs.data_ptr() == PIXELS.data_ptr()
        assert (len(examples), examples.shape) == (len(expected), (len(expected), 1, 3, 2))
        assert torch.equal(examples.x, PIXELS[expected])
        assert examples.y.tolist() == expected.tolist()
    assert whole.x.data_ptr() == PIXELS.data_ptr()


@pytest.mark.parametrize("rows", [None, [5, 1, 39, 0, 12, 13]])
def test_gathering_at_positions_is_indexing_the_view(rows: list[int] | None) -> None:
    examples = Examples(PIXELS, LABELS, None if rows is None else torch.tensor(rows))
    positions = torch.tensor([4, 0, 4, 2])
    x, y = examples.gather(examples.locate(positions))
    assert torch.equal(x, examples.x[positions])
    assert torch.equal(y, examples.y[positions])
    assert x.dtype == torch.uint8


def test_channels_last_are_gathered_channels_first_and_contiguous() -> None:
    last = torch.rand(9, 4, 5, 3, generator=torch.Generator().manual_seed(0))
    examples = Examples(last.permute(0, 3, 1, 2), torch.arange(9))
    x, _ = examples.gather(torch.tensor([8, 1]))
    assert torch.equal(x, last[[8, 1]].permute(0, 3, 1, 2))
    assert x.is_contiguous()


@pytest.mark.parametrize("rows", [None, torch.tensor([5, 1, 39, 0, 12])])
@pytest.mark.parametrize("values", [1, 13, 10**6])
def test_pieces_are_all_of_it_in_order(rows: torch.Tensor | None, values: int) -> None:
    examples = Examples(PIXELS, LABELS, rows)
    pieces = list(examples.pieces(values))
    assert torch.equal(torch.cat(pieces), examples.x)
    assert max(len(piece) for piece in pieces) == min(len(examples), max(1, values // 6))


def test_a_cast_applies_wherever_inputs_are_handed_out() -> None:
    doubles = torch.rand(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for rows in (None, torch.tensor([3, 1])):
        examples = Examples(doubles, torch.arange(6), rows, cast=torch.float32)
        expected = (doubles if rows is None else doubles[rows]).float()
        assert examples.dtype == torch.float32
        assert torch.equal(examples.x, expected)
        assert torch.equal(torch.cat(list(examples.pieces(2))), expected)
        assert torch.equal(examples.gather(examples.locate(torch.tensor([1])))[0], expected[1:2])
        assert torch.equal(examples.take(np.array([1])).x, expected[1:2])
