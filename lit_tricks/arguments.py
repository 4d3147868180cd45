"""Arguments of the console subcommands, which all read ``key=value``."""

import difflib
from collections.abc import Mapping, Sequence

from lit_tricks.errors import UserError

# The arguments that each command needs, and those it takes as well.
FORMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "evaluate": (("run",), ("split", "data_dir", "data_path", "allow_targets")),
    "predict": (("run", "input", "output"), ("allow_targets",)),
}


def take(
    arguments: Mapping[str, str], command: str, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, str]:
    """Return the arguments after checking that all required ones are there and none is unknown."""
    known = [*required, *optional]
    form = " ".join([f"{key}=…" for key in required] + [f"[{key}=…]" for key in optional])
    for key in arguments:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}=? " if near else ""
            raise UserError(f"{command} has no argument {key}; {hint}use: lit-tricks {command} {form}")
    missing = [key for key in required if not arguments.get(key)]
    if missing:
        raise UserError(f"{command} needs {missing[0]}=; received none: use lit-tricks {command} {form}")
    return dict(arguments)


def check_split(split: str) -> str:
    """Return ``split``; raises ``UserError`` unless it is ``train``, ``val`` or ``test``."""
    if split not in ("train", "val", "test"):
        raise UserError(f"split must be train, val or test; received {split}: try split=test")
    return split


def packages(text: str | None) -> tuple[str, ...]:
    """Return the package names in ``a,b`` or ``[a,b]``."""
    return tuple(name.strip() for name in (text or "").strip("[]").split(",") if name.strip())
