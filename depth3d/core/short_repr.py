"""How values show themselves: arrays by their shape and type, so that a value fits on a line."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

_LONGEST_TEXT = 60


def short_repr(value: Any) -> str:
    """A dataclass in one short line; a class takes it as its `__repr__`.

    Fields that hold their default are left out, an array is its shape and type, and a value within is its type's name.
    """
    shown = (f"{field.name}={_shown(getattr(value, field.name))}" for field in fields(value) if _differs(value, field))
    return f"{type(value).__name__}({', '.join(shown)})"


def _differs(value: Any, field: Any) -> bool:
    held = getattr(value, field.name)
    return isinstance(held, np.ndarray) or not (held is field.default or bool(held == field.default))


def _shown(held: object) -> str:
    if isinstance(held, np.ndarray):
        return f"{held.dtype}{list(held.shape)}"
    if is_dataclass(held) or callable(held):
        return f"<{getattr(held, '__name__', type(held).__name__)}>"
    text = repr(held)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 4]} ..."
