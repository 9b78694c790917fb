"""How what click collected becomes the options that every door shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from depth3d.core.errors import UsageError
from depth3d.core.hint_forms import HINT_FORMS
from depth3d.scenes.options import Options, OutputOptions

if TYPE_CHECKING:
    from depth3d.scale import Hint

_Options = TypeVar("_Options", Options, OutputOptions)

_METRES = {"voxel": "voxel_m", "max_depth": "max_depth_m", "ipd": "ipd_m", "convergence": "convergence_m"}
_MILLIMETRES = {f"plate_{side}": f"plate_{side}_mm" for side in ("width", "height", "base")}


def to_options(chosen: dict[str, Any]) -> Options:
    """What click collected about how scenes are made."""
    return _picked(Options(), chosen)


def to_output_options(chosen: dict[str, Any]) -> OutputOptions:
    """What click collected about what is made of scenes, and about files."""
    return _picked(OutputOptions(), chosen)


def _picked(defaults: _Options, chosen: dict[str, Any]) -> _Options:
    """Those of the fields that were collected which these options have."""
    values = _as_fields(chosen)
    known = {name for options in (Options(), OutputOptions()) for _, name, _ in options.items()}
    assert known >= set(values), f"no option takes {sorted(set(values) - known)}"
    own = {name for _, name, _ in defaults.items()}
    return defaults.changed(**{name: value for name, value in values.items() if name in own})


def _as_fields(chosen: dict[str, Any]) -> dict[str, Any]:
    """What click collected, under the names of fields and in their units."""
    values = {name: value for name, value in chosen.items() if name not in (*_HINT_OPTIONS, *_METRES, *_MILLIMETRES)}
    if given := {name: chosen[name] for name in _HINT_OPTIONS if name in chosen}:
        values["hints"] = _hints(given)
    for names, per_metre in ((_METRES, 1), (_MILLIMETRES, 1000)):
        for name, field in names.items():
            if (length := chosen.get(name)) is not None:
                values[field] = length.metres * per_metre
    if "vertex_colours" in values:
        values["textured"] = not values.pop("vertex_colours")
    return values


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
