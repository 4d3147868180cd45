"""Prints how many images a second the lecture's recipe augments: ``python -m benchmarks.augmentation [ROUNDS]``.

One thread, in seconds of the processor, so that other programs on the machine count little; contenders take turns and
the fastest round of each counts. All turn by 45°, shift, shear and zoom, cut the corners of half of the images, crop
a window, mirror and recolour. With PIL every example is changed by itself, by one call for each change as a chain of
transformations would (``PIL, a chain``) or with all changes of place in one call (``PIL, one map``).
"""

import math
import random
import sys
import time
from collections.abc import Callable

import kornia.augmentation as kornia
import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from lit_tricks.data.augmentation import Affine, Augmentation, Colour, Flip

SIZES = ((1, 28, 28), (3, 32, 32))
BATCHES = (10, 128, 512)
RANGE = (0.0, 255.0)
Change = Callable[[], Tensor]


def _turned(image: Image.Image, degrees: float, shift: float, shear: float, zoom: float) -> Image.Image:
    width, height = image.size
    angle, lean = math.radians(random.uniform(-degrees, degrees)), math.tan(random.uniform(-shear, shear))
    stretch = random.uniform(1 - zoom, 1 + zoom)
    cos, sin = math.cos(angle) * stretch, math.sin(angle) * stretch
    linear = (cos, cos * lean - sin, sin, sin * lean + cos)
    x = width / 2 * (1 - linear[0]) - height / 2 * linear[1] + random.uniform(-shift, shift) * width
    y = height / 2 * (1 - linear[3]) - width / 2 * linear[2] + random.uniform(-shift, shift) * height
    data = (linear[0], linear[1], x, linear[2], linear[3], y)
    return image.transform(image.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)


def _window(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    wide, high = share * width, share * height
    left, top = random.uniform(0, width - wide), random.uniform(0, height - high)
    return image.resize(image.size, Image.Resampling.BILINEAR, box=(left, top, left + wide, top + high))


def _recoloured(image: Image.Image) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(random.uniform(0.9, 1.1))
    image = ImageEnhance.Contrast(image).enhance(random.uniform(0.9, 1.1))
    if image.mode == "RGB":
        image = ImageEnhance.Color(image).enhance(random.uniform(0.8, 1.2))
        hue, saturation, value = image.convert("HSV").split()
        turned = np.asarray(hue) + np.uint8(random.randint(-13, 13) % 256)
        image = Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")
    return image


def _one_by_one(arrays: np.ndarray, chain: bool) -> Tensor:
    done = []
    for array in arrays:
        image = _turned(Image.fromarray(array), 45, 0.1, 0.2, 0.2)
        if chain:
            if random.random() < 0.5:
                image = _window(image.rotate(random.uniform(-45, 45), Image.Resampling.BILINEAR), 0.7)
            image = _window(image, random.uniform(0.8, 1.0))
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        changed = torch.from_numpy(np.array(_recoloured(image), dtype=np.float32))
        done.append(changed.unsqueeze(0) if changed.ndim == 2 else changed.permute(2, 0, 1))
    return torch.stack(done)


def contenders(shape: tuple[int, int, int], batch_size: int) -> dict[str, Change]:
    """Return the ways to augment one and the same batch, by name."""
    x = torch.randint(0, 256, (batch_size, *shape), dtype=torch.uint8)
    y = torch.zeros(batch_size, dtype=torch.int64)
    arrays = (x[:, 0] if shape[0] == 1 else x.permute(0, 2, 3, 1)).contiguous().numpy()
    colours = kornia.ColorJiggle(0.1, 0.1, 0.2, 0.05) if shape[0] == 3 else kornia.ColorJiggle(0.1, 0.1)
    theirs = kornia.AugmentationSequential(
        kornia.RandomAffine(45.0, (0.1, 0.1), (0.8, 1.2), (-11.46, 11.46), p=1.0),
        kornia.RandomResizedCrop(shape[1:], (0.64, 1.0), (1.0, 1.0), p=1.0),
        kornia.RandomHorizontalFlip(),
        colours,
        data_keys=["input"],
    )
    ours = Augmentation(
        {
            "affine": Affine(shape, 45, 0.1, 11.46, 0.2, 0.8, 0.5, value_range=RANGE),
            "flip": Flip(shape),
            "colour": Colour(shape, 0.1, 0.1, 0.2, 0.05, value_range=RANGE),
        },
        0,
        RANGE,
    )
    return {
        "PIL, a chain": lambda: _one_by_one(arrays, True),
        "PIL, one map": lambda: _one_by_one(arrays, False),
        "kornia": lambda: theirs(x / 255) * 255,
        "lit_tricks": lambda: ours(x, y, [batch_size], 0, 0)[0],
    }


def _seconds(change: Change) -> float:
    begun = time.process_time()
    change()
    return time.process_time() - begun


def main() -> None:
    """Measure everything and print the table."""
    torch.set_num_threads(1)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("| images | batch | contender | µs an image | images a second | times PIL's chain |")
    print("|---|---|---|---|---|---|")
    for shape in SIZES:
        for batch_size in BATCHES:
            ways = contenders(shape, batch_size)
            times = {name: [_seconds(way) for _ in range(3)] for name, way in ways.items()}
            for _ in range(rounds):
                for name, way in ways.items():
                    times[name].append(_seconds(way))
            best = {name: min(values) / batch_size for name, values in times.items()}
            for name, seconds in best.items():
                ratio = best["PIL, a chain"] / seconds
                size = "x".join(map(str, shape))
                print(f"| {size} | {batch_size} | {name} | {1e6 * seconds:.1f} | {1 / seconds:,.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
