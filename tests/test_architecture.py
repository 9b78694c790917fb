"""The structure of the package: which room may import which, read from the syntax trees."""

from __future__ import annotations

import ast
import importlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from package_code import PACKAGE, package_trees

import depth3d

ROOMS = (
    *("core", "refine", "scale", "geometry", "layers", "render", "io", "viewers", "calibration", "predictors"),
    *("scenes", "batch", "web", "mcp", "lab", "cli"),
)
"""From the ground up: a room imports itself and rooms before it."""

RANK = {room: rank for rank, room in enumerate(ROOMS)}
DOORS = {"cli", "web", "mcp"}
NUMBERS_ONLY = {"core", "refine", "scale", "geometry", "layers", "render"}
LAZY = {"geometry", "io", "viewers", "calibration", "predictors", "scenes", "batch", "web", "mcp", "cli"}

HEAVY = {
    *("torch", "torchvision", "timm", "safetensors", "openvino", "onnxruntime", "onnx"),
    *("transformers", "huggingface_hub", "av"),
    *("gradio", "fastapi", "starlette", "uvicorn", "mcp"),
    *("ray", "pyarrow", "fsspec", "open3d", "trimesh", "OpenEXR", "pillow_heif", "laspy", "pye57", "pycolmap", "scipy"),
}
OWNER_OF_HEAVY = {
    "torch": {"predictors", "lab"},
    "torchvision": {"predictors", "lab"},
    "timm": {"predictors", "lab"},
    "safetensors": {"predictors", "lab"},
    "openvino": {"predictors"},
    "onnxruntime": {"predictors"},
    "onnx": {"predictors"},
    "transformers": {"predictors"},
    "huggingface_hub": {"predictors"},
    "open3d": {"viewers", "scenes", "lab"},
    "OpenEXR": {"io"},
    "pillow_heif": {"io"},
    "laspy": {"io"},
    "pye57": {"io"},
    "av": {"io"},
    "pycolmap": {"scenes"},
    "ray": {"batch", "lab"},
    "pyarrow": {"batch"},
    "fsspec": {"batch"},
    "click": {"cli"},
    "gradio": {"web"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "uvicorn": {"web", "lab"},
    "mcp": {"mcp"},
}
OTHER_LIBRARIES_VALUES = {"geometry/conversion.py": {"trimesh", "open3d", "PIL"}}
"""The one place where values become those of other libraries, each loaded when asked for."""
LIBRARIES_OF_STEPS = {"numpy", "cv2", "scipy"}


@dataclass(frozen=True)
class Import:
    """One import statement: who, what, and whether it runs when the module is loaded."""

    room: str
    file: str
    name: str
    at_load: bool


def _modules() -> Iterator[tuple[str, str, ast.Module]]:
    """Every module as (room, file, syntax tree)."""
    for file, tree in package_trees().items():
        room = file.split("/")[0].removesuffix(".py")
        if room not in {"__init__", "vendor"}:
            yield room, file, tree


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _walk(node: ast.AST, at_load: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        if _is_type_checking(child):
            continue
        inside = at_load and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield child, inside
        yield from _walk(child, inside)


@cache
def _imports() -> list[Import]:
    found = []
    for room, file, tree in _modules():
        for node, at_load in _walk(tree, True):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative import"
                names = [node.module or ""]
            else:
                continue
            found += [Import(room, file, name, at_load) for name in names]
    return found


def test_every_room_is_on_the_plan() -> None:
    assert {room for room, *_ in _modules()} == set(RANK)
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= 20


def test_imports_go_one_way_only() -> None:
    wrong = []
    for one in _imports():
        parts = one.name.split(".")
        if parts[0] != "depth3d" or len(parts) == 1:
            continue
        target = parts[1]
        if target != one.room and RANK[target] > RANK[one.room]:
            wrong.append(f"{one.file} imports {one.name}")
    assert wrong == []


def test_doors_do_not_import_each_other() -> None:
    others = {one: {f"depth3d.{door}" for door in DOORS - {one.room}} for one in _imports() if one.room in DOORS}
    crossing = {(one.file, one.name) for one, doors in others.items() if ".".join(one.name.split(".")[:2]) in doors}
    assert crossing == OPENED_FROM_THE_COMMAND_LINE


OPENED_FROM_THE_COMMAND_LINE = {("cli/serve.py", "depth3d.web"), ("cli/mcp.py", "depth3d.mcp")}


def test_nouns_and_steps_know_numbers_only() -> None:
    allowed = LIBRARIES_OF_STEPS | set(sys.stdlib_module_names) | {"depth3d"}
    wrong = [
        f"{one.file} imports {one.name}"
        for one in _imports()
        if one.room in NUMBERS_ONLY
        and one.name.split(".")[0] not in allowed | OTHER_LIBRARIES_VALUES.get(one.file, set())
    ]
    assert wrong == []


MOST_LINES_OF_A_MODULE, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 300, 40, 8
LONG_MODULES = {
    "predictors/weights.py": "the table of official weights, and every place that weights may come from",
    "io/registry.py": "the table of formats, a row for each",
}
"""Modules over the limit, and why."""
MANY_PARAMETERS = {
    "Intrinsics.from_integer_centres": "a public constructor: the numbers of a camera file",
    "io/geometry/glb.py:write_mesh": "a format's own options, which the registry hands over by name",
    "io/geometry/html.py:write_mesh": "a format's own options, which the registry hands over by name",
}
"""Functions over the limit, and why; not counted are commands, whose parameters are their options, and the lab, whose
kernels take the tensors of a scene."""


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (node.end_lineno or 0) - node.lineno + 1 - ((first.end_lineno or 0) - first.lineno + 1) * documented


def _functions() -> Iterator[tuple[str, str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function as (file, qualified name, syntax tree)."""
    for _, file, tree in _modules():
        for owner in ast.walk(tree):
            for node in ast.iter_child_nodes(owner):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield file, f"{owner.name}.{node.name}" if isinstance(owner, ast.ClassDef) else node.name, node


def _gives_a_reason(file: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a comment `# Long: why` stands above a function, or between its decorators and it."""
    begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    above = (PACKAGE / file).read_text(encoding="utf-8").splitlines()[begin - 2 : node.lineno - 1]
    return any(line.strip().startswith("# Long: ") for line in above)


def test_modules_are_short() -> None:
    lines = {file: len((PACKAGE / file).read_text(encoding="utf-8").splitlines()) for _, file, _ in _modules()}
    assert {file: n for file, n in lines.items() if n > MOST_LINES_OF_A_MODULE and file not in LONG_MODULES} == {}


def test_functions_are_short_or_say_why_not() -> None:
    long = [
        f"{file}:{name}: {_code_lines(node)} lines"
        for file, name, node in _functions()
        if _code_lines(node) > MOST_LINES_OF_A_FUNCTION and not _gives_a_reason(file, node)
    ]
    assert long == []
    assert statistics.median(_code_lines(node) for *_, node in _functions()) <= 8


def test_functions_take_few_parameters() -> None:
    many = []
    for file, name, node in _functions():
        given = node.args
        count = len([*given.posonlyargs, *given.args, *given.kwonlyargs]) - ("." in name)
        if count > MOST_PARAMETERS and file.split("/")[0] not in {"lab", "cli"}:
            many.append(name if name in MANY_PARAMETERS else f"{file}:{name}")
    assert set(many) <= set(MANY_PARAMETERS)


def test_each_heavy_library_stays_in_its_room() -> None:
    wrong = [
        f"{one.file} imports {one.name}"
        for one in _imports()
        if one.room not in OWNER_OF_HEAVY.get(one.name.split(".")[0], {one.room})
        and one.name not in OTHER_LIBRARIES_VALUES.get(one.file, set())
    ]
    assert wrong == []


@pytest.mark.parametrize("room", sorted(LAZY))
def test_heavy_libraries_are_imported_where_used(room: str) -> None:
    wrong = [
        f"{one.file} imports {one.name} when loaded"
        for one in _imports()
        if one.room == room and one.at_load and one.name.split(".")[0] in HEAVY and one.file not in THROUGH_AND_THROUGH
    ]
    assert wrong == []


THROUGH_AND_THROUGH = {"predictors/midas.py", "web/page.py", "web/connections.py", "web/session_routes.py"}
"""Modules that are torch, Gradio or a server through and through; only running a network or the page loads them."""


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    loaded = _loaded_by("from depth3d.cli import run\nrun(['--help'])\nrun(['export', '--help'])")
    assert loaded.isdisjoint(HEAVY | {"numpy", "cv2", "PIL", "depth3d.io.atomic"})


def test_the_pipeline_loads_no_network_and_no_window() -> None:
    loaded = _loaded_by("import depth3d.scenes.photo")
    assert loaded.isdisjoint(HEAVY)


def _public_names() -> dict[str, str]:
    """Each public name and the module that the stub says it is in."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    statements = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {str(alias.asname): str(node.module) for node in statements for alias in node.names}


PUBLIC_NAMES = _public_names()


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_every_public_name_loads(name: str) -> None:
    value = getattr(depth3d, name)
    assert value is getattr(importlib.import_module(f"depth3d.{PUBLIC_NAMES[name]}"), name)
    assert name in dir(depth3d)
    assert name in depth3d.__all__


def test_the_stub_names_each_thing_once() -> None:
    lines = (PACKAGE / "__init__.pyi").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.startswith("from ")]) == len(PUBLIC_NAMES)
    assert set(depth3d.__all__) == set(PUBLIC_NAMES)
    with pytest.raises(AttributeError, match="nothing"):
        depth3d.nothing  # noqa: B018


def test_all_errors_are_public() -> None:
    tree = ast.parse((PACKAGE / "core" / "errors.py").read_text(encoding="utf-8"))
    assert {node.name for node in tree.body if isinstance(node, ast.ClassDef)} <= set(PUBLIC_NAMES)


def test_importing_the_package_loads_none_of_it() -> None:
    """Except what switches off the reports of other libraries, which must come before them."""
    loaded = {name for name in _loaded_by("import depth3d") if name.startswith("depth3d.")}
    assert loaded == {"depth3d.core", "depth3d.core.telemetry"}


def test_no_room_carries_a_public_name() -> None:
    """Importing a room would replace the public name of the package by the room."""
    assert {room for room, *_ in _modules()}.isdisjoint(PUBLIC_NAMES)
