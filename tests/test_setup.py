"""The set-up says one thing in four places: pyproject, constraints.txt, environment.yml, the Makefile."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import depth3d

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def _requirements(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def _pins(lines: list[str]) -> dict[str, Version]:
    """Name to version of lines such as `numpy==2.4.6; marker`."""
    found = {}
    for requirement in _requirements(lines):
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        found[canonicalize_name(requirement.name)] = Version(pin.version)
    return found


def _constraints() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return _pins([line for line in lines if line and not line.startswith("#")])


def _conda() -> tuple[list[str], list[str]]:
    """The conda packages, and the lines that go to pip."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return [entry for entry in listed if isinstance(entry, str)], listed[-1]["pip"]


def _direct(*extras: str) -> list[Requirement]:
    """What the project itself asks for; extras that name extras of the project are followed."""
    found = _requirements(PROJECT["dependencies"])
    waiting = list(extras)
    while waiting:
        for requirement in _requirements(EXTRAS[waiting.pop()]):
            if requirement.name == PROJECT["name"]:
                waiting += requirement.extras
            else:
                found.append(requirement)
    return found


def _installed_closure() -> set[str]:
    """Everything that the project with its extras brings along here, directly or not."""
    seen: dict[str, set[str]] = {}
    waiting = [(PROJECT["name"], {"", *EXTRAS})]
    while waiting:
        name, extras = waiting.pop()
        new = extras - seen.setdefault(canonicalize_name(name), set())
        seen[canonicalize_name(name)] |= new
        try:
            needs = _requirements(distribution(name).requires or [])
        except PackageNotFoundError:
            continue
        for requirement in needs:
            marker = requirement.marker
            if any(marker is None or marker.evaluate({"extra": extra}) for extra in new):
                waiting.append((requirement.name, {"", *requirement.extras}))
    return set(seen) - {canonicalize_name(PROJECT["name"])}


def test_every_requirement_is_pinned_within_its_range() -> None:
    pins = _constraints()
    for requirement in _direct(*EXTRAS):
        assert canonicalize_name(requirement.name) in pins, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_whatever_comes_along_is_pinned_too() -> None:
    # torch pins its own companions on machines with CUDA, to the bit.
    ours = {name for name in _installed_closure() if not re.match(r"nvidia-|cuda-|triton$", name)}
    assert sorted(ours - set(_constraints())) == []


def test_conda_gets_the_same_versions() -> None:
    packages, pip = _conda()
    pinned = _pins([line for line in pip if not line.startswith("-")])
    constraints = _constraints()
    assert {name: constraints[name] for name in pinned} == pinned
    assert set(pinned) == {canonicalize_name(requirement.name) for requirement in _direct("all")}
    assert "-c constraints.txt" in pip
    assert "-e ." in pip
    assert "python=3.11" in packages


def test_conda_chooses_open3d_as_pyproject_does() -> None:
    _, pip = _conda()
    ours = {
        r.name: str(r.marker) for r in _requirements([line for line in pip if not line.startswith("-")]) if r.marker
    }
    assert ours == {r.name: str(r.marker) for r in _direct("all") if r.marker}


def test_one_opencv() -> None:
    """Two cv2 wheels overwrite each other's files."""
    assert [name for name in _constraints() if name.startswith("opencv")] == ["opencv-contrib-python-headless"]


@pytest.mark.parametrize("target", ["demo", "test", "check", "docs", "package", "fuzz", "samples", "pictures", "clean"])
def test_the_makefile_has_what_it_promises(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert re.search(rf"^#.*make {target}\b", makefile, re.MULTILINE)


def test_demo_installs_neither_window_nor_test_tools() -> None:
    light = {canonicalize_name(requirement.name) for requirement in _direct()}
    assert not light & {"open3d", "open3d-cpu", "pytest", "mypy", "ruff"}


def test_the_continuous_integration_script_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert "export CI=true" in text


def test_no_path_of_one_machine() -> None:
    """Nothing in the set-up points into somebody's home or at a private index."""
    for name in ("Makefile", "constraints.txt", "environment.yml", ".ci/run", "pyproject.toml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|work|opt|Users)/|index-url|find-links|registry", text), name


def test_licence() -> None:
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert PROJECT["license"] == "MIT AND Apache-2.0"
    for name in PROJECT["license-files"]:
        assert (ROOT / name).is_file(), name
    assert Path(PROJECT["readme"]).name == "README.md"


def test_one_version() -> None:
    """The package's own is the only one that is written by hand but for the citation's."""
    assert PROJECT["dynamic"] == ["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == depth3d.__version__


def test_everything_that_others_made_is_listed_with_its_licence() -> None:
    listed = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:depth3d|docs)/[\w./-]+)`", listed):
        assert (ROOT / path).exists(), path
    licences = [path for folder in ("depth3d", "docs") for path in (ROOT / folder).rglob("*LICENSE*")]
    assert len(licences) >= 3
    for path in licences:
        assert str(path.relative_to(ROOT)) in listed, path


def test_forms_and_workflows_can_be_read() -> None:
    forms = [*(ROOT / ".github").rglob("*.yml"), ROOT / "CITATION.cff"]
    assert len(forms) >= 4
    for path in forms:
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict), path


@pytest.mark.parametrize("name", ["Dockerfile", ".github/workflows/release.yml"])
def test_what_was_never_run_says_so_first(name: str) -> None:
    first = (ROOT / name).read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"# Not (run|built) where it was written: ", first)
