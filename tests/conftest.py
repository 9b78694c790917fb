"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")


def absent(reason: str) -> None:
    """Skip, or fail where the continuous integration promised that everything is there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"under CI nothing may be missing: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photos with real depth."""
    folder = Path(os.environ.get("DEPTH3D_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "frames.json").is_file():
        absent(f"real test data is not at {folder}; set DEPTH3D_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def midas_reference() -> Path:
    """The folder of reference numbers of the original MiDaS networks."""
    folder = Path(os.environ.get("DEPTH3D_MIDAS_REFERENCE", ROOT.parent / "shared" / "reference" / "midas"))
    if not (folder / "midas_small.npz").is_file():
        absent(f"MiDaS reference numbers are not at {folder}; set DEPTH3D_MIDAS_REFERENCE")
    return folder
