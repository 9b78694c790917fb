"""The manual tells the truth: each command and snippet runs, each picture and link is there, each name is described."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from conftest import ROOT

import depth3d as d3
from depth3d.calibration.vanishing_points import camera_from_vanishing_points
from depth3d.cli import cli, run
from depth3d.predictors.runtimes.measure import Measured, Way
from depth3d.refine import refine_inverse_depth

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
MANUAL = "\n".join(PAGES.values())
FORMATS = PAGES["docs/formats.md"].split("## Axes")[0]


def blocks(language: str, pages: dict[str, str] = PAGES) -> list[tuple[str, str]]:
    """(page, text) of every fenced block of that language."""
    pattern = rf"^```{language}\n(.*?)^```"
    return [
        (name, text) for name, page in pages.items() for text in re.findall(pattern, page, re.MULTILINE | re.DOTALL)
    ]


def lines(language: str, beginning: str) -> list[str]:
    """Every line of such blocks that begins so, without it, once."""
    found = [line for _, text in blocks(language) for line in text.splitlines() if line.startswith(beginning)]
    return list(dict.fromkeys(found))


CONSOLE = [line.removeprefix("$ ") for line in lines("console", "$ ")]
SHELL = lines("sh", "depth3d ")
PYTHON = [(page, code) for page, code in blocks("python") if page != "docs/networks.md"]  # test_docs_networks runs it


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
    return found


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout to the manual's commands, without network."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DEPTH3D_WEIGHTS", raising=False)
    for target, known in KNOWN.items():
        monkeypatch.setattr(target, known)
    return tmp_path


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, computed once for the same input; dozens of commands show the same few photos."""
    results: dict[str, Any] = {}

    def remembered(*arguments: Any, **named: Any) -> Any:
        content = pickle.dumps((arguments, sorted(named.items())))
        key = hashlib.sha256(content).hexdigest()
        if key not in results:
            results[key] = function(*arguments, **named)
        return results[key]

    return remembered


def as_fast_as_any(ways: Mapping[Way, Any], *_: object) -> list[Measured]:
    """Converted networks without the measuring, which test_runtimes does with the bundled network."""
    return [Measured(way, 1.0, 0.0, 1.0) for way in ways]


KNOWN = {
    "depth3d.predictors.runtimes.convert_and_measure.measure": as_fast_as_any,
    "depth3d.calibration.choose.camera_from_vanishing_points": once(camera_from_vanishing_points),
    "depth3d.refine.refine_and_smooth.refine_inverse_depth": once(refine_inverse_depth),
}


@pytest.mark.parametrize("line", CONSOLE, ids=str)
def test_each_command_of_the_manual_runs(line: str, workshop: Path) -> None:
    program, *arguments = shlex.split(line)
    assert program == "depth3d"
    assert run(arguments) == 0
    outputs = [value for option, value in zip(arguments, arguments[1:], strict=False) if option == "-o"]
    for output in outputs:
        assert Path(output).stat().st_size > 0


@pytest.mark.parametrize("line", SHELL, ids=str)
def test_each_command_that_needs_a_window_or_a_network_at_least_parses(line: str, workshop: Path) -> None:
    for file in ("room.glb", "room.ply", "clip.mp4", "clip.mov", "walk.mp4", "photo.jpg", "frames.json"):
        Path(file).touch()
    for folder in ("sparse/0", "images", "scan", "photos"):
        Path(folder).mkdir(parents=True)
    arguments = shlex.split(line.split("#")[0])[1:]
    name, command, rest = cli.resolve_command(click.Context(cli), arguments)
    assert command is not None
    command.make_context(name, rest)


@pytest.mark.parametrize(("page", "code"), PYTHON, ids=[f"{page}-{i}" for i, (page, _) in enumerate(PYTHON)])
def test_each_snippet_of_the_manual_runs(page: str, code: str, workshop: Path) -> None:
    exec(compile(code, page, "exec"), {})
    for name in re.findall(r'(?:save\(|, )"(\w+\.(?:ply|glb))"', code):
        assert Path(name).stat().st_size > 0


