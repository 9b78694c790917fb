"""Fixtures every test may use."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent

# Some tests share pictures and readers with their neighbours; each finds them when it runs alone, too.
sys.path += [str(folder) for folder in sorted(TESTS.rglob("*")) if folder.is_dir() and folder.name != "__pycache__"]

settings.register_profile(
    "same every time", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same every time")

# Hundreds of processes are started, by the tests and as their workers: compiling the package in each takes a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # two processes of tests share two cores
os.environ["DEPTH3D_RUNTIME"] = "torch"  # tests meet many networks, and converting each takes seconds


HUNG_S = 300.0
"""No test is about time. What has not come by then never will, on any machine."""


def wait_until(condition: Callable[[], object], otherwise: str) -> None:
    """Wait as long as it takes; only a hang ends the test, with these words."""
    end = time.monotonic() + HUNG_S
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser or Open3D, so that machines without can leave it out."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        code = getattr(getattr(item, "function", None), "__code__", None)
        named = {*code.co_names, *code.co_varnames} if code is not None else set()
        if "chromium" in used:
            item.add_marker(pytest.mark.browser)
        if {"open3d", "_open3d"} & (used | named):
            item.add_marker(pytest.mark.open3d)
    items.sort(key=_is_light)


def _is_light(item: pytest.Item) -> bool:
    """Short tests go last: processes that share the work steal it from the end, and none is left with a long one."""
    folder = item.path.relative_to(TESTS).parts[0]
    return folder in {"core", "geometry", "calibration", "refine", "render"}


def pytest_collection_finish() -> None:
    """Keep what the tests imported out of garbage collection: looking through it takes half a second each time."""
    gc.collect()
    gc.freeze()


def skip_module_without(package: str, reason: str) -> None:
    """As `pytest.importorskip` does, but without loading a package that takes seconds in every process of tests."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(reason, allow_module_level=True)


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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright, drawing WebGL in software; pages start without network."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        absent("Chromium is not installed (Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    software = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with playwright.sync_playwright() as driver:
        # Chromium has no sandbox for root, who runs the tests in containers.
        browser = driver.chromium.launch(
            executable_path=found, args=software, chromium_sandbox=False, timeout=1000 * HUNG_S
        )
        new_context = browser.new_context

        def patient_context(**options: Any) -> Any:
            context = new_context(**options)
            context.set_default_timeout(1000 * HUNG_S)
            return context

        browser.new_context = patient_context
        yield browser
        browser.close()
