"""What the studies on Beale's function measure and draw alike."""

from collections.abc import Mapping

import numpy as np
import torch

from lit_tricks.report.surface import Surface, Track
from lit_tricks.studies.beale import MINIMUM, WINDOW, beale
from lit_tricks.studies.descent import Descent

GRID = 200


def beale_surface() -> Surface:
    """Return the surface over the lecture's window, ready to be drawn."""
    x, y = (torch.linspace(low, high, GRID, dtype=torch.float64) for low, high in WINDOW)
    heights = beale(torch.meshgrid(x, y, indexing="xy"))
    return Surface(x.numpy(), y.numpy(), heights.numpy(), MINIMUM)


def track(name: str, descent: Descent) -> Track:
    """Return a descent as the pictures want it."""
    return Track(name, descent.settings(), descent.points, descent.values, descent.distances(MINIMUM), descent.diverged)


def path_metrics(name: str, descent: Descent) -> dict[str, float | int | None]:
    """Return the final loss and distance of a path and how near it ever came; None at the end of a diverged one."""
    distances = descent.distances(MINIMUM)
    nearest = int(np.argmin(distances))
    ended = not descent.diverged
    return {
        f"{name}/loss": float(descent.values[-1]) if ended else None,
        f"{name}/distance": float(distances[-1]) if ended else None,
        f"{name}/nearest": float(distances[nearest]),
        f"{name}/nearest_step": nearest,
        f"{name}/steps": descent.steps,
    }


def path_rows(descents: Mapping[str, Descent]) -> list[dict[str, float | int]]:
    """Return one line a step: each path's point, loss, distance from the minimum and the rate that led there."""
    rows: list[dict[str, float | int]] = []
    for step in range(max(len(descent.points) for descent in descents.values())):
        row: dict[str, float | int] = {"step": step}
        for name, descent in descents.items():
            if step < len(descent.points):
                x, y = map(float, descent.points[step])
                row |= {f"{name}/x": x, f"{name}/y": y, f"{name}/loss": float(descent.values[step])}
                row[f"{name}/distance"] = float(descent.distances(MINIMUM)[step])
                if step:
                    row[f"{name}/lr"] = float(descent.rates[step - 1])
        rows.append(row)
    return rows
