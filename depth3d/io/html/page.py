"""The page: our own markup, style and script, three.js, the facts and the model, all in one file."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, BinaryIO

_MODEL_BYTES_AT_ONCE = 3 << 18


def write_page(model: bytes, facts: Mapping[str, Any], file: BinaryIO) -> None:
    """Write a page that opens from disk and shows a model.

    The page's own policy forbids it any network. Texts are escaped; none can end its element early.

    Args:
        model: a GLB file in glTF's axes, the photo's camera at the origin.
        facts: what `to_facts` says about it.
        file: where the UTF-8 text goes.
    """
    before, after = _own("page.html").split("{{model}}")
    parts = _parts(facts)
    file.write(_filled(before, parts))
    for start in range(0, len(model), _MODEL_BYTES_AT_ONCE):  # a multiple of three, so that pieces join
        file.write(base64.b64encode(model[start : start + _MODEL_BYTES_AT_ONCE]))
    file.write(_filled(after, parts))


def to_iframe(page: str, *, title: str, height_px: int) -> str:
    """Markup that shows a whole page inside another one, sealed off from it.

    Args:
        page: the page's text.
        title: what it shows, for those who cannot see it.
        height_px: its height; it is as wide as there is room.
    """
    style = f"width:100%;height:{height_px}px;border:0;border-radius:10px"
    return (
        f'<iframe title="{html.escape(title)}" sandbox="allow-scripts" allow="fullscreen" style="{style}" '
        f'srcdoc="{html.escape(page)}"></iframe>'
    )


def _parts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": html.escape(facts["title"]),
        "style": _own("page.css"),
        "facts": json.dumps(facts, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "three": (files("depth3d") / "vendor" / "three" / "three.min.js").read_text(encoding="utf-8"),
        "script": _own("measuring.js") + _own("viewer.js"),
    }


def _filled(template: str, parts: Mapping[str, str]) -> bytes:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template).encode()


def _own(name: str) -> str:
    return (files("depth3d.io.html") / name).read_text(encoding="utf-8")
