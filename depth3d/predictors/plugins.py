"""Predictors that are not ours: functions, objects and entry points of other packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.core.plugins import load_offer, offers
from depth3d.predictors.prediction import Kind, Prediction, check_kind
from depth3d.predictors.to_inverse import to_inverse_depth

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.io.photos.photo import Photo
    from depth3d.predictors import Predictor

GROUP = "depth3d.predictors"
"""The entry point group under which a package offers predictors by name."""

Function = Callable[[NDArray[np.uint8]], "NDArray[np.number[Any]] | Prediction"]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionPredictor:
    """A function from a photo's pixels to depth of a stated kind; still callable as that function.

    Attributes:
        function: takes (H, W, 3) uint8 sRGB and returns an array of that kind, of any size, or a `Prediction`.
        kind: what the array holds; None where the function returns a `Prediction`, which says so itself.
        name: what messages call it.
        metric_sigma: for metric kinds, one standard deviation of the scale as a share.
        licence: of the network behind it.
    """

    function: Function
    kind: Kind | None
    name: str
    metric_sigma: float | None = None
    licence: str = "not stated"

    def __post_init__(self) -> None:
        if self.kind is not None:
            check_kind(self.kind)

    @property
    def weights_id(self) -> str:
        """Which function it is; what it computes with is its own affair."""
        return f"{getattr(self.function, '__module__', '')}.{self.name}"

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.number[Any]] | Prediction:
        """Call the function."""
        return self.function(rgb)

    def see(self, photo: Photo) -> Prediction:
        """What the function says about the photo.

        Raises:
            UsageError: it returned something other than it should.
            DepthMapError: its array does not fit its kind.
        """
        answer = self.function(photo.rgb)
        details = (("network", self.name), ("licence", self.licence))
        if isinstance(answer, Prediction):
            return replace(answer, details=(*details, *answer.details))
        if self.kind is None:
            raise UsageError(
                f"predictor {self.name}: returned {type(answer).__name__} and no kind is stated; decorate the function "
                "with depth3d.predictor(kind=...), or return a Prediction"
            )
        values = np.asarray(answer)
        if not np.issubdtype(values.dtype, np.number) or np.issubdtype(values.dtype, np.complexfloating):
            raise UsageError(f"predictor {self.name}: returned {type(answer).__name__}, not an array of numbers")
        picture = as_picture(values.astype(np.float32), self.kind)
        return Prediction(picture, self.kind, metric_sigma=self.metric_sigma, source=self.name, details=details)

    def predict(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What it says, as inverse depth of the photo's size."""
        return to_inverse_depth(self.see(photo), photo.size, camera)


def as_picture(values: NDArray[np.float32], kind: Kind) -> NDArray[np.float32]:
    """An array without the axes of length one that networks put before or behind their pictures."""
    wanted = 3 if kind in ("points", "metric points") else 2
    while values.ndim > wanted and values.shape[0] == 1:
        values = values[0]
    if wanted == 2 and values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    return values


@dataclass(frozen=True, slots=True, eq=False)
class _Adapted:
    """An object that has only ``predict(photo)``, as predictors had first."""

    inner: Any
    name: str
    weights_id: str

    def see(self, photo: Photo) -> Prediction:
        seen = self.predict(photo)
        kind: Kind = "disparity" if seen.zero_is_infinity else "inverse"
        return Prediction(
            seen.values,
            kind,
            noise_strength=seen.noise_strength,
            noise_reach=seen.noise_reach,
            source=seen.source,
            details=seen.details,
        )

    def predict(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        del camera
        seen = self.inner.predict(photo)
        if not isinstance(seen, InverseDepth):
            raise UsageError(f"predictor {self.name}: predict returned {type(seen).__name__}, not InverseDepth")
        return seen


def predictor(
    *, kind: Kind | None = None, name: str | None = None, metric_sigma: float | None = None, licence: str = "not stated"
) -> Callable[[Function], FunctionPredictor]:
    """Make a function from pixels to depth a predictor.

    Args:
        kind: what its array holds, see `depth3d.predictors.prediction.Kind`; None where it returns a `Prediction`.
        name: what messages call it; None means the function's own name.
        metric_sigma: for metric kinds, one standard deviation of the scale as a share.
        licence: of the network behind it, such as "Apache-2.0".

    Raises:
        UsageError: there is no such kind.
    """

    def decorate(function: Function) -> FunctionPredictor:
        called = name or str(getattr(function, "__name__", "function"))
        return FunctionPredictor(function, kind, called, metric_sigma, licence)

    return decorate


def as_predictor(given: Any) -> Predictor:
    """Whatever stands for a predictor in Python: one of ours, an object with ``see`` or ``predict``, or a function.

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(given, type):
        given = given()
    if hasattr(given, "see") and hasattr(given, "predict"):
        made: Predictor = given
        return made
    name = str(getattr(given, "name", None) or getattr(given, "__name__", type(given).__name__))
    if hasattr(given, "predict"):
        return _Adapted(given, name, str(getattr(given, "weights_id", name)))
    if callable(given):
        return FunctionPredictor(given, getattr(given, "kind", None), name)
    raise UsageError(
        f"a predictor is a function from pixels to depth or has predict(photo), got {type(given).__name__}"
    )


def plugin_names() -> tuple[str, ...]:
    """The names under which installed packages offer predictors."""
    return tuple(sorted(offers(GROUP)))


def load_plugin(name: str) -> Predictor:
    """Load the predictor that an installed package offers under that name.

    Raises:
        UsageError: no package offers it, or it cannot be loaded, or is no predictor.
    """
    return as_predictor(load_offer(GROUP, name, what="predictor"))
