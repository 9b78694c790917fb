"""The page about networks tells the truth: its plug-in runs, its commands parse, its lists are whole."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest

import depth3d as d3
from depth3d.cli import cli
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS
from depth3d.predictors.external.network_terms import terms_from
from depth3d.predictors.prediction import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_plug_in_is_short_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    assert len(code.strip().splitlines()) <= 16
    held: dict[str, object] = {}
    exec(compile(code, "networks.md", "exec"), held)
    cloud = d3.read_geometry(tmp_path / "room.ply")
    assert (tmp_path / "room.ply").stat().st_size > 100_000
    assert len(cloud.xyz) > 10_000
    scene = held["scene"]
    assert isinstance(scene, d3.Scene)
    assert scene.depth.z[-1].mean() < scene.depth.z[0].mean()
    assert np.isfinite(scene.depth.z).all()


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_its_commands_parse(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "clip.mp4", "frames.json"):
        (tmp_path / name).touch()
    name, command, rest = cli.resolve_command(click.Context(cli), shlex.split(line)[1:])
    assert command is not None
    command.make_context(name, rest)


def test_it_names_every_kind_and_every_short_name() -> None:
    for word in (*KINDS, *KNOWN_NETWORKS):
        assert f"`{word}`" in PAGE
    (entry,) = blocks("json")
    assert terms_from(json.loads(entry), "docs").size == 518
