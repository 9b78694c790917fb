"""What costs nothing is checked before the network runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth3d.cli import run


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["parallax", "--motion", "nope", "-o", "a.gif"], "no motion 'nope'"),
        (["export", "--motion", "nope", "-o", "a.ply", "-o", "a.gif"], "no motion 'nope'"),
        (["parallax", "--motion", "missing.json", "-o", "a.gif"], "missing.json: no such file"),
        (["parallax", "--amount", "90", "-o", "a.gif"], "amount must lie"),
        (["export", "-o", "photo.png/a.ply"], "is no folder"),
    ],
)
def test_wrong_motions_and_targets_are_found_first(
    command: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((16, 24, 3), np.uint8)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)

    def see(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked first")

    monkeypatch.setattr("depth3d.scenes.photo.reconstruct", see)
    assert run([command[0], "photo.png", *command[1:]]) in (1, 2)
    assert says in capsys.readouterr().err
