"""Whether packages of the extras are there, found out before any work and without loading them."""

from __future__ import annotations

import importlib.util

from depth3d.core.errors import MissingExtraError


def check_installed(purpose: str, extra: str, *packages: str) -> None:
    """Refuse before any work what needs a package that is not there; nothing is loaded.

    Args:
        purpose: what the user wants, such as "LAZ files".
        extra: the extra of depth3d that brings the packages.
        packages: names that are imported, which are those of their distributions too.

    Raises:
        MissingExtraError: one of them cannot be found.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(purpose, package, extra)
