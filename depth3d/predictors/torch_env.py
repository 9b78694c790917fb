"""The one place that imports torchvision and timm, so that a torchvision without its C++ operators still works.

PyPI's Linux wheels of torchvision are built against CUDA torch. Beside the CPU build of torch their extension cannot be
loaded, the operators it would have defined are unknown, and ``import torchvision`` ends in ``operator torchvision::nms
does not exist``. depth3d calls none of these operators, and timm, which imports torchvision, does not either for the
encoders used here. So where the import fails for that reason, and only there, the schemas of the missing operators are
declared and the import is repeated. A healthy torchvision is imported untouched.

Both load torch's compiler, which depth3d does not use, to ask whether it is supported and to tell it what to leave as
it is. That takes as long as loading torch itself, so a stand-in answers while they are imported; whoever compiles
afterwards gets torch's own.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch.library

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def import_torchvision() -> ModuleType:
    """Import torchvision, declaring its operators first where its extension cannot be loaded.

    Returns:
        The module. Its own operators (such as ``torchvision.ops.nms``) raise when called if they were only declared.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: torchvision fails to import for any other reason than missing operators.
    """
    try:
        return _import_without_compiler("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    _forget_half_imported("torchvision")
    _declare_operators()
    return _import_without_compiler("torchvision")


def _import_without_compiler(name: str) -> ModuleType:
    """Import a module while `torch._dynamo` is a stand-in that compiles nothing; plainly, where that is not enough."""
    if "torch._dynamo" in sys.modules:
        return _quiet_import(name)
    compiler, utilities = ModuleType("torch._dynamo"), ModuleType("torch._dynamo.utils")
    utilities.is_compile_supported = lambda device_type: False  # type: ignore[attr-defined]
    compiler.disable = _as_it_is  # type: ignore[attr-defined]
    stand_ins = {"torch._dynamo": compiler, "torch._dynamo.utils": utilities}
    sys.modules.update(stand_ins)
    try:
        return _quiet_import(name)
    except (AttributeError, ImportError):
        _forget_half_imported(name)
    finally:
        for stand_in in stand_ins:
            del sys.modules[stand_in]
    return _quiet_import(name)


def _as_it_is(function: Any = None, *_: object, **__: object) -> Any:
    """Stand for `torch._dynamo.disable`: a function that is not compiled needs no mark."""
    return _as_it_is if function is None else function


@cache
def import_timm() -> ModuleType:
    """Import timm after torchvision.

    Returns:
        The module.

    Raises:
        ImportError: timm or torchvision is not installed.
    """
    import_torchvision()
    return _import_without_compiler("timm")


@cache
def _declare_operators() -> torch.library.Library:
    """Declare the missing operators; the declarations live as long as the returned library, hence the cache."""
    import torch.library

    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            library.define(schema)  # type: ignore[no-untyped-call]
    return library


def _forget_half_imported(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def _quiet_import(name: str) -> ModuleType:
    """Import a module whose own deprecation warnings are not ours to act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
