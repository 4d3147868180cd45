"""Functions of one variable, written as text, that torch can differentiate."""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lit_tricks.errors import UserError

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    name: getattr(torch, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "sigmoid", "abs")
}
CONSTANTS = {"pi": torch.pi, "e": torch.e}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LONGEST = 200


class Expression:
    """A function of ``x`` written as in Python, such as ``x**2 * cos(x) + sin(x)``, element by element.

    It may hold numbers, ``x``, ``pi``, ``e``, ``+ - * / **``, brackets and the functions in ``FUNCTIONS``. The text
    is read, never run: a configuration may come from a stranger.

    Raises ``UserError`` for anything else, and for more than 200 characters.
    """

    def __init__(self, text: str) -> None:
        try:
            tree = ast.parse(text, mode="eval") if len(text) <= LONGEST else None
        except (SyntaxError, ValueError):
            tree = None
        if tree is None:
            raise _refused(text, f"{len(text)} characters" if len(text) > LONGEST else "text that is no formula")
        self.text = text
        self._body = tree.body
        self(torch.zeros((), dtype=torch.float64))

    def __call__(self, x: Tensor) -> Tensor:
        """Return the values at ``x``, a floating tensor of any shape."""
        # a constant has a derivative too
        return self._value(self._body, x) + 0 * x

    @property
    def shown(self) -> str:
        """The text as mathematics writes it: ``x²·cos(x)`` for ``x**2 * cos(x)``."""
        raised = re.sub(r"\s*\*\*\s*(\d+)(?![\d.])", lambda match: match[1].translate(SUPERSCRIPTS), self.text)
        return re.sub(r"\s*\*\s*", "·", re.sub(r"\s*\*\*\s*", "^", raised))

    def _value(self, node: ast.AST, x: Tensor) -> Tensor:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return torch.as_tensor(float(number), dtype=x.dtype)
            case ast.Name(id="x"):
                return x
            case ast.Name(id=name) if name in CONSTANTS:
                return torch.as_tensor(CONSTANTS[name], dtype=x.dtype)
            case ast.BinOp(left, kind, right) if type(kind) in OPERATORS:
                return OPERATORS[type(kind)](self._value(left, x), self._value(right, x))
            case ast.UnaryOp(kind, operand) if type(kind) in OPERATORS:
                return OPERATORS[type(kind)](self._value(operand, x))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](self._value(argument, x))
        raise _refused(self.text, ast.unparse(node))


def _refused(text: str, found: str) -> UserError:
    return UserError(
        f"study's functions are made of x, numbers, + - * / ** and {', '.join(FUNCTIONS)}; received {found} "
        f"in '{text[:LONGEST]}': try 'x**2 * cos(x) + sin(x)'"
    )
