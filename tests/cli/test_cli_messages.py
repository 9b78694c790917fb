"""What makes the command line pleasant: suggestions, colours, progress, JSON, completion, and the doctor."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from depth3d.cli import cli, run
from depth3d.cli.export import NEEDED_FIRST
from depth3d.cli.param_types import RenamedOption

MAP = ["--depth-map", "inverse.npy", "--near", "1m", "--far", "5m"]
HEAVY = {"torch", "cv2", "open3d", "trimesh", "openvino", "onnxruntime", "ray", "gradio", "timm"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a photo and depth for it, without network and with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.delenv("DEPTH3D_WEIGHTS", raising=False)
    np.save("inverse.npy", np.linspace(0.2, 1, 64 * 48, dtype=np.float32).reshape(48, 64))
    Image.new("RGB", (64, 48), (200, 80, 40)).save("photo.jpg")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["exprt", "photo.jpg"], "; did you mean export?"),
        (["weights", "lits"], "Did you mean 'list'?"),
        (["export", "poto.jpg", "-o", "a.ply"], "; did you mean photo.jpg?"),
        (["export", "photo.jpg", "--nera", "2", "-o", "a.ply"], "Did you mean"),
        (["export", "photo.jpg", "--predictor", "midas_smal", "-o", "a.ply"], "; did you mean midas_small?"),
        (["export", "photo.jpg", "--as", "meshh", "-o", "a.ply"], "; did you mean mesh?"),
        (["export", "photo.jpg", "--camera", "poto.jpg", "-o", "a.ply"], "; did you mean photo.jpg?"),
        (["weights", "fetch", "midas_smal"], "; did you mean midas_small?"),
        (["export", "photo.jpg", "-o", "a.gbl"], "; did you mean .glb?"),
    ],
)
def test_errors_suggest_the_nearest_right_word(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr().err
    assert meant in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["weights"], ["bench"]])
def test_a_bare_command_shows_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"Usage: depth3d {''.join(f'{word} ' for word in arguments)}[OPTIONS] COMMAND")
    assert "\nCommands:\n" in said.out
    assert said.err == ""


@pytest.mark.parametrize("name", ["export", "batch", "view", "depth", "parallax", "bokeh", "stereo", "measure", "fuse"])
def test_help_shows_each_option_once_in_a_group(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            option = max(parameter.opts, key=len) if not isinstance(parameter, RenamedOption) else parameter.opts[0]
            assert len(re.findall(rf"^  (?:-\w, )?{option}(?= |$)", shown, re.MULTILINE)) == 1, option
    sections = re.findall(r"^(\w[\w ,:]*):$", shown, re.MULTILINE)
    assert len(sections) == len(set(sections)) >= 4
    assert sections[-1] == "Other"


def test_export_shows_what_people_need_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--help"]) == 0
    first = capsys.readouterr().out.split("\nNeeded first:\n")[1].split("\n\n")[0]
    assert len(re.findall(r"^  -", first, re.MULTILINE)) == len(NEEDED_FIRST) == 12
    assert first.startswith("  -o, --output FILE")


def test_former_words_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--help"]) == 0
    assert "relief" not in capsys.readouterr().out


def test_nothing_is_suggested_where_nothing_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "photo.jpg", "-o", "a.qqqqqqq"]) == 2
    assert run(["zzzzzz"]) == 2
    assert "did you mean" not in capsys.readouterr().err.lower()


def test_a_line_of_json_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "photo.jpg", *MAP, "--json", "-o", "a.ply", "-o", "a.npy"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["path"] for line in lines] == ["a.ply", "a.npy"]
    assert lines[0] == {"path": "a.ply", "what": "3,072 points", "photo": "photo.jpg", "unit": "m"}


def test_verbose_tells_hints_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "photo.jpg", *MAP, "-o", "quiet.npy"]) == 0
    quiet = capsys.readouterr().err
    assert run(["export", "photo.jpg", *MAP, "-v", "-o", "loud.npy"]) == 0
    loud = capsys.readouterr().err
    assert "hint: " in loud
    assert " s\n" in loud
    assert "hint: " not in quiet
    assert set(quiet.splitlines()) < set(loud.splitlines())


def _on_a_terminal(arguments: list[str], **environment: str) -> str:
    """What a command shows where standard error is a terminal."""
    import pty

    leader, follower = pty.openpty()
    settings = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | environment
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *arguments], stdout=subprocess.PIPE, stderr=follower, env=settings
    )
    os.close(follower)
    shown = b""
    try:
        while block := os.read(leader, 65536):
            shown += block
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert b"\x1b" not in done.stdout
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_progress_and_colours_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", "photo.jpg", *MAP, "-o"]
    shown = _on_a_terminal([*arguments, "a.npy"])
    assert "photo.jpg: seeing depth ..." in shown
    assert "\r\x1b[K" in shown
    assert run([*arguments, "b.npy"]) == 0
    assert "..." not in capsys.readouterr().err
    assert "\x1b[31m" in _on_a_terminal(["exprt"])
    assert "\x1b" not in _on_a_terminal(["exprt"], NO_COLOR="1")
    assert run(["exprt"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_shells_complete_commands_and_options() -> None:
    def complete(words: str, count: int) -> list[str]:
        settings = {"_DEPTH3D_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
        done = subprocess.run(
            [sys.executable, str(ROOT / "cli.py")], env=os.environ | settings, capture_output=True, text=True
        )
        return done.stdout.split()

    assert complete("depth3d par", 1) == ["plain,parallax"]
    assert "plain,--near" in complete("depth3d export --ne", 2)


def test_the_doctor_tells_what_is_missing_and_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "depth3d weights fetch midas_small" in said
    assert "came with depth3d" in said
    assert "DEPTH3D_OFFLINE" in said
    assert run(["doctor", "--json"]) == 0
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {finding["state"] for finding in findings} <= {"ok", "missing"}
    assert {"topic", "name", "state", "text", "remedy"} == set(findings[0])
    (auto,) = (finding for finding in findings if finding["name"] == "auto takes")
    assert auto["text"].startswith("bundled")


def test_the_doctor_finds_what_depth3d_cannot_do_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["numpy>=1", "click>=99", "nothing-of-this-name; extra == 'view'", "absent-too; extra == 'dev'"]
    monkeypatch.setattr("depth3d.cli.doctor.requires", lambda _name: wanted)
    assert run(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "broken" in said
    assert "click>=99 (there is " in said
    assert "without nothing-of-this-name; pip install 'depth3d[view]'" in said
    assert "absent-too" not in said


def test_the_doctor_and_the_list_of_weights_load_nothing_heavy() -> None:
    code = "import sys\nfrom depth3d.cli import run\nrun(['doctor'])\nrun(['weights', 'list'])\n"
    code += "print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split("loaded ")[1].split()).isdisjoint(HEAVY)


def test_weights_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "list", "--json"]) == 0
    rows: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_name = {row["name"]: row for row in rows}
    assert by_name["midas_small"]["path"] is None
    assert Path(by_name["bundled"]["path"]).is_file()
    assert len(by_name["bundled"]["sha256"]) == 64


def test_every_command_that_runs_a_network_can_be_verbose() -> None:
    for name in ("export", "depth", "parallax", "bokeh", "measure", "view", "panorama", "batch"):
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert any("--verbose" in parameter.opts for parameter in command.params), name


def test_as_and_names_without_suffix_are_told_what_they_lack(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["parallax", "a.jpg", "--as", "heatmap", "-o", "a.gif"]) == 2
    assert capsys.readouterr().err.strip().endswith("; depth3d export takes it")
    assert run(["export", str(ROOT / "samples" / "room.jpg"), "-o", "room"]) == 2
    assert "room: a name without suffix names no known format; use one of .ply" in capsys.readouterr().err
