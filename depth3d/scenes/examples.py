"""Sample photos with camera and true distances, the same as in samples/, for those who have no photo at hand."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = ("room", "courtyard", "desk")

_FOLDER = Path(__file__).parent / "examples"


def example_photo(name: str) -> Path:
    """The photo of one of EXAMPLES."""
    return _FOLDER / f"{name}.jpg"


def example_camera(name: str) -> Path:
    """Its exact intrinsics."""
    return _FOLDER / f"{name}_camera.json"


def example_hints(name: str) -> Path:
    """Some true distances and lengths in it."""
    return _FOLDER / f"{name}_hints.json"
