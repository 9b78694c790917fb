"""The work that export, depth and parallax share: photos in, files out, one line for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.cli.chosen import to_options
from depth3d.cli.progress import step_progress
from depth3d.cli.terminal import is_verbose, result, say, step
from depth3d.cli.weights import download_progress
from depth3d.core.errors import UsageError

if TYPE_CHECKING:
    from depth3d.scenes.options import Options
    from depth3d.scenes.outputs import Kind, Target
    from depth3d.scenes.scene import Saved, Scene


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
    from depth3d.io.photos.video import is_video
    from depth3d.scenes.outputs import target_of
    from depth3d.scenes.photo import reconstruct

    options = to_options(chosen)
    videos, photos = [path for path in photos if is_video(path)], [path for path in photos if not is_video(path)]
    for video in videos:
        _write_video(video, outputs, options, kind, force=force)
    understood = partial(target_of, kind=kind)
    files_of_photo = targets(photos, outputs, understood, force=force, provenance=options.provenance)
    for count, (photo, files) in enumerate(zip(photos, files_of_photo, strict=True), 1):
        of_all = f" ({count} of {len(photos)})" if len(photos) > 1 else ""
        with step(f"{photo.name}{of_all}: seeing depth"), download_progress("midas_small") as progress:
            scene = reconstruct(photo, options, progress=progress)
        report(scene, photo, relative=kind == "relative")
        for target in files:
            with step(f"{target.path}{of_all}: making and writing"), _frame_progress(target.path.name) as frames:
                saved = scene.save_to(target, force=force, progress=frames)
            wrote(saved, photo, scene.unit)


def wrote(saved: Saved, photo: Path, unit: str) -> None:
    """Say what is in a file that was written."""
    facts = {"path": saved.path, "what": saved.what, "photo": photo, "unit": unit}
    result(f"{saved.path}: {saved.what}", facts)


def _write_video(path: Path, outputs: Sequence[Path], options: Options, kind: Kind | None, *, force: bool) -> None:
    from depth3d.io.photos.video import read_video
    from depth3d.scenes.video.pipeline import save_video

    named = [Path(str(output).replace("{name}", path.stem)) for output in outputs]
    with step_progress() as progress:
        saved = save_video(read_video(path), named, options, kind=kind, force=force, report=progress)
    for one in saved:
        result(f"{one.path}: {one.what}", {"path": one.path, "what": one.what, "video": path})


@contextmanager
def _frame_progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that draws a progress bar of frames, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with download_progress(label) as progress:
        yield progress


def report(scene: Scene, photo: Path, *, relative: bool = False) -> None:
    """Say on standard error how the scene's numbers were obtained."""
    lines = [f"depth: {scene.depth.source}"]
    if not relative:
        lines.insert(0, f"camera: {scene.camera.fov_x_deg:.1f} degrees wide, {scene.camera.source}")
        lines += [f"scale: {note}" for note in scene.notes]
        lines += _agreement(scene) if is_verbose() else []
    if is_verbose() and scene.inverse_depth is not None:
        lines += [f"{name}: {text}" for name, text in scene.inverse_depth.details]
    for line in lines:
        say(f"{photo.name}: {line}")


def _agreement(scene: Scene) -> list[str]:
    """The fit, and what each hint says beside what the fit gives there."""
    if scene.fit is None:
        return []
    unit = "m" if scene.unit == "m" else "units"
    residuals = [f"hint: {r.name}: said {r.said_m:.4g}, fitted {r.fitted_m:.4g} {unit}" for r in scene.fit.residuals]
    return [f"fit: {scene.in_short['scale']}", *residuals]


def targets(
    photos: Sequence[Path],
    outputs: Sequence[Path],
    target_of: Callable[[Path], Target],
    *,
    force: bool,
    provenance: bool,
) -> list[list[Target]]:
    """Each photo's output files, understood by `target_of` and checked before the work begins."""
    from depth3d.io.save import check_writable

    named = [[target_of(Path(str(output).replace("{name}", photo.stem))) for output in outputs] for photo in photos]
    seen: set[Path] = set()
    for target in (target for those in named for target in those):
        for file in target.files:
            if file in seen:
                raise UsageError(f"{file} would be written twice; with several photos put {{name}} into each -o")
            seen.add(file)
            check_writable(file, force=force)
        if provenance:
            check_writable(target.provenance, force=force)
    return named
