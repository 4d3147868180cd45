"""Priors corrected, against Bayes' rule and the published formulae."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit, softmax

from lit_tricks.corrections.prior import example_weights, learned_prior, prior_offsets
from lit_tricks.objectives import BinaryCrossEntropy, CrossEntropy, LogitAdjusted

OLD, NEW = np.array([0.9, 0.08, 0.02]), np.array([0.2, 0.3, 0.5])


def test_softmax_offsets_are_bayes_rule_with_another_prior() -> None:
    likelihoods = np.random.default_rng(0).uniform(0.01, 1, (50, 3))
    posterior = likelihoods * OLD / (likelihoods * OLD).sum(1, keepdims=True)
    expected = likelihoods * NEW / (likelihoods * NEW).sum(1, keepdims=True)
    found = softmax(np.log(posterior) + prior_offsets(OLD, NEW, "softmax"), axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_uniform_target_is_menons_post_hoc_adjustment() -> None:
    z, tau = np.random.default_rng(1).normal(0, 3, (200, 3)), 1.7
    found = z + prior_offsets(OLD, np.full(3, 1 / 3), "softmax", tau)
    assert (found.argmax(1) == (z - tau * np.log(OLD)).argmax(1)).all()
    np.testing.assert_allclose(softmax(found, 1), softmax(z - tau * np.log(OLD), 1), rtol=1e-10)


def test_sigmoid_offsets_are_elkans_theorem() -> None:
    p = np.random.default_rng(2).uniform(0.01, 0.99, (50, 3))
    found = expit(logit(p) + prior_offsets(OLD, NEW, "sigmoid"))
    expected = NEW * (p - p * OLD) / (OLD - p * OLD + NEW * p - OLD * NEW)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("make", [CrossEntropy, BinaryCrossEntropy, LogitAdjusted])
@pytest.mark.parametrize("weights", ["none", "inverse", [1.0, 2.0, 5.0]])
def test_what_a_loss_teaches_is_the_prior_that_is_told(make, weights) -> None:
    # inputs say nothing, so that the minimum of the loss expresses the prior alone
    counts = (90, 8, 2)
    objective = make(3, class_weights=weights, class_counts=counts)
    targets = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    z = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([z], max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = objective.train()(z.expand(100, 3), targets)
        value.backward()
        return value

    optimizer.step(loss)
    shift = objective.log_prior_shift()
    told = learned_prior(np.array(counts), None if shift is None else shift.double().numpy())
    np.testing.assert_allclose(objective.probabilities(z.detach()[None])[0], told, atol=1e-4)


def test_weighted_examples_have_the_prior() -> None:
    labels = np.array([0] * 7 + [1] * 2 + [2])
    weights = example_weights(labels, NEW)
    np.testing.assert_allclose(np.bincount(labels, weights) / weights.sum(), NEW)
    assert weights.mean() == pytest.approx(1)
    without = example_weights(np.array([0, 0, 2]), NEW)
    np.testing.assert_allclose(np.bincount([0, 0, 2], without) / 3, [2 / 7, 0, 5 / 7])
