"""Calls of assistants' tools as they come over the wire; see `fuzzed_reader`."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from depth3d.core.errors import UsageError
from depth3d.scenes.options import Options

WIDTH, HEIGHT = 16, 12

_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def calls() -> dict[str, list[bytes]]:
    """One of each tool and of each kind of hint."""
    hints = [
        {"kind": "at", "u": 4, "v": 3, "metres": 2.4},
        {"kind": "size", "from": [1, 2], "to": [9, 8.5], "metres": 0.75},
        {"kind": "near", "metres": 0.8},
        {"kind": "far", "metres": 12},
        {"kind": "camera-height", "metres": 1.6},
    ]
    said = [
        ["measure", {"photo": "photo.png", "start": [4, 3], "end": [9, 8.5], "hints": hints[:1]}],
        ["measure", {"photo": "photo.png", "start": [4, 3], "hints": hints[1:3], "fov_x_deg": 60}],
        ["depth", {"photo": "photo.png", "pixels": [[4, 3], [9, 8.5]], "hints": hints[3:4]}],
        ["depth", {"photo": "photo.png", "pixels": [[1, 1]], "output": "a.npy", "overwrite": True}],
        ["reconstruct", {"photo": "photo.png", "outputs": ["a.ply", "b.png"], "hints": hints[4:], "fov_x_deg": 65.5}],
    ]
    return {".json": [json.dumps(call).encode() for call in said]}


def answer(path: Path) -> object:
    """The answer to a call; whatever is raised but for the one line that the assistant reads is raised here."""
    from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError

    try:
        name, arguments = json.loads(path.read_bytes())
        assert isinstance(name, str)
        assert isinstance(arguments, dict)
    except (ValueError, TypeError, AssertionError, RecursionError):
        raise UsageError("the protocol's package takes no such message") from None
    server, folder = _server()
    try:
        with ThreadPoolExecutor(1) as elsewhere:  # a browser of other tests may have its loop in this thread
            return elsewhere.submit(asyncio.run, server.call_tool(name, arguments)).result()
    except UnexpectedToolError as error:
        raise error.__cause__ or error from None
    except ToolError:
        raise UsageError("the assistant is told what is wrong") from None
    finally:
        _clear(folder)


@cache
def _server() -> tuple[Any, Path]:
    from depth3d.mcp import build_server

    _FOLDERS.append(tempfile.TemporaryDirectory())
    folder = Path(_FOLDERS[-1].name)
    rgb = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(folder / "photo.png")
    _FOLDERS.append(tempfile.TemporaryDirectory())
    depth = Path(_FOLDERS[-1].name) / "depth.npy"
    np.save(depth, np.linspace(0.2, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH))
    return build_server([folder], Options.of(depth_map=depth)), folder


def _clear(folder: Path) -> None:
    """Whatever a call has written goes; the photo stays."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "photo.png":
            path.unlink()
