"""The search for a shortcut in what a run trained."""

import numpy as np
import torch
from torch import Tensor

from lit_tricks.build import Built
from lit_tricks.data.source import Examples
from lit_tricks.doctor import Intervention, exchange_windows
from lit_tricks.doctor.intervention import MOST_IMAGES
from lit_tricks.functional.seeding import derive_seed

# input values that are answered whatever the evaluation took, and in one batch
_LITTLE, _BATCH = 2**22, 2**19


def intervene(built: Built, seed: int) -> Intervention | None:
    """Exchange windows between validation images, at about half the cost of evaluating all splits.

    Where that is less than four million input values, such as 5,350 images of MNIST, it is four million; small
    networks and splits then take longer for it than for their evaluation. ``shortcuts=false`` switches it off.

    It is None for tables, for a data module of the user's own, and as ``exchange_windows`` says.
    """
    module, spec = built.module, built.module.spec
    examples = getattr(built.datamodule, "val", None)
    if spec.kind != "image" or len(spec.input_shape) != 3 or not isinstance(examples, Examples):
        return None
    drawn = np.random.default_rng(derive_seed(seed, "intervention")).permutation(len(examples))[:MOST_IMAGES]
    chosen = examples.take(drawn)
    budget = max((spec.n_train + spec.n_val + spec.n_test) // 2, _LITTLE // spec.num_features)

    @torch.inference_mode()
    def answer(images: Tensor) -> Tensor:
        parts = images.split(max(1, _BATCH // spec.num_features))
        return torch.cat([module(part.to(module.device)).argmax(1).cpu() for part in parts])

    was_training = module.training
    module.eval()
    try:
        return exchange_windows(answer, chosen.x.cpu(), chosen.y.cpu(), budget, seed)
    finally:
        module.train(was_training)
