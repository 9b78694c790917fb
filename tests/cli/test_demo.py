"""`depth3d demo`: four files from what the package holds, and a browser where there is one."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

import depth3d as d3
from depth3d.cli import run
from depth3d.cli.demo import show_page


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was asked to open."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) is None)
    return addresses


def test_demo_makes_four_files_offline_and_opens_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("depth3d.viewers.display.has_display", lambda: True)
    assert run(["demo"]) == 0
    folder = tmp_path / "depth3d_demo"
    assert opened == [(folder / "room.html").as_uri()]
    for name in ("room.ply", "room.glb"):
        assert d3.read_geometry(folder / name).unit == "m"
    assert (folder / "room.gif").read_bytes().startswith(b"GIF89a")
    assert "in a browser" not in capsys.readouterr().err
    assert run(["demo"]) == 1
    assert "exists" in capsys.readouterr().err


def test_without_a_display_nothing_is_opened(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depth3d.viewers.display.has_display", lambda: False)
    assert show_page(Path("room.html")) is False
    assert opened == []


def test_a_desktop_without_a_browser_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depth3d.viewers.display.has_display", lambda: True)
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert show_page(Path("room.html")) is False