def test_each_table_of_settings_in_the_manual_can_be_read() -> None:
    for _, text in blocks("json"):
        assert json.loads(text)
    for _, text in blocks("toml"):
        assert tomllib.loads(text)


@pytest.mark.parametrize("command", _commands(cli), ids=" ".join)
def test_each_command_is_in_the_manual_and_shows_an_example(command: tuple[str, ...], capsys: object) -> None:
    assert re.search(rf"\b{command[0]}\b", MANUAL), f"{command[0]} is not in the manual"
    assert isinstance(capsys, pytest.CaptureFixture)
    assert run([*command, "--help"]) == 0
    assert f"depth3d {' '.join(command)}" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_each_picture_and_link_of_the_manual_is_there(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", PAGES[page]):
        if "://" not in target:
            assert (folder / target).is_file(), f"{page}: {target}"


def test_each_picture_is_shown() -> None:
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert f"pictures/{picture.name})" in MANUAL, picture.name


def test_each_page_is_in_the_navigation() -> None:
    listed = re.findall(r'"([\w/-]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert sorted(f"docs/{page}" for page in listed) == sorted(set(PAGES) - {"README.md"})


def test_the_site_loads_nothing_from_elsewhere() -> None:
    """The theme's fonts are off, and the shim that lets the search run from disk is a file of ours, not a CDN's."""
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    assert project["theme"]["font"] is False
    assert "offline" in project["plugins"]
    own = [*project["extra"]["polyfills"], *project["extra_css"]]
    assert any("iframe-worker" in path for path in own)
    for path in own:
        assert (ROOT / "docs" / path).is_file(), path


def test_each_public_name_is_in_the_reference() -> None:
    described = re.findall(r"^::: depth3d\.(\w+)$", MANUAL, re.MULTILINE)
    assert sorted(described) == sorted(name for name in d3.__all__ if name != "__version__")


def test_each_extra_is_in_the_manual() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"^\| `(\w+)` \|", PAGES["docs/install.md"], re.MULTILINE)) == set(extras)


@pytest.mark.parametrize(
    ("command", "option", "page"),
    [
        ("stereo", "layout", "docs/moving-pictures.md"),
        ("stereo", "anaglyph", "docs/moving-pictures.md"),
        ("export", "axes", "docs/formats.md"),
        ("export", "depth_kind", "docs/depth-maps.md"),
        ("live", "kind", "docs/video.md"),
    ],
)
def test_each_choice_is_explained(command: str, option: str, page: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    (parameter,) = (parameter for parameter in found.params if parameter.name == option)
    assert isinstance(parameter.type, click.Choice)
    left = {str(choice) for choice in parameter.type.choices}
    left = {choice for choice in left if choice.removeprefix("half-") not in PAGES[page]}
    assert left == set()


def test_readme_is_one_page() -> None:
    assert len(README.split()) <= 1000
    assert "`make demo`" in README
    assert "`make test`" in README


def test_each_suffix_of_the_manual_is_known() -> None:
    from depth3d.io.save import suffixes_for

    rows = [line.split("|")[1] for line in FORMATS.splitlines() if line.startswith("| `.")]
    written = {suffix for row in rows for suffix in re.findall(r"`(\.\w+)`", row)}
    assert written <= set(suffixes_for())
    assert set(suffixes_for()) - {".apng", ".jpeg"} <= written


def test_each_suffix_of_readme_is_known() -> None:
    from depth3d.io.save import suffixes_for

    table = README.split("## What comes out")[1].split("\n## ")[0]
    assert set(re.findall(r"`(\.\w+)", table)) <= set(suffixes_for())


def test_each_kind_of_the_manual_is_known_and_goes_into_its_file() -> None:
    from depth3d.scenes.outputs import target_of

    for row in [line.split("|") for line in FORMATS.splitlines() if line.startswith("| `.")]:
        (suffix, *_) = re.findall(r"`(\.\w+)`", row[1])
        for kind in re.findall(r"`([\w-]+)`", row[3].split("beside")[0]):
            assert target_of(f"a{suffix}", kind).kind == kind
