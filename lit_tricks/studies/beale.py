"""Beale's function, the surface on which optimizers are compared."""

from collections.abc import Sequence

from torch import Tensor

MINIMUM = (3.0, 0.5)
# where the lecture's pictures end, horizontally and vertically
WINDOW = ((-2.0, 3.5), (-3.5, 2.0))


def beale(point: Tensor | Sequence[Tensor]) -> Tensor:
    """Return (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)² for ``point`` (x, y).

    A narrow curved valley with its only minimum, 0, at (3, 0.5). Beale 1958, "On an iterative method for finding a
    local minimum of a function of more than one variable".
    """
    x, y = point
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
