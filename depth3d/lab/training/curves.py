"""Curves of a training's log as a PNG."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import OutputError
from depth3d.io.atomic import atomic_write

_PANEL = (640, 220)
_MARGIN = 46


def draw_curves(log: Path, picture: Path) -> None:
    """Draw every column of `log` (JSON lines with "step") as one panel of `picture`.

    Lines that a kill cut off do not count.

    Raises:
        OutputError: the log cannot be read any more, or the picture cannot be written.
    """
    import cv2

    try:
        lines = _rows(log.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise OutputError(f"cannot read {log}: {error.strerror or error}") from error
    names = [k for k in (lines[-1] if lines else {}) if k not in ("step", "seconds")]
    if not names:
        return
    panels = [_panel(name, [(line["step"], line[name]) for line in lines if name in line]) for name in names]
    is_encoded, png = cv2.imencode(".png", np.vstack(panels))
    if not is_encoded:
        raise OutputError(f"{picture}: cannot write the curves")
    with atomic_write(picture, force=True) as file:
        file.write(png.tobytes())


def _rows(text: str) -> list[dict[str, float]]:
    """The lines of a log that are whole."""
    rows = []
    for line in text.splitlines():
        with suppress(ValueError):
            rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict) and "step" in row]


def _panel(name: str, points: list[tuple[float, float]]) -> NDArray[np.uint8]:
    import cv2

    width, height = _PANEL
    panel = np.full((height, width, 3), 255, np.uint8)
    xs, ys = np.array(points, np.float64).T
    low, high = float(ys.min()), float(ys.max())
    spread = (high - low) or 1.0
    u = _MARGIN + (xs / max(xs.max(), 1)) * (width - 2 * _MARGIN)
    v = height - _MARGIN - (ys - low) / spread * (height - 2 * _MARGIN)
    cv2.rectangle(panel, (_MARGIN, _MARGIN), (width - _MARGIN, height - _MARGIN), (210, 210, 210), 1)
    cv2.polylines(panel, [np.stack([u, v], 1).astype(np.int32)], False, (160, 60, 20), 2, cv2.LINE_AA)
    for text, place in (
        (f"{name}: last {ys[-1]:.4f}, best {low:.4f}, highest {high:.4f}", (_MARGIN, 28)),
        (f"step {int(xs[-1])}", (width - _MARGIN - 110, height - 16)),
    ):
        cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return panel
