"""The manual tells the truth: every command in it runs, every picture is there, every command is documented."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from depth3d.cli import cli, run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


CONSOLE = [line[2:] for block in _blocks("console") for line in block.splitlines() if line.startswith("$ ")]
SHELL = [line for block in _blocks("sh") for line in block.splitlines() if line.startswith("depth3d ")]


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
    return found


COMMANDS = _commands(cli)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout to the manual's commands, without network."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DEPTH3D_WEIGHTS", raising=False)
    return tmp_path


@pytest.mark.parametrize("line", CONSOLE)
def test_each_command_of_the_manual_runs(line: str, workshop: Path) -> None:
    program, *arguments = shlex.split(line)
    assert program == "depth3d"
    assert run(arguments) == 0
    outputs = [value for option, value in zip(arguments, arguments[1:], strict=False) if option == "-o"]
    for output in outputs:
        assert Path(output).stat().st_size > 0


@pytest.mark.parametrize("line", SHELL)
def test_each_command_that_needs_a_window_or_a_network_at_least_parses(line: str, workshop: Path) -> None:
    for file in ("room.glb", "room.ply", "clip.mp4", "clip.mov", "walk.mp4", "photo.jpg"):
        Path(file).touch()
    for folder in ("sparse/0", "images", "scan", "photos"):
        Path(folder).mkdir(parents=True)
    arguments = shlex.split(line.split("#")[0])[1:]
    context = click.Context(cli)
    name, command, rest = cli.resolve_command(context, arguments)
    assert command is not None
    command.make_context(name, rest)


def test_the_python_of_the_manual_runs(workshop: Path) -> None:
    (code,) = _blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    for name in ("kitchen.ply", "kitchen.glb", "short.glb"):
        assert Path(name).stat().st_size > 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_is_in_the_manual_and_shows_an_example(command: tuple[str, ...], capsys: object) -> None:
    assert re.search(rf"\b{command[0]}\b", README), f"{command[0]} is not in README.md"
    assert isinstance(capsys, pytest.CaptureFixture)
    assert run([*command, "--help"]) == 0
    assert f"depth3d {' '.join(command)}" in capsys.readouterr().out


def test_each_picture_and_link_of_the_manual_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).is_file(), target


def test_each_suffix_of_the_manual_is_known() -> None:
    from depth3d.io.save import suffixes_for

    table = README.split("## What comes out")[1].split("**Axes.**")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `.")]
    written = {suffix for row in rows for suffix in re.findall(r"`(\.\w+)`", row)}
    assert written <= set(suffixes_for())
    assert set(suffixes_for()) - {".apng", ".jpeg"} <= written


def test_each_kind_of_the_manual_is_known_and_goes_into_its_file() -> None:
    from depth3d.scenes.outputs import target_of

    table = README.split("## What comes out")[1].split("**Axes.**")[0]
    for row in [line.split("|") for line in table.splitlines() if line.startswith("| `.")]:
        (suffix, *_) = re.findall(r"`(\.\w+)`", row[1])
        for kind in re.findall(r"`([\w-]+)`", row[3].split("beside")[0]):
            assert target_of(f"a{suffix}", kind).kind == kind
