"""Which output options each kind of file takes, so that none is given where it would do nothing."""

from __future__ import annotations

from collections.abc import Iterable

from depth3d.core.errors import UsageError
from depth3d.scenes.options import OutputOptions
from depth3d.scenes.outputs import Target

_GROUPS: dict[str, tuple[str, ...]] = {
    "cloud": ("geometry", "cloud"),
    "mesh": ("geometry", "mesh"),
    "plate": ("plate",),
    "parallax": ("animation", "focus"),
    "bokeh": ("bokeh", "focus"),
    "stereo": ("stereo", "focus"),
    "two-views": ("stereo", "focus"),
    "wigglegram": ("stereo", "focus"),
}
_MORE = {"splat": {"max_points", "layers"}, "wigglegram": {"width", "max_bytes"}, "parallax": {"max_bytes"}}
_NOT = {
    "wigglegram": {"layout", "swap", "anaglyph", "quilt"},
    "two-views": {"layout", "anaglyph", "quilt"},
}


def fields_for(target: Target) -> frozenset[str]:
    """The fields of `OutputOptions` that change a file."""
    kind, form = target.kind, target.form
    names = {name for group, name, _ in OutputOptions().items() if group in _GROUPS.get(kind, ())}
    names |= {"provenance", *form.options.values(), *_MORE.get(kind, ())}
    if form.axes is not None:
        names.add("axes")
    return frozenset(names - _NOT.get(kind, set()))


def refuse_unused(options: OutputOptions, used: Iterable[frozenset[str]]) -> None:
    """Refuse options that were chosen and that none of the files takes.

    Args:
        options: what the user chose.
        used: the fields that each file takes.

    Raises:
        UsageError: an option would do nothing.
    """
    taken = frozenset[str]().union(*used)
    unused = next((name for name in options.chosen() if name not in taken), None)
    if unused is not None:
        raise UsageError(f"{unused.replace('_', ' ')}: nothing that is written takes it; leave it out")


def refuse_both(options: OutputOptions, chosen: str, other: str) -> None:
    """Refuse an option that another one replaces.

    Raises:
        UsageError: both were chosen.
    """
    if other in options.chosen():
        raise UsageError(f"{other.replace('_', ' ')}: {chosen.replace('_', ' ')} replaces it; leave out one of them")


def only(options: OutputOptions, names: frozenset[str]) -> OutputOptions:
    """The options, but for those that are not among some names, which get their defaults."""
    return OutputOptions.of(**{name: value for name, value in options.chosen().items() if name in names})
