"""Training labels that no longer belong to their inputs."""

from dataclasses import replace

import numpy as np
import torch

from lit_tricks.data.source import Examples


def with_shuffled_labels(examples: Examples, share: float, seed: int) -> Examples:
    """Return the examples, a ``share`` in [0, 1] of which, drawn at random, exchanged their labels at random.

    The classes keep their sizes. With share 1 no label says anything about its input, as in Zhang et al. 2017,
    "Understanding deep learning requires rethinking generalization" (who draw labels instead of exchanging them).
    """
    if not share:
        return examples
    generator = np.random.default_rng(seed)
    chosen = torch.from_numpy(generator.permutation(len(examples))[: round(share * len(examples))])
    givers = chosen[torch.from_numpy(generator.permutation(len(chosen)))]
    rows, sources = (each if examples.rows is None else examples.rows[each] for each in (chosen, givers))
    labels = examples.labels.clone()
    labels[rows] = examples.labels[sources]
    return replace(examples, labels=labels)
