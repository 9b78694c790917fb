from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from depth3d.cli.weights import download_progress, weights
from depth3d.core.errors import WeightsError
from depth3d.predictors import weights as weights_module
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS
from depth3d.predictors.weights import OFFICIAL_WEIGHTS

DATA = b"as if these were weights"


@pytest.fixture(autouse=True)
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An offline machine; returns where the small network's file would be."""
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.setattr(weights_module, "_BUNDLED", tmp_path / "none")
    official = replace(OFFICIAL_WEIGHTS["midas_small"], sha256=hashlib.sha256(DATA).hexdigest())
    monkeypatch.setitem(OFFICIAL_WEIGHTS, "midas_small", official)
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights" / official.file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(weights, arguments)


def test_list_says_where_everything_is(cached: Path) -> None:
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["midas_small", "midas_large", "bundled", *KNOWN_NETWORKS]
    assert " ".join(lines[0].split()).startswith(
        "midas_small 81.8 MiB MIT inverse not on this machine; fetch it: depth3d weights fetch midas_small"
    )
    assert lines[2].endswith("not in this copy of depth3d")
    cached.write_bytes(DATA)
    assert f"{cached} (cache; sha256 " in run("list").output
    cached.write_bytes(b"damaged")
    assert "is damaged" in run("list").output


def test_list_shows_the_bundled_network(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "x.safetensors").write_bytes(bytes(3 << 20))
    assert "bundled 3.0 MiB not stated inverse in the package, works offline" in " ".join(run("list").output.split())


def test_fetch_says_what_it_has(cached: Path) -> None:
    cached.write_bytes(DATA)
    for arguments in ([], ["midas_small"]):
        result = run("fetch", *arguments)
        assert result.output.startswith(f"midas_small: {cached} (cache; sha256 ")
        assert result.exit_code == 0


def test_fetch_without_a_network_raises_the_one_line() -> None:
    result = run("fetch", "midas_large")
    assert isinstance(result.exception, WeightsError)
    assert "midas_v21_384.pt" in str(result.exception)


def test_verify(cached: Path, tmp_path: Path) -> None:
    assert "no official weights on this machine" in str(run("verify").exception)
    cached.write_bytes(DATA)
    assert run("verify").output.startswith(f"midas_small: {cached} sha256 ")
    other = tmp_path / "other.pt"
    other.write_bytes(b"something else")
    result = run("verify", "midas_small", str(other))
    assert isinstance(result.exception, WeightsError)
    assert "is not that of an official file" in str(result.exception)


def test_unknown_names_are_wrong_usage() -> None:
    result = run("fetch", "midas_huge")
    assert result.exit_code == 2
    assert "midas_large" in result.output


def test_progress_reaches_the_end_and_survives_starting_over(capsys: pytest.CaptureFixture[str]) -> None:
    with download_progress("weights") as progress:
        for done in (10, 60, 5, 100):
            progress(done, 100)
    with download_progress("no size") as progress:
        progress(10, None)
        progress(20, None)
    with download_progress("never called"):
        pass
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "weights" in captured.err
    assert "never called" not in captured.err
