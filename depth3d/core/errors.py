"""The errors a user may meet: one line that says what was wrong, the value, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Depth3DError(Exception):
    """Base of every error depth3d raises on purpose; its message is shown as one line, see `in_words`.

    Any other exception that reaches the command line is a bug in depth3d. Characters that cannot be shown, as names in
    damaged files hold, are written as their codes.

    Attributes:
        what: what was wrong.
        value: what was given, as text, or None where `what` says it.
        remedy: what to do, or empty where `what` says it.
    """

    exit_code = 1

    def __init__(self, what: str = "", *, value: object = None, remedy: str = "") -> None:
        self.what, self.value, self.remedy = what, None if value is None else str(value), remedy
        super().__init__(in_words(what, self.value, remedy))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.what, self.value, self.remedy)  # it travels between processes


def in_words(what: str, value: str | None, remedy: str) -> str:
    """The one line that shows an error.

    >>> in_words("fps must be positive", "-1", "leave it out for 24")
    'fps must be positive, got -1; leave it out for 24'
    """
    got = "" if value is None else f", got {value}"
    line = f"{what}{got}{'; ' if remedy else ''}{remedy}"
    return "".join(c if c.isprintable() else " " if c.isspace() else ascii(c)[1:-1] for c in line)


def _rebuilt(kind: type[Depth3DError], what: str, value: str | None, remedy: str) -> Depth3DError:
    return kind(what, value=value, remedy=remedy)


class Depth3DWarning(UserWarning):
    """Base of every warning depth3d gives: the work goes on, but the user should know."""


class Depth3DNotice(Depth3DWarning):
    """Nothing is wrong, but something takes longer than usual, and why."""


class UsageError(Depth3DError):
    """An option or argument cannot be meant as it was given."""

    exit_code = 2


class PhotoError(Depth3DError):
    """A file cannot be read as a photo."""


class DepthMapError(Depth3DError):
    """A file cannot be read as a depth map, or does not fit its photo."""


class CameraError(Depth3DError):
    """Camera intrinsics cannot be read, or do not fit the image."""


class ColmapError(Depth3DError):
    """A COLMAP model cannot be read."""


class HintError(Depth3DError):
    """A hint about distance cannot be used, or contradicts the others."""


class WeightsError(Depth3DError):
    """A network's weights are missing, damaged, or not what they claim to be."""


class GeometryError(Depth3DError):
    """There is nothing to build geometry from."""


class OutputError(Depth3DError):
    """A file cannot be written."""


class StoreError(Depth3DError):
    """The place that photos come from does not answer, or has gone."""


class EngineError(Depth3DError):
    """The machines that a batch is done on cannot do it."""


class ViewerError(Depth3DError):
    """A window cannot be opened, or a file cannot be shown in it."""


class MissingExtraError(Depth3DError):
    """An optional dependency is not installed.

    Args:
        purpose: what the user wanted, such as ``"the Open3D window"``.
        package: the distribution that is missing, such as ``"open3d"``.
        extra: the extra of depth3d that brings it, such as ``"view"``.
    """

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(f"for {purpose} the package {package} is needed: pip install 'depth3d[{extra}]'")
        self._parts = purpose, package, extra

    def __reduce__(self) -> tuple[Any, ...]:
        return MissingExtraError, self._parts  # it travels between processes


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was not enough memory, in the words of Python and numpy, OpenCV, or torch."""
    if isinstance(error, MemoryError):
        return True
    of_opencv = type(error).__module__ == "cv2" and getattr(error, "code", None) == _OPENCV_NO_MEMORY
    return of_opencv or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))


_OPENCV_NO_MEMORY = -4
"""cv2.Error.StsNoMem."""


def nearest(word: str, known: Iterable[str]) -> str:
    """What ends a message about an unknown word: the known one it resembles most; nothing where it resembles none.

    >>> nearest(".gbl", [".glb", ".ply"])
    '; did you mean .glb?'
    """
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""
