"""The work that export, depth and parallax share: photos in, files out, one line for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.options import to_options
from depth3d.cli.progress import step_progress
from depth3d.cli.weights import download_progress
from depth3d.errors import UsageError

if TYPE_CHECKING:
    from depth3d.options import Options
    from depth3d.scene import Kind, Scene


def write_files(
    photos: Sequence[Path], outputs: Sequence[Path], *, kind: Kind | None, force: bool, chosen: dict[str, Any]
) -> None:
    """Reconstruct each photo and write each of its files; what was assumed goes to standard error.

    Args:
        photos: photo files, and videos.
        outputs: files to write; {name} stands for the photo's name.
        kind: what goes in; None leaves it to each file's suffix.
        force: overwrite existing files.
        chosen: the other options as click collected them.
    """
    from depth3d.pipeline import reconstruct
    from depth3d.scene import files_of
    from depth3d.video import is_video

    options = to_options(chosen)
    videos, photos = [path for path in photos if is_video(path)], [path for path in photos if not is_video(path)]
    for video in videos:
        _write_video(video, outputs, options, kind, force=force)
    files_of_photo = targets(photos, outputs, partial(files_of, kind=kind), force=force, provenance=options.provenance)
    for photo, files in zip(photos, files_of_photo, strict=True):
        with download_progress("midas_small") as progress:
            scene = reconstruct(photo, options, progress=progress)
        report(scene, photo, relative=kind == "relative")
        for path in files:
            saved = scene.save(path, kind=kind, force=force)
            click.echo(f"{saved.path}: {saved.what}")


def _write_video(path: Path, outputs: Sequence[Path], options: Options, kind: Kind | None, *, force: bool) -> None:
    from depth3d.clip import save_video
    from depth3d.video import read_video

    if kind == "parallax":
        raise UsageError(f"{path.name}: parallax moves a photo; the depth of a video is for depth3d depth and export")
    named = [Path(str(output).replace("{name}", path.stem)) for output in outputs]
    with step_progress() as progress:
        saved = save_video(read_video(path), named, options, kind=kind, force=force, report=progress)
    for one in saved:
        click.echo(f"{one.path}: {one.what}")


def report(scene: Scene, photo: Path, *, relative: bool = False) -> None:
    """Say on standard error how the scene's numbers were obtained."""
    lines = [f"depth: {scene.depth.source}"]
    if not relative:
        lines.insert(0, f"camera: {scene.camera.fov_x_deg:.1f} degrees wide, {scene.camera.source}")
        lines += [f"scale: {note}" for note in scene.notes]
    for line in lines:
        click.echo(f"{photo.name}: {line}", err=True)


def targets(
    photos: Sequence[Path],
    outputs: Sequence[Path],
    files_of: Callable[[Path], tuple[Path, ...]],
    *,
    force: bool,
    provenance: bool,
) -> list[list[Path]]:
    """Each photo's output files, checked before the work begins; `files_of` tells what a path stands for."""
    from depth3d.formats import check_writable
    from depth3d.scene import provenance_path

    named = [[Path(str(output).replace("{name}", photo.stem)) for output in outputs] for photo in photos]
    seen: set[Path] = set()
    for path in (path for paths in named for path in paths):
        for one in files_of(path):
            if one in seen:
                raise UsageError(f"{one} would be written twice; with several photos put {{name}} into each -o")
            seen.add(one)
            check_writable(one, force=force)
        if provenance:
            check_writable(provenance_path(path), force=force)
    return named
