"""The package's source code, for tests that read it; parsed when first asked for, and once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import depth3d

PACKAGE = Path(depth3d.__file__).parent


@cache
def package_trees() -> dict[str, ast.Module]:
    """The syntax tree of every module, by its path within the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
