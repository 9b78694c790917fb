"""What other packages are told before they are loaded: to report nothing to anybody. The one place for such switches.

A package that calls home does so when it is imported, so the environment is set when depth3d is, in this process and
with it in every process that it starts. Whatever the user has set is overruled: nobody who installs depth3d has agreed
to be counted by its dependencies.

That no file may run code is not switched here but said at each call (``weights_only=True``, ``allow_pickle=False``),
and a test looks for calls that do not say it.
"""

from __future__ import annotations

import importlib
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

ENVIRONMENT = {
    "DO_NOT_TRACK": "1",  # the convention that several packages follow
    "GRADIO_ANALYTICS_ENABLED": "False",  # Gradio: which components a page has, and which version is the newest
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, for itself, Gradio and transformers
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime from 1.32: models and processors, to mobile.events.data.microsoft.com
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray: clusters, to usage-stats.ray.io
}
"""Variables that switch a package's reports off."""

_REPORTING_PACKAGE = "openvino_telemetry"
"""OpenVINO reports every import to Google Analytics through this package, and does without where it is not there."""


def switch_off_reports() -> None:
    """Set the environment so that no package loaded from now on reports anything."""
    os.environ.update(ENVIRONMENT)


def import_openvino() -> Any:
    """Import OpenVINO, which then neither connects to Google Analytics nor keeps an identifier in ``~/intel``.

    Raises:
        ImportError: it is not installed.
    """
    with _absent(_REPORTING_PACKAGE):
        return importlib.import_module("openvino")


def import_onnxruntime(submodule: str = "") -> Any:
    """Import onnxruntime, or one of its modules, with its reports switched off.

    Args:
        submodule: such as ``quantization``; the package itself if empty.

    Raises:
        ImportError: it is not installed.
    """
    switch_off_reports()
    package = importlib.import_module("onnxruntime")
    getattr(package, "disable_telemetry_events", lambda: None)()  # where it was imported before depth3d was
    return importlib.import_module(f"onnxruntime.{submodule}") if submodule else package


def start_ray_here(**options: Any) -> None:
    """Start a Ray cluster of this machine's own, which binds and connects to the loopback address only.

    Ray has no switches for all of this. As it is, it opens a UDP socket towards 8.8.8.8 to learn its own address, from
    which RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 spares macOS and Windows; its API server asks the metadata services of
    clouds where it runs, even with reports switched off, and is not started here; and it keeps the token that shuts out
    other users of the machine in ``~/.ray``, so one is drawn here that stays in memory.

    Args:
        options: further ones of ``ray.init``.

    Raises:
        ConnectionError, RuntimeError, ValueError: those of ``ray.init``.
    """
    ray = importlib.import_module("ray")
    constants, node = (importlib.import_module(f"ray._private.{name}") for name in ("ray_constants", "node"))

    def no_api_server(head: Any, **_: Any) -> None:
        head._webui_url = ""

    chosen = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    if not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        chosen["RAY_AUTH_TOKEN"] = _ray_token()
    with (
        _environment(chosen),
        _replaced(constants, "ENABLE_RAY_CLUSTER", False),
        _replaced(node.Node, "start_api_server", no_api_server),
    ):
        ray.init(address="local", include_dashboard=False, **options)


@cache
def _ray_token() -> str:
    """One for all clusters of this process, which reads it once only."""
    return secrets.token_hex(32)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Set variables inside the block; whatever it changes in the environment is undone at its end."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _replaced(place: Any, name: str, value: Any) -> Iterator[None]:
    """Give an attribute that must be there another value inside the block."""
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Make a package impossible to import inside the block; one that was imported before stays what it was."""
    before = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]  # what Python itself understands as "not there"
    try:
        yield
    finally:
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before
