import math

import pytest
import torch

from lit_tricks.errors import UserError
from lit_tricks.studies.expression import Expression

POINTS = [-2.3, -0.5, 0.0, 0.7, 1.9]
FORMULAS = [
    ("cos(x)", math.cos, "cos(x)"),
    ("x**2 * cos(x) + sin(x)", lambda x: x**2 * math.cos(x) + math.sin(x), "x²·cos(x) + sin(x)"),
    ("-x**3 / (1 + abs(x))", lambda x: -(x**3) / (1 + abs(x)), "-x³ / (1 + abs(x))"),
    ("2**x - pi*e", lambda x: 2**x - math.pi * math.e, "2^x - pi·e"),
    ("sigmoid(+x) * tanh(x)", lambda x: math.tanh(x) / (1 + math.exp(-x)), "sigmoid(+x)·tanh(x)"),
    ("exp(x) + x**-2.5*0", lambda x: math.exp(x) + 0 * abs(x), "exp(x) + x^-2.5·0"),
    ("7", lambda x: 7.0, "7"),
]


@pytest.mark.parametrize(("text", "formula", "shown"), FORMULAS[:-2] + FORMULAS[-1:])
def test_an_expression_computes_its_formula_and_shows_it(text, formula, shown) -> None:
    expression = Expression(text)
    x = torch.tensor(POINTS, dtype=torch.float64)
    torch.testing.assert_close(expression(x), torch.tensor([formula(p) for p in POINTS], dtype=torch.float64))
    assert expression.shown == shown


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("x**2 * cos(x) + sin(x)", lambda x: 2 * x * math.cos(x) - x**2 * math.sin(x) + math.cos(x)),
        ("3", lambda x: 0.0),
    ],
)
def test_torch_differentiates_it(text, slope) -> None:
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(Expression(text)(x).sum(), x)
    torch.testing.assert_close(slopes, torch.tensor([slope(p) for p in POINTS], dtype=torch.float64))


def test_a_power_tower_ends_at_infinity_instead_of_never() -> None:
    assert Expression("9**9**9")(torch.zeros(())).isinf()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("__import__('os')", r"__import__\('os'\)"),
        ("x.numpy()", r"x\.numpy\(\)"),
        ("(lambda: x)()", "lambda"),
        ("[x for x in x]", r"\[x for x in x\]"),
        ("sin", "sin"),
        ("sin(x, 2)", r"sin\(x, 2\)"),
        ("y", "y"),
        ("x ^ 2", r"x \^ 2"),
        ("x if x else x", "x if x else x"),
        ("True", "True"),
        ("'x'", "'x'"),
        ("2 x", "text that is no formula"),
        ("", "text that is no formula"),
        ("x" + "+x" * 100, "201 characters"),
    ],
)
def test_anything_else_is_refused_and_not_run(text: str, found: str) -> None:
    with pytest.raises(UserError, match=rf"are made of x, numbers.*received .*{found}"):
        Expression(text)
