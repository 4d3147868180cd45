"""Regions of an image that no network gets to see."""

from collections.abc import Sequence

from lit_tricks.errors import UserError

Region = tuple[int, int, int, int]
# one [top, left, height, width], or several
Masked = Sequence[int] | Sequence[Sequence[int]]


def regions_of(masked: Masked | None) -> tuple[Region, ...]:
    """Return the regions, (top, left, height, width) in pixels, that ``data.masked_region`` means; none for None.

    Raises ``UserError`` for what is no region.
    """
    if masked is None:
        return ()
    several = _is_list(masked) and len(masked) > 0 and all(map(_is_list, masked))
    return tuple(_region(each, masked) for each in (masked if several else [masked]))


def check_inside(regions: Sequence[Region], input_shape: Sequence[int]) -> None:
    """Raise ``UserError`` unless examples of ``input_shape`` are images, (C, H, W), that hold the regions."""
    if not regions:
        return
    if len(input_shape) != 3:
        raise UserError(
            f"data.masked_region needs images; an example here has the shape {tuple(input_shape)}: "
            "try data.masked_region=null"
        )
    _, rows, columns = input_shape
    for top, left, height, width in regions:
        if top + height > rows or left + width > columns:
            raise UserError(
                f"data.masked_region must lie inside {rows} x {columns} pixels; received "
                f"{[top, left, height, width]} (top, left, height, width): try data.masked_region=[0,0,1,1]"
            )


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _region(value: object, received: object) -> Region:
    if isinstance(value, Sequence) and not isinstance(value, str):
        bounds = [bound for bound in value if isinstance(bound, int) and not isinstance(bound, bool)]
        if len(value) == len(bounds) == 4 and min(bounds) >= 0 and min(bounds[2:]) >= 1:
            top, left, height, width = bounds
            return top, left, height, width
    raise UserError(
        "data.masked_region must be [top, left, height, width] in whole pixels, the last two at least 1, or a list of "
        f"such; received {received}: try data.masked_region=[0,0,8,8]"
    )
