"""What a visitor can take along: a row for each button of the page."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from depth3d.scenes.options import OutputOptions
from depth3d.scenes.outputs import Kind, Target, target_of
from depth3d.scenes.save import Progress, Saved, save_scene
from depth3d.scenes.scene import Scene
from depth3d.scenes.used_options import fields_for, only

_BEGIN_OF_TIME = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive, so that the same files make the same bytes."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that can be made.

    Attributes:
        words: on its button.
        ending: of its name, after the photo's.
        kind: what goes in; None leaves it to the suffix.
        options: fields of the output options that differ from their defaults.
    """

    words: str
    ending: str
    kind: Kind | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in the page's code."""
        return self.ending.strip("._").replace("_", "-").replace(".", "-")

    def make(
        self, scene: Scene, path: Path, progress: Progress | None, **chosen: Any
    ) -> tuple[Saved, tuple[Path, ...]]:
        """Write it, as the command line would; several files that belong together go into one archive.

        Args:
            scene: what it is made of.
            path: the file; of an archive the largest file in it.
            progress: called for each frame of a moving picture.
            chosen: fields of the output options, which count where such a file takes them.

        Returns:
            What was written, described as on the button, and files beside it.

        Raises:
            Depth3DError: there is nothing to write, or it cannot be written.
        """
        target = target_of(path, self.kind)
        saved = save_with(scene, target, progress, **chosen, **self.options)
        if len(target.files) == 1:
            return replace(saved, what=self.words), (target.provenance,)
        archive = path.with_name(f"{path.stem}_{path.suffix[1:]}.zip")
        return replace(saved, path=_packed(archive, (*target.files, target.provenance)), what=self.words), ()


DOWNLOADS = (
    Download("Model (GLB)", ".glb"),
    Download("Model of only what is seen (GLB)", "_seen.glb", options={"layers": False}),
    Download("Model for 3D programs (OBJ)", ".obj"),
    Download("Model for iPhone and iPad (USDZ)", ".usdz"),
    Download("Page for a friend (HTML)", ".html"),
    Download("Relief to print (STL)", ".stl"),
    Download("Points (PLY)", ".ply"),
    Download("Moving picture (GIF)", ".gif"),
    Download("Moving picture (MP4)", ".mp4"),
    Download("For red and cyan glasses (JPEG)", "_anaglyph.jpg", "stereo"),
    Download("For headsets, side by side (JPEG)", "_sbs.jpg", "stereo", {"layout": "side-by-side"}),
    Download("Blurred background (JPEG)", "_blurred.jpg", "bokeh"),
    Download("Depth, 16 bits (PNG)", ".png"),
    Download("Depth with its error (NPZ)", ".npz"),
)


def save_with(scene: Scene, target: Target, progress: Progress | None, **chosen: Any) -> Saved:
    """Write one file with those of the chosen fields of the output options that it takes."""
    options = only(OutputOptions.of(**chosen), fields_for(target))
    return save_scene(scene, target, options=options, force=True, progress=progress)


def _packed(archive: Path, files: Sequence[Path]) -> Path:
    with zipfile.ZipFile(archive, "w") as packed:
        for file in files:
            packed.writestr(zipfile.ZipInfo(file.name, _BEGIN_OF_TIME), file.read_bytes())
            file.unlink()
    return archive
