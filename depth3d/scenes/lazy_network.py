"""The network of a reconstruction: loaded when it is first needed, and run once per photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.core.options import DepthOptions
from depth3d.io.photos.photo import Photo
from depth3d.predictors import Predictor, load_predictor, may_know_camera
from depth3d.predictors.external.network_terms import NetworkTerms
from depth3d.predictors.to_inverse import to_inverse_depth
from depth3d.refine import refine_depth

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress
    from depth3d.predictors.prediction import Kind, Prediction


def load_network(options: DepthOptions, *, progress: Progress | None = None) -> Predictor:
    """The predictor that the options name.

    Raises:
        Depth3DError: see `load_predictor`.
    """
    return load_predictor(
        options.predictor,
        weights=options.weights,
        runtime=options.runtime,
        precision=options.precision,
        threads=options.threads,
        terms=terms_of(options),
        progress=progress,
    )


def terms_of(options: DepthOptions) -> NetworkTerms:
    """What the options state about a network of others.

    Raises:
        UsageError: there is no such kind of output, or a number cannot be meant.
    """
    kind = cast("Kind | None", options.output_kind)
    return NetworkTerms(output_kind=kind, mean=options.input_mean, std=options.input_std, size=options.input_size)


_DEFAULTS = DepthOptions()
_TERMS = ("output_kind", "input_mean", "input_std", "input_size")
_OF_NETWORKS = ("predictor", "weights", "runtime", "precision", "threads", *_TERMS)


class Network:
    """What sees a photo's depth, and its camera where the predictor tells one.

    Args:
        options: which predictor, and how edges are refined.
        predictor: a predictor, or a function that stands for one, instead of the options' own.
        progress: called while weights are downloaded.

    Raises:
        UsageError: a predictor is given, and options that belong to the package's own.
    """

    def __init__(self, options: DepthOptions, predictor: Any = None, progress: Progress | None = None) -> None:
        named = next((name for name in _OF_NETWORKS if getattr(options, name) != getattr(_DEFAULTS, name)), None)
        if predictor is not None and named is not None:
            raise UsageError(f"{named}: a predictor is given already; leave out one of them")
        self._options, self._given, self._progress = options, predictor, progress
        self._predictor: Predictor | None = None
        self._seen: tuple[Photo, Prediction] | None = None

    def camera(self, photo: Photo) -> Intrinsics | None:
        """The network's own camera of the photo, if it tells one; networks that never do are not run for this."""
        if self._given is None and not may_know_camera(self._options.predictor):
            return None
        return self._see(photo).camera(photo.size)

    def inverse_depth(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What the network sees, its edges brought onto the photo's unless the options say otherwise."""
        o = self._options
        seen = self.unrefined(photo, camera)
        return refine_depth(seen, photo.rgb, refine=o.refine is not False, smooth_px=o.smooth_px)

    def unrefined(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What the network sees, as it says it."""
        if self._seen is not None and self._seen[0] is photo:
            return to_inverse_depth(self._seen[1], photo.size, camera)
        return self._loaded().predict(photo, camera)

    def _see(self, photo: Photo) -> Prediction:
        if self._seen is None or self._seen[0] is not photo:
            self._seen = (photo, self._loaded().see(photo))
        return self._seen[1]

    def _loaded(self) -> Predictor:
        if self._predictor is None:
            from depth3d.predictors.plugins import as_predictor

            given = self._given
            self._predictor = as_predictor(
                load_network(self._options, progress=self._progress) if given is None else given
            )
        return self._predictor
