"""What this machine has: libraries that run networks, and a processor."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
from functools import cache
from pathlib import Path

LIBRARIES = ("openvino", "onnxruntime")
"""The libraries that run converted networks; torch is always there."""


@cache
def installed() -> dict[str, str]:
    """The versions of those libraries that are installed; none is imported."""
    return {name: _version(name) for name in LIBRARIES if importlib.util.find_spec(name) is not None}


@cache
def machine_key() -> str:
    """Digits that change with the processor and with the libraries' versions."""
    facts = [*(f"{name} {version}" for name, version in installed().items()), *_processor()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def processor_name() -> str:
    """The processor in words."""
    return next((line for line in _processor() if line), platform.machine())


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:  # a build under another distribution's name
        return str(getattr(importlib.import_module(name), "__version__", "unknown"))


@cache
def _processor() -> tuple[str, ...]:
    """Its name and what it can do, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor(), platform.machine()
    lines = [line.partition(":") for line in cpuinfo.read_text(errors="replace").partition("\n\n")[0].splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in lines}
    return facts.get("model name", ""), facts.get("flags", facts.get("Features", "")), platform.machine()
