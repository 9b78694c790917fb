"""A predictor that runs a network of the MiDaS family on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import WeightsError
from depth3d.predictors.prediction import Prediction
from depth3d.predictors.preprocess import prepare_picture, to_photo_size

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.io.photos.photo import Photo
    from depth3d.predictors.runtimes.open_network import OpenNetwork


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPredictor:
    """Photo to relative inverse depth with one network.

    Attributes:
        network: the network, ready to run, with the library and the precision it runs in.
        weights_id: the first 16 hex digits of the weights file's sha256.
        origin: whose weights these are, in words for the user.
        licence: under which the weights are offered.
    """

    network: OpenNetwork
    weights_id: str
    origin: str
    licence: str = "not stated"

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.spec.name

    @property
    def noise_strength(self) -> float:
        """Standard deviation of the relative error of 1/z that neighbouring pixels share, see `NetworkSpec`."""
        return self.network.spec.noise_strength

    @property
    def noise_reach(self) -> float:
        """How far such errors are correlated, as a share of the picture's diagonal, see `NetworkSpec`."""
        return self.network.spec.reach

    def see(self, photo: Photo) -> Prediction:
        """What the network says, in the terms of every predictor."""
        seen = self.predict(photo)
        return Prediction(
            seen.values,
            "inverse",
            noise_strength=seen.noise_strength,
            noise_reach=seen.noise_reach,
            source=seen.source,
            details=seen.details,
        )

    def predict(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """Predict relative inverse depth for every pixel of the photo; only its ``rgb`` is looked at.

        Raises:
            WeightsError: the network's output is not finite, as damaged weights give.
        """
        del camera
        height, width = photo.rgb.shape[:2]
        output = self.network.run(prepare_picture(photo.rgb, self.network.spec))
        if not np.isfinite(output).all():
            raise WeightsError(f"{self.name}: the output is not finite; its weights ({self.origin}) are damaged")
        values = to_photo_size(output, width, height)
        if self.network.spec.output == "any":  # inverse depth is known up to a shift, so the farthest may be zero
            values -= values.min()
        np.maximum(values, np.float32(0), out=values)  # the cubic kernel undershoots beside steps
        details = (
            ("network", self.name),
            ("weights_sha256_begins", self.weights_id),
            ("licence", self.licence),
            ("runtime", self.network.way.runtime),
            ("precision", self.network.way.precision),
        )
        return InverseDepth(
            values,
            source=f"{self.name}, {self.origin}",
            details=details,
            noise_strength=self.noise_strength,
            noise_reach=self.noise_reach,
        )
