"""Options: every default once, every field an option of the command line, plain data that loads nothing heavy."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pytest
from package_code import package_trees

import depth3d
from depth3d.batch.time_limit import DEFAULT_SECONDS
from depth3d.cli import cli
from depth3d.cli.click_to_options import to_options, to_output_options
from depth3d.core.errors import UsageError
from depth3d.scenes.options import FusionOptions, Options, OutputOptions, ServerOptions

DEFAULTS = {name: value for options in (Options(), OutputOptions()) for _, name, value in options.items()}
CALLED = {"voxel": "voxel_m", "max_depth": "max_depth_m", "ipd": "ipd_m", "convergence": "convergence_m"}
CALLED |= {f"plate_{side}": f"plate_{side}_mm" for side in ("width", "height", "base")}
NO_COMMAND_HAS = {"grid_points"}
"""Called --max-points by `depth3d panorama`, and said by the test below to follow it."""

OF_OTHERS: dict[tuple[str, str], Any] = {
    ("serve", "host"): ServerOptions().host,
    ("serve", "port"): ServerOptions().port,
    ("live", "host"): ServerOptions().host,
    ("serve", "max_mb"): ServerOptions().megabytes,
    ("serve", "max_megapixels"): ServerOptions().megapixels,
    ("batch", "seconds_per_photo"): DEFAULT_SECONDS,
    ("serve", "max_visitors"): ServerOptions().visitors,
    ("fuse", "least_photos"): FusionOptions().least_photos,
    ("fuse", "memory_gb"): FusionOptions().memory_gb,
    ("fuse", "detail_px"): FusionOptions().detail_px,
}
CHOICES_OF_COMMANDS = {
    *(
        ("batch", "endings"),
        ("batch", "engine"),
        ("fuse", "engine"),
        ("view", "kind"),
        ("fuse", "depths_as"),
        ("demo", "is_opened"),
    ),
    *(("live", name) for name in ("kind", "port")),
    *(("bench", name) for name in ("rounds", "names", "photos", "draws", "predictor")),
    *(("train", name) for name in ("batch", "size", "device", "threads", "workers", "seed")),
}
"""Options that no call of the library has: what a command does, how often it measures."""


def options_of_commands() -> Iterator[tuple[str, click.Option]]:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        inner = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in inner:
            assert one is not None
            yield from ((name, option) for option in one.params if isinstance(option, click.Option))


def test_every_default_of_the_command_line_is_that_of_the_library() -> None:
    context = click.Context(cli)
    wrong = []
    for command, option in options_of_commands():
        default = option.get_default(context)
        default = default if isinstance(default, str | int | float | tuple) else None
        name = CALLED.get(str(option.name), str(option.name))
        if default in (None, (), False) or (command, name) in CHOICES_OF_COMMANDS or command in ("eval", "weights"):
            continue
        expected = OF_OTHERS.get((command, name), DEFAULTS.get(name))
        if str(default) != str(expected):
            wrong.append(f"{command} {option.opts[0]}: {default!r}, the library has {expected!r}")
    assert wrong == []


def test_no_default_is_written_a_second_time() -> None:
    """As a number or a name beside an option or a parameter of the same name; commands read it from the groups."""
    defaults = DEFAULTS | {n: v for group in (FusionOptions(), ServerOptions()) for n, v in asdict(group).items()}
    telling = {name: value for name, value in defaults.items() if value not in (None, False, True, 0, 0.0, ())}
    assert len(telling) > 30
    again = [
        f"{file}:{line} {name} = {literal!r}"
        for file, tree in package_trees().items()
        if file not in ("core/options.py", "scenes/options.py") and not file.startswith("lab/")
        for name, literal, line in literal_defaults(tree)
        if name in telling and literal == telling[name]
    ]
    assert again == []


def literal_defaults(tree: ast.Module) -> Iterator[tuple[str, Any, int]]:
    """Every option of click, parameter and field whose default is written out: its name, default and line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            if names and isinstance(default, ast.Constant):
                yield (
                    max(names, key=lambda name: not name.startswith("-")).strip("-").replace("-", "_"),
                    default.value,
                    node.lineno,
                )
        elif isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args][::-1]
            given = [
                *zip(arguments, node.args.defaults[::-1], strict=False),
                *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
            ]
            yield from ((a.arg, d.value, d.lineno) for a, d in given if isinstance(d, ast.Constant))
        elif (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.target, ast.Name)
        ):
            yield node.target.id, node.value.value, node.lineno


def test_the_default_cut_ratio_is_written_once() -> None:
    package = Path(depth3d.__file__).parent
    places = [path for path in package.rglob("*.py") if "cut_ratio: float = 1." in path.read_text(encoding="utf-8")]
    assert [path.name for path in places] == ["options.py"]
    assert DEFAULTS["cut_ratio"] == 1.08
    others = [path for path in package.rglob("*.py") if "lab" not in path.parts and "1.08" in path.read_text("utf-8")]
    assert others == places


def test_every_field_is_an_option_of_a_command() -> None:
    named = {CALLED.get(str(option.name), str(option.name)) for _, option in options_of_commands()}
    named |= {"hints", "textured"}  # --at and others, --vertex-colours
    assert set(DEFAULTS) - named == NO_COMMAND_HAS


def test_names_are_unique_so_that_they_need_no_group() -> None:
    names = [name for options in (Options(), OutputOptions()) for _, name, _ in options.items()]
    assert len(names) == len(set(names))


def test_options_load_nothing_heavy() -> None:
    code = "import sys, depth3d.scenes.options; print({'numpy', 'cv2', 'click'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_options_are_plain_data() -> None:
    options = OutputOptions.of(max_faces=5, motion="swing")
    assert pickle.loads(pickle.dumps(options)) == options
    assert options.chosen() == {"max_faces": 5, "motion": "swing"}
    assert hash(options) == hash(OutputOptions.of(motion="swing", max_faces=5))


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(UsageError, match="there is no option 'max_face' of OutputOptions.*max_faces"):
        OutputOptions.of(max_face=5)
    with pytest.raises(UsageError, match="there is no option 'max_faces' of Options"):
        Options.of(max_faces=5)


def test_what_click_collected_reaches_both() -> None:
    chosen = {"fov_x_deg": 60.0, "vertex_colours": True, "max_faces": 7, "voxel": None}
    assert to_options(chosen) == Options.of(fov_x_deg=60.0)
    assert to_output_options(chosen) == OutputOptions.of(textured=False, max_faces=7)
