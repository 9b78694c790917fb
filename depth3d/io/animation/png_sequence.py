"""Animations as numbered PNG files, for programs that edit films."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from depth3d.core.errors import OutputError
from depth3d.core.images import Animation
from depth3d.io.animation.animation import checked_frames
from depth3d.io.atomic import check_writable
from depth3d.io.images.codec import encode_png
from depth3d.io.open_input import shown
from depth3d.io.registry import first_frame, numbered
from depth3d.io.stale_files import hold, new_part_name, sweep


def write_sequence(animation: Animation, path: Path, *, notes: Mapping[str, str], force: bool = False) -> Path:
    """Write the frames as they are drawn; they get their names together, once all are there.

    Args:
        animation: the frames.
        path: a folder, or a pattern such as frames/%04d.png; numbers begin with 1.
        notes: texts named depth3d:<name> in each file.
        force: replace existing files.

    Returns:
        The folder.

    Raises:
        UsageError: see `first_frame`.
        OutputError: a file exists and `force` is not given, or it cannot be written; or see `checked_frames`.
    """
    folder = first_frame(path).parent
    check_writable(folder / "any" if folder.is_dir() else folder)
    targets = [numbered(path, number) for number in range(1, animation.count + 1)]
    for target in targets:
        if target.exists():
            check_writable(target, force)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        waiting = new_part_name(folder)
        waiting.mkdir()
        held = _held(waiting)
        try:
            texts = {f"depth3d:{name}": text for name, text in notes.items()}
            for target, rgb in zip(targets, checked_frames(animation), strict=True):
                (waiting / target.name).write_bytes(encode_png(rgb, texts=texts))
            for target in targets:
                (waiting / target.name).replace(target)
        finally:
            shutil.rmtree(waiting, ignore_errors=True)
            if held is not None:
                os.close(held)
    except OSError as error:
        raise OutputError(f"cannot write {shown(path)}: {error.strerror or error}") from error
    return folder


def _held(folder: Path) -> int | None:
    """The temporary folder, held against being swept; see `depth3d.io.stale_files`."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return None
    try:
        return hold(descriptor)
    finally:
        os.close(descriptor)
