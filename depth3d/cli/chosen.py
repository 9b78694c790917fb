"""How what click collected becomes the Options that every door shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from depth3d.core.errors import UsageError
from depth3d.core.hint_forms import HINT_FORMS

if TYPE_CHECKING:
    from depth3d.scale import Hint
    from depth3d.scenes.options import Options


def to_options(chosen: dict[str, Any]) -> Options:
    """Turn what click collected into the Options that every door shares."""
    from depth3d.cli.file_options import in_millimetres
    from depth3d.scenes.options import Options

    chosen = dict(chosen)
    chosen |= in_millimetres(chosen)
    hints = _hints({name: chosen.pop(name) for name in _HINT_OPTIONS if name in chosen})
    voxel = chosen.pop("voxel", None)
    farthest = chosen.pop("max_depth", None)
    textured = not chosen.pop("vertex_colours", False)
    for name in ("ipd", "convergence"):
        length = chosen.pop(name, None)
        chosen[f"{name}_m"] = length.metres if length else None
    return Options(
        hints=hints,
        max_depth_m=farthest.metres if farthest else None,
        voxel_m=voxel.metres if voxel else None,
        textured=textured,
        **chosen,
    )


_HINT_OPTIONS = tuple(
    name for form in HINT_FORMS for name in (form.name, *(number.name for number in form.numbers if number.option))
)


def _hints(given: dict[str, Any]) -> tuple[Hint, ...]:
    hints: list[Hint] = []
    for form in HINT_FORMS:
        values = given.get(form.name)
        values = list(values or ()) if form.is_repeatable else [] if values is None else [values]
        added = {n.name: given[n.name] for n in form.numbers if given.get(n.name) is not None}
        if added and not values:
            options = " and ".join(number.option for number in form.numbers)
            raise UsageError(f"{options} go with --{form.kind}; give that too")
        hints += [form.load()(**value, **added) for value in values]
    return tuple(hints)
