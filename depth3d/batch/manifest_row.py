"""One row of the manifest: everything there is to say about one photo of a batch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was written.

    Attributes:
        file: its path below the batch's folder.
        bytes: its size.
    """

    file: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Fit:
    """How relative depth became lengths: 1/z = a d + b.

    Attributes:
        a: scale.
        b: shift.
        unit: "m", or "arbitrary" where nothing gave one.
        hints: how many equations were believed.
    """

    a: float
    b: float
    unit: str
    hints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one photo.

    Attributes:
        photo: its path or URL.
        recipe: digits that tell the options of one batch from those of another.
        outputs: the files; none where it failed.
        width: of the photo in pixels; None where it failed.
        height: likewise.
        camera: where the intrinsics came from, in words.
        fov_x_deg: horizontal field of view in degrees.
        depth: which network or file saw the depth, in words.
        fit: how depth became lengths; None where it failed or the depth map was metric.
        points_units: units of the sparse points per metre, where they set one scale for the batch.
        notes: assumptions and warnings, sentences for the user.
        seconds: how long the photo took.
        error: why it failed, in one line; None where it did not.
        unreached: it failed because its store did not give it, so that the next run tries again unasked.
    """

    photo: str
    recipe: str
    outputs: tuple[Output, ...] = ()
    width: int | None = None
    height: int | None = None
    camera: str | None = None
    fov_x_deg: float | None = None
    depth: str | None = None
    fit: Fit | None = None
    points_units: float | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str | None = None
    unreached: bool = False

    def took(self, seconds: float) -> Self:
        """The same row with its time."""
        return replace(self, seconds=round(seconds, 3))

    def to_json(self) -> str:
        r"""One line of JSON without its end; bytes of a name that are no text are written as \udc80 to \udcff."""
        line = json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)
        return line.encode("utf-8", "backslashreplace").decode("utf-8")

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The row of a line.

        Raises:
            ValueError: the line is cut off or no row.
        """
        try:
            read: Any = json.loads(line)
            if not {"photo", "recipe", "outputs"} <= read.keys() <= _NAMES:
                raise ValueError("other fields than a row has")
            read["outputs"] = tuple(Output(str(one["file"]), int(one["bytes"])) for one in read["outputs"])
            read["fit"] = None if read.get("fit") is None else Fit(**read["fit"])
            read["notes"] = tuple(map(str, read.get("notes", ())))
            read |= {"photo": str(read["photo"]), "error": None if read.get("error") is None else str(read["error"])}
            return cls(**read)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
            raise ValueError("not a row of a manifest") from error


_NAMES = {field.name for field in fields(Row)}
