"""A photo as an ONNX graph wants it: size, order of axes and channels, range, type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import WeightsError
from depth3d.predictors.external.graph import Port
from depth3d.predictors.external.network_terms import NetworkTerms
from depth3d.predictors.spec import IMAGENET_MEAN, IMAGENET_STD

USUAL_SIZE, USUAL_MULTIPLE = 518, 14
"""What networks on DINOv2 take, as most of today's are, where a file takes any size and does not say."""

Triple = tuple[float, float, float]

NORMALISATIONS: dict[str, tuple[Triple, Triple]] = {
    "ImageNet's mean and std": (IMAGENET_MEAN, IMAGENET_STD),
    "0 to 1": ((0, 0, 0), (1, 1, 1)),
    "-1 to 1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "0 to 255": ((0, 0, 0), (1 / 255, 1 / 255, 1 / 255)),
}
"""What networks usually want to see; where a file does not say, each is tried on photos of known depth."""


@dataclass(frozen=True, slots=True)
class PictureInput:
    """How a photo becomes the input of a graph.

    Attributes:
        port: the input.
        channels_last: the axes are (1, h, w, 3), not (1, 3, h, w).
        terms: what is stated about the network.
    """

    port: Port
    channels_last: bool
    terms: NetworkTerms

    @property
    def is_normalised(self) -> bool:
        """Whether the input is float, so that it has a range that must be known."""
        return bool(np.issubdtype(self.port.dtype, np.floating))

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of the picture the graph sees of a photo of this size."""
        shape = self.port.shape
        fixed_h, fixed_w = (shape[1], shape[2]) if self.channels_last else (shape[2], shape[3])
        longer, step = self.terms.size or USUAL_SIZE, self.terms.multiple_of or USUAL_MULTIPLE
        scale = longer / max(width, height)
        free_w, free_h = (max(1, round(side * scale / step)) * step for side in (width, height))
        return fixed_w or free_w, fixed_h or free_h

    def prepare(self, rgb: NDArray[np.uint8], normalisation: tuple[Triple, Triple]) -> NDArray[np.generic]:
        """The input for an (H, W, 3) photo; where the graph has one size, the whole photo is stretched to it."""
        import cv2

        width, height = self.size_for(rgb.shape[1], rgb.shape[0])
        shrinks = width <= rgb.shape[1] and height <= rgb.shape[0]
        picture: NDArray[np.generic] = np.asarray(rgb)
        if (width, height) != (rgb.shape[1], rgb.shape[0]):
            how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            picture = np.asarray(cv2.resize(rgb, (width, height), interpolation=how))
        if self.is_normalised:
            mean, std = (np.asarray(one, np.float32) for one in normalisation)
            picture = (np.asarray(picture, np.float32) / np.float32(255) - mean) / std
        if self.terms.bgr:
            picture = picture[..., ::-1]
        axes = picture[None] if self.channels_last else picture.transpose(2, 0, 1)[None]
        return np.ascontiguousarray(axes.astype(self.port.dtype))


def find_picture_input(inputs: tuple[Port, ...], terms: NetworkTerms, name: str) -> PictureInput:
    """The input that takes the photo.

    Raises:
        WeightsError: no input, or several, take a picture of three channels.
    """
    wanted = []
    for port in inputs:
        if len(port.shape) == 4 and port.dtype is not np.void:
            if port.shape[1] == 3:
                wanted.append(PictureInput(port, False, terms))
            elif port.shape[3] == 3:
                wanted.append(PictureInput(port, True, terms))
    if len(wanted) != 1:
        shapes = ", ".join(f"{one.name} {_in_words(one.shape)}" for one in inputs)
        raise WeightsError(
            f"{name}: needs one input of shape (1, 3, h, w) or (1, h, w, 3), and has {shapes}; export it with one"
        )
    if wanted[0].port.shape[0] not in (None, 1):
        raise WeightsError(f"{name}: takes {wanted[0].port.shape[0]} photos at once; export it for one")
    return wanted[0]


def _in_words(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if one is None else str(one) for one in shape)})"
