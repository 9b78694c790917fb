"""What `depth3d fuse` does with one capture, and with each of many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.cli.progress import step_progress
from depth3d.cli.terminal import result, say
from depth3d.core.errors import GeometryError, OutputError, UsageError
from depth3d.core.extras import check_installed

if TYPE_CHECKING:
    from depth3d.batch.fuse_captures import CaptureRow
    from depth3d.io.captures import Capture
    from depth3d.scenes.multiview import Aligned, FusedScene, KnownLength
    from depth3d.scenes.multiview.depth_outputs import DepthLayout
    from depth3d.scenes.multiview.outputs import FusedKind
    from depth3d.scenes.multiview.progress import Report
    from depth3d.scenes.options import Options

LOG_NAME = "fuse.log"
"""What was said of a place that was made in another process."""

_FIRST_FILES = {
    "depths": ("depth_params.json",),
    "colmap": tuple(f"sparse/0/{name}.txt" for name in ("cameras", "images", "points3D")),
    "cache": ("places.json",),
    "keep_model": ("cameras.bin",),
}


@dataclass(frozen=True, kw_only=True)
class FuseTask:
    """What is made of a capture, whichever it is."""

    kind: FusedKind | None
    force: bool
    lengths: list[KnownLength]
    model_units: float | None
    detail_px: int
    depths_as: DepthLayout
    fusing: dict[str, Any]
    options: Options

    def run(
        self, sources: tuple[Path, ...], outputs: tuple[Path, ...], folders: Mapping[str, Path | None]
    ) -> CaptureRow:
        """Find places, bring photos to one scale, fuse them, write; and what became of it."""
        from depth3d.batch.fuse_captures import CaptureRow
        from depth3d.scenes.multiview import align_views

        depths, colmap, cache, keep_model = (folders[name] for name in ("depths", "colmap", "cache", "keep_model"))
        _check_finding(sources, force=self.force, cache=cache, keep_model=keep_model)
        capture = _capture(sources, cache or _usual_cache((*outputs, depths, colmap)), self.options)
        say(capture.source, who="poses")
        if keep_model is not None:
            _keep_model(capture, keep_model)
        settings: dict[str, Any] = {"units_per_metre": self.model_units, "detail_px": self.detail_px}
        with (
            step_progress() as report,
            align_views(capture, self.options, lengths=self.lengths, report=report, **settings) as aligned,
        ):
            report("", 0, 0)
            _say(aligned)
            if depths is not None:
                _save_depths(aligned, depths, self.depths_as, force=self.force)
            notes = tuple(aligned.notes)
            if outputs or colmap is not None:
                scene = _fused(aligned, self.fusing, report)
                notes = scene.notes
                _save(scene, outputs, self.kind, axes=self.fusing["axes"], force=self.force)
                if colmap is not None:
                    _save_colmap(aligned, scene, colmap, force=self.force)
            return CaptureRow(
                place="",
                source="",
                files=tuple(path.name for path in outputs),
                photos=len(aligned.photos),
                left_out=tuple(aligned.left_out),
                unit=aligned.unit.words,
                notes=notes,
            )


def fuse_each(
    task: FuseTask,
    sources: tuple[Path, ...],
    outputs: tuple[Path, ...],
    folder: Path,
    others: Mapping[str, Path | None],
    *,
    engine: str = "local",
    workers: int | None = None,
) -> None:
    """Each source into a folder of its own."""
    from depth3d.batch.captures_at_once import AtOnce, in_processes, on_ray, one_after_another
    from depth3d.batch.fuse_captures import ROWS_NAME, fuse_captures

    _check_each(task, outputs, others)
    text = repr((task.options, task.fusing, task.kind, task.detail_px, [str(path) for path in outputs]))
    if engine == "ray":
        from depth3d.batch.cluster import with_whole_paths

        task = replace(task, options=with_whole_paths(task.options))
    make = partial(_make_place, replace(task, force=True), outputs, dict(others))
    at_once: AtOnce = one_after_another
    if engine == "ray" or (workers or 1) > 1:
        make = partial(_make_place_elsewhere, make)
        at_once = on_ray(workers) if engine == "ray" else in_processes(workers or 1)

    def told(row: CaptureRow) -> None:
        what = f"{row.photos} photos, {', '.join(row.files)}" if row.error is None else f"nothing: {row.error}"
        result(f"{folder / row.place}: {what}", {"path": folder / row.place, "what": what})

    recipe = hashlib.sha256(text.encode()).hexdigest()[:8]
    rows = fuse_captures(sources, folder, make, recipe=recipe, force=task.force, at_once=at_once, told=told)
    if all(row.error is not None for row in rows):
        raise GeometryError(f"none of {len(rows)} places could be made; {folder / ROWS_NAME} says why")


def _check_each(task: FuseTask, outputs: tuple[Path, ...], others: Mapping[str, Path | None]) -> None:
    """Refuse what belongs to one place only."""
    for option, chosen in {**others, "known": task.lengths or None, "model_units": task.model_units}.items():
        if chosen is not None:
            raise UsageError(
                f"--{option.replace('_', '-')} is of one place, and --each makes many; do that place alone"
            )
    if any(path.name != str(path) for path in outputs):
        raise UsageError("with --each, -o names the files in each place's folder: -o room.glb, without a folder")
    check_outputs(outputs, task.kind, others, force=True)


def _make_place(
    task: FuseTask, outputs: tuple[Path, ...], others: dict[str, Path | None], source: Path, target: Path
) -> CaptureRow:
    say(str(source), who="place")
    files = tuple(target / path for path in outputs)
    return task.run((source,), files, {**others, "cache": None})


def _make_place_elsewhere(make: Callable[[Path, Path], CaptureRow], source: Path, target: Path) -> CaptureRow:
    """In another process, whose words go into a file beside the place: those of several would mix."""
    with (target / LOG_NAME).open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        return make(source, target)


def _check_finding(sources: tuple[Path, ...], *, force: bool, cache: Path | None, keep_model: Path | None) -> None:
    from depth3d.io.captures import holds_poses

    if holds_poses(sources[0]) and (cache is not None or keep_model is not None):
        option = "--cache" if keep_model is None else "--keep-model"
        raise UsageError(f"{option} is for photos whose places are to be found; {sources[0]} has them already")
    if keep_model is not None and keep_model.exists() and any(keep_model.iterdir()) and not force:
        raise OutputError(f"{keep_model}: the folder is not empty; choose another, or add --force")


def _capture(sources: tuple[Path, ...], cache: Path, options: Options) -> Capture:
    from depth3d.io.captures import holds_poses, read_capture
    from depth3d.scenes.multiview import find_poses

    if holds_poses(sources[0]):
        return read_capture(sources[0], sources[1:])
    with step_progress() as report:
        capture = find_poses(sources, cache, options, report=report)
    say(f"kept in {cache}, so that another run continues there", who="places")
    return capture


def _usual_cache(targets: tuple[Path | None, ...]) -> Path:
    first = next(target for target in targets if target is not None)
    return first.with_name(f"{first.stem}.cache")


def _keep_model(capture: Capture, folder: Path) -> None:
    import shutil

    assert capture.model is not None
    shutil.copytree(capture.model, folder, dirs_exist_ok=True)
    count = f"COLMAP model of {len(capture.photos)} photos"
    result(f"{folder}: {count}", {"path": folder, "what": count})


def check_outputs(
    outputs: tuple[Path, ...], kind: FusedKind | None, folders: Mapping[str, Path | None], *, force: bool
) -> None:
    """Refuse before the photos are looked at what could not be written at the end."""
    from depth3d.io.save import check_writable
    from depth3d.scenes.multiview.outputs import fused_files_of

    if outputs or folders["colmap"] is not None:
        check_installed("fusing photos", "view", "open3d")
    for option, folder in folders.items():
        for name in _FIRST_FILES[option]:
            if folder is not None:
                check_writable(folder / name, force=force or option != "colmap")
    for path in outputs:
        for file in fused_files_of(path, kind):
            check_writable(file, force=force)


def _say(aligned: Aligned) -> None:
    """What was found out about the photos, on standard error."""
    from depth3d.io.cameras.entries import listed

    total = len(aligned.photos) + len(aligned.left_out)
    say(f"{len(aligned.photos)} of {total} on one scale", who="photos")
    for why in dict.fromkeys(why for _, why in aligned.left_out):
        say(f"left out: {why}", who=listed([name for name, same in aligned.left_out if same == why]))
    for note in aligned.notes:
        say(note, who="photos")
    say(aligned.unit.words, who="unit")


def _save_depths(aligned: Aligned, folder: Path, layout: DepthLayout, *, force: bool) -> None:
    from depth3d.scenes.multiview import save_depths

    count = save_depths(aligned, folder, layout=layout, force=force)
    result(f"{folder}: {count} depth maps for {layout}", {"path": folder, "what": f"{count} depth maps for {layout}"})


def _save_colmap(aligned: Aligned, scene: FusedScene, folder: Path, *, force: bool) -> None:
    from depth3d.scenes.multiview import save_colmap_project

    what = f"COLMAP project of {save_colmap_project(aligned, scene, folder, force=force)} photos"
    result(f"{folder}: {what}", {"path": folder, "what": what})


def _fused(aligned: Aligned, fusing: dict[str, Any], report: Report) -> FusedScene:
    from depth3d.scenes.multiview import fuse_aligned

    return fuse_aligned(
        aligned,
        voxel_m=fusing["voxel"] and fusing["voxel"].metres,
        farthest_m=fusing["farthest"] and fusing["farthest"].metres,
        least_photos=fusing["least_photos"],
        memory_gb=fusing["memory_gb"],
        textured=not fusing["vertex_colours"],
        report=report,
    )


def _save(
    scene: FusedScene, outputs: tuple[Path, ...], kind: FusedKind | None, *, axes: str | None, force: bool
) -> None:
    for path in outputs:
        saved = scene.save(path, kind=kind, axes=axes, force=force)
        result(f"{saved.path}: {saved.what}", {"path": saved.path, "what": saved.what, "unit": scene.unit})
