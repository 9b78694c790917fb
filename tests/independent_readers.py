"""Readers that are not ours, for files that are; each says what is missing where it cannot be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from conftest import absent

_SCRIPT = Path(__file__).with_name("gltf_validator.js")


def open3d() -> Any:
    """The module, or a skip where it or a system library it links is missing."""
    try:
        import open3d as module
    except (ImportError, OSError) as error:
        absent(f"Open3D cannot be loaded: {error}")
    return module


def gltf_report(path: Path) -> dict[str, Any]:
    """What Khronos' glTF validator says about a file; needs node, and npm's package gltf-validator.

    The package is looked for in DEPTH3D_GLTF_VALIDATOR (its folder), NODE_PATH, and npm's global folder.
    """
    node = shutil.which("node")
    if node is None:
        absent("the glTF validator needs node")
    environment = dict(os.environ)
    environment["NODE_PATH"] = os.pathsep.join(filter(None, [os.environ.get("NODE_PATH"), _global_packages()]))
    done = subprocess.run([str(node), _SCRIPT, path], env=environment, capture_output=True, text=True, check=False)
    if done.returncode and "Cannot find module" in done.stderr:
        absent("the glTF validator is not installed: npm install --global gltf-validator")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def check_gltf(path: Path) -> dict[str, Any]:
    """The validator's facts about a file in which it finds no error and no warning."""
    report = gltf_report(path)
    issues = report["issues"]
    assert issues["numErrors"] == issues["numWarnings"] == 0, issues["messages"]
    info: dict[str, Any] = report["info"]
    return info


@cache
def _global_packages() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    return subprocess.run([npm, "root", "--global"], capture_output=True, text=True, check=False).stdout.strip()
