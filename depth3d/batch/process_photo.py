"""What is done with one photo: the same on every engine, so that they differ in nothing but where the work runs."""

from __future__ import annotations

import hashlib
import pickle
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from depth3d.batch.fetch import UnreachedError, check_still_there, local_photo
from depth3d.batch.manifest_row import Fit, Output, Row
from depth3d.batch.storage import Folder
from depth3d.batch.time_limit import DEFAULT_SECONDS
from depth3d.core.errors import (
    Depth3DError,
    Depth3DWarning,
    EngineError,
    OutputError,
    StoreError,
    WeightsError,
    is_out_of_memory,
)
from depth3d.io.open_input import shown
from depth3d.io.temporary import temporary_folder
from depth3d.scenes.check_options import check_focus
from depth3d.scenes.lazy_network import load_network
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.outputs import Kind, files_of, provenance_path, target_of
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.scene import Scene
from depth3d.scenes.used_options import fields_for, only

_NO_MEMORY = "not enough memory for a picture of this size"

ENDS_THE_BATCH = (OutputError, StoreError, WeightsError)
"""Errors that are no photo's own, and would come again with each: a full disk, a lost store, damaged weights."""


@dataclass(frozen=True, slots=True)
class Job:
    """One photo to do.

    Attributes:
        photo: its path or URL.
        name: its outputs' path below the batch's folder, without their endings.
    """

    photo: str
    name: str

    @property
    def stem(self) -> str:
        """The photo's name without its folder and ending."""
        return PurePosixPath(self.photo).stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to make of every photo; plain data.

    Attributes:
        output: the folder or URL that the files go to.
        endings: of each photo's files, such as ".ply" or "_depth.png"; what goes in is said by their suffix.
        kind: what goes in instead.
        options: how scenes are made.
        output_options: what is made of them.
        network: name of the network that every worker must use; None where any will do.
        digits: what tells this recipe from others, see `recipe_digits`.
        seconds_per_photo: how long each may take before it counts as failed, or None for however long.
        shared_units: units of the sparse points per metre that hold for the whole batch, or None.
    """

    output: str
    endings: tuple[str, ...]
    kind: Kind | None
    options: Options
    output_options: OutputOptions = OutputOptions()
    network: str | None = None
    digits: str = ""
    seconds_per_photo: float | None = DEFAULT_SECONDS
    shared_units: float | None = None

    def files_of(self, name: str) -> tuple[str, ...]:
        """Every file that a photo's outputs may consist of, below the folder.

        Raises:
            UsageError: an ending's suffix is unknown, or cannot hold such a value.
        """
        found: list[Path] = []
        for ending in self.endings:
            path = Path(name + ending)
            found += files_of(path, self.kind)
            found += [provenance_path(path)] if self.output_options.files.provenance else []
        return tuple(path.as_posix() for path in found)

    def fields(self, ending: str) -> frozenset[str]:
        """The fields of the output options that change files of an ending."""
        return fields_for(target_of(Path("photo" + ending), self.kind))

    def check_worker(self) -> None:
        """Load the network, so that each worker does so once, before its first photo.

        Raises:
            WeightsError: it cannot be loaded, or is not the one that the batch was begun with.
        """
        o = self.options.depth
        if o.depth_map is not None:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it prepares the network, as all workers do
            found = load_network(o).name
        if self.network not in (None, found):
            raise WeightsError(
                f"this worker would use {found}, but the batch was begun with {self.network}; "
                f"fetch the weights on every machine: depth3d weights fetch {self.network}"
            )

    def to_bytes(self) -> bytes:
        """What `from_bytes` makes a recipe of on another machine."""
        return pickle.dumps((self, recipe_digits(self)))

    @staticmethod
    def from_bytes(content: bytes) -> Recipe:
        """The recipe that another process packed.

        Raises:
            EngineError: another version of depth3d did so, and what it means is not what is understood here.
        """
        try:
            recipe, digits = pickle.loads(content)
            same = isinstance(recipe, Recipe) and recipe_digits(recipe) == digits
        except (AttributeError, ImportError, TypeError):
            same = False
        if not same:
            raise EngineError("depth3d is not of one version everywhere; install the same everywhere, then continue")
        assert isinstance(recipe, Recipe)
        return recipe

    def make(self, job: Job) -> Row:
        """Turn one photo into its files.

        Returns:
            Its row; whatever is wrong with the photo stands there.

        Raises:
            OutputError: the files cannot be written.
            StoreError: the place that the photo is in has gone.
            WeightsError: the network is not what it claims to be.
        """
        begun = time.perf_counter()
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("ignore")
                warnings.simplefilter("always", Depth3DWarning)
                row = self._made(job)
            row = replace(row, notes=(*row.notes, *(str(warning.message) for warning in told)))
        except ENDS_THE_BATCH:
            raise
        except UnreachedError as error:
            row = replace(self.failed(job, str(error)), unreached=True)
        except Depth3DError as error:
            check_still_there(job.photo)
            row = self.failed(job, str(error))
        except Exception as error:  # noqa: BLE001 - whatever one photo does must not end the others
            reason = f"{type(error).__name__}: {error}; this is a fault of depth3d, please report it"
            row = self.failed(job, _NO_MEMORY if is_out_of_memory(error) else reason)
        return row.took(time.perf_counter() - begun)

    def failed(self, job: Job, reason: str) -> Row:
        """The row of a photo that gave nothing."""
        return Row(photo=job.photo, recipe=self.digits, error=" ".join(reason.split()))

    def _made(self, job: Job) -> Row:
        with local_photo(job.photo) as photo:
            check_focus(self.output_options, photo)
            scene = reconstruct(photo, options=self.options.for_photo(job.stem))
        folder = Folder(self.output)
        with _place_to_write(folder, job.name) as path:
            for ending in self.endings:
                file = path.with_name(path.name + ending)
                scene.save(file, kind=self.kind, options=only(self.output_options, self.fields(ending)), force=True)
            written = [path.with_name(Path(file).name) for file in self.files_of(job.name)]
            sizes = {file: file.stat().st_size for file in written if file.exists()}
            below = Path(job.name).parent
            outputs = tuple(Output((below / file.name).as_posix(), size) for file, size in sizes.items())
            folder.keep({output.file: file for output, file in zip(outputs, sizes, strict=True)})
        return self._row(job, scene, outputs)

    def _row(self, job: Job, scene: Scene, outputs: tuple[Output, ...]) -> Row:
        fit = scene.fit
        return Row(
            photo=job.photo,
            recipe=self.digits,
            outputs=outputs,
            width=scene.depth.size[0],
            height=scene.depth.size[1],
            camera=scene.camera.source,
            fov_x_deg=round(scene.camera.fov_x_deg, 3),
            depth=scene.depth.source,
            fit=None if fit is None else Fit(fit.a, fit.b, fit.unit, len(fit.residuals)),
            points_units=self.shared_units,
            notes=scene.notes,
        )


def recipe_digits(recipe: Recipe) -> str:
    """Eight digits that change with whatever changes the files; the number of threads does not."""
    options = recipe.options.changed(threads=None)
    text = repr((options, recipe.output_options, recipe.endings, recipe.kind, recipe.network))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@contextmanager
def _place_to_write(folder: Folder, name: str) -> Iterator[Path]:
    """Where a photo's files are written: their own place on this machine, else one from which they are sent."""
    with ExitStack() as stack:
        root = folder.path or stack.enter_context(temporary_folder())
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {shown(path.parent)}: {error.strerror or error}") from error
        yield path
