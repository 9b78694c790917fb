"""What the runtimes raise, as one error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from depth3d.core.errors import Depth3DError, WeightsError


class RuntimeFailedError(WeightsError):
    """A network cannot be run, converted or stored as a runtime wants it."""


@contextmanager
def runtime_failures(name: str) -> Iterator[None]:
    """Turn what a runtime's library raises into one line."""
    try:
        yield
    except (MemoryError, Depth3DError):
        raise
    except Exception as error:  # noqa: BLE001 - onnxruntime's have no other base in common
        text = str(error).strip()
        reason = text.splitlines()[-1].strip()[:200] if text else type(error).__name__
        raise RuntimeFailedError(f"{name} fails: {reason}") from error
