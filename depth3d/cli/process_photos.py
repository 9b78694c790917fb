"""The work that export, depth and parallax share: photos in, files out, one line for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.cli.click_to_options import to_options, to_output_options
from depth3d.cli.progress import step_progress
from depth3d.cli.terminal import is_verbose, result, say, step
from depth3d.cli.weights import download_progress
from depth3d.core.errors import UsageError
from depth3d.scenes.options import VideoOptions

if TYPE_CHECKING:
    from depth3d.scenes.options import Options, OutputOptions
    from depth3d.scenes.outputs import Kind, Target
    from depth3d.scenes.save import Saved
    from depth3d.scenes.scene import Scene


def write_files(
    photos: Sequence[Path],
    outputs: Sequence[Path],
    *,
    kind: Kind | None,
    force: bool,
    same_view: bool,
    chosen: dict[str, Any],
) -> None:
    """Reconstruct each photo and write each of its files; what was assumed goes to standard error.

    Args:
        photos: photo files, and videos.
        outputs: files to write; {name} stands for the photo's name.
        kind: what goes in; None leaves it to each file's suffix.
        force: overwrite existing files.
        same_view: all photos were taken from one place with one camera, so that a pixel's hint holds in each.
        chosen: the other options as click collected them.
    """
    from depth3d.io.photos.video import is_video
    from depth3d.scenes.check_options import refuse_pixels_of_one_photo
    from depth3d.scenes.photo import reconstruct
    from depth3d.scenes.save import save_scene
    from depth3d.scenes.used_options import fields_for, only

    options, output_options = to_options(chosen), to_output_options(chosen)
    if not same_view:
        refuse_pixels_of_one_photo(options, len(photos))
    videos, photos = [path for path in photos if is_video(path)], [path for path in photos if not is_video(path)]
    files_of_photo = _checked_targets(photos, videos, outputs, kind, output_options, force=force)
    for video in videos:
        _write_video(video, outputs, options, output_options, kind, force=force)
    if videos:
        options = replace(options, video=VideoOptions())  # photos among them take no part in what is for videos
    for count, (photo, files) in enumerate(zip(photos, files_of_photo, strict=True), 1):
        of_all = f" ({count} of {len(photos)})" if len(photos) > 1 else ""
        with step(f"{photo.name}{of_all}: seeing depth"), download_progress("midas_small") as progress:
            scene = reconstruct(photo, options=options, progress=progress)
        report(scene, photo.name, relative=kind == "relative")
        for target in files:
            made = only(output_options, fields_for(target))
            with step(f"{target.path}{of_all}: making and writing"), _frame_progress(target.path.name) as frames:
                saved = save_scene(scene, target, options=made, force=force, progress=frames)
            print_saved(saved, photo)
    print_axes([target for files in files_of_photo for target in files], output_options.files.axes)


def _checked_targets(
    photos: Sequence[Path],
    videos: Sequence[Path],
    outputs: Sequence[Path],
    kind: Kind | None,
    output_options: OutputOptions,
    *,
    force: bool,
) -> list[list[Target]]:
    """The files of each photo; options and files that do not go together are refused before anything is computed."""
    from depth3d.scenes.check_options import check_focus, check_products
    from depth3d.scenes.outputs import target_of
    from depth3d.scenes.used_options import fields_for, refuse_unused
    from depth3d.scenes.video.save import video_fields

    taken = [video_fields(outputs, kind)] if videos else []
    understood = partial(target_of, kind=kind)
    if photos:
        taken += [fields_for(understood(path)) for path in outputs]
    refuse_unused(output_options, taken)
    provenance = output_options.files.provenance
    files_of_photo = targets(photos, outputs, understood, force=force, provenance=provenance)
    check_products(output_options, {target.kind for files in files_of_photo for target in files})
    for photo in photos:
        check_focus(output_options, photo)
    return files_of_photo


def print_axes(targets: Sequence[Target], axes: str | None) -> None:
    """Say once how PLY files lie, and what Blender must be told, which asks at each import."""
    from depth3d.io.geometry.axes import axes_in_words, blender_import

    ply = next((target for target in targets if target.path.suffix.lower() == ".ply" and target.form.axes), None)
    if ply is None:
        return
    chosen = axes or str(ply.form.axes)
    how = "mirrored there, choose --axes gltf" if chosen == "unity" else blender_import(chosen)
    say(f"{ply.path.name}: axes: {axes_in_words(chosen)} ({chosen}); in Blender's import: {how}")


def print_saved(saved: Saved, source: Path, *, of: str = "photo") -> None:
    """Say what is in a file that was written; `of` is what the source was, a photo or a video."""
    facts = {"path": saved.path, "what": saved.what, of: source, "unit": saved.unit}
    result(f"{saved.path}: {saved.what}", facts)


def _write_video(
    path: Path,
    outputs: Sequence[Path],
    options: Options,
    output_options: OutputOptions,
    kind: Kind | None,
    *,
    force: bool,
) -> None:
    from depth3d.io.photos.video import read_video
    from depth3d.scenes.used_options import only
    from depth3d.scenes.video.save import save_video, video_fields

    named = [Path(str(output).replace("{name}", path.stem)) for output in outputs]

    def shot_begins(scene: Scene, frame: int) -> None:
        report(scene, path.name if frame == 1 else f"{path.name} from frame {frame}", relative=kind == "relative")

    with step_progress() as progress:
        saved = save_video(
            read_video(path),
            named,
            options=options,
            output_options=only(output_options, video_fields(named, kind)),
            kind=kind,
            force=force,
            report=progress,
            shot_begins=shot_begins,
        )
    for one in saved:
        print_saved(one, path, of="video")


@contextmanager
def _frame_progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that draws a progress bar of frames, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with download_progress(label) as progress:
        yield progress


def report(scene: Scene, name: str, *, relative: bool = False) -> None:
    """Say on standard error how the numbers of a photo's scene, or of a shot's, were obtained."""
    lines = [f"depth: {scene.depth.source}"]
    if not relative:
        lines.insert(0, f"camera: {scene.camera.fov_x_deg:.1f} degrees wide, {scene.camera.source}")
        lines += [f"scale: {note}" for note in scene.notes]
        lines += _agreement(scene) if is_verbose() else []
    if is_verbose() and scene.inverse_depth is not None:
        lines += [f"{name}: {text}" for name, text in scene.inverse_depth.details]
    for line in lines:
        say(f"{name}: {line}")


def _agreement(scene: Scene) -> list[str]:
    """The fit, and what each hint says beside what the fit gives there."""
    if scene.fit is None:
        return []
    unit = "m" if scene.unit == "m" else "units"
    residuals = [
        f"hint: {r.name}: said {r.said_m:.4g}, fitted {r.fitted_m:.4g} {unit}" + ("" if r.is_used else ", left out")
        for r in scene.fit.residuals
    ]
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
