"""From the colour profile in a photo's file to sRGB."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from depth3d.core.errors import Depth3DWarning
from depth3d.io.open_input import DECODER_DAMAGE, shown

if TYPE_CHECKING:
    from PIL import Image, ImageCms


class PhotoWarning(Depth3DWarning):
    """A photo was read, but not everything in its file could be understood."""


def srgb_transform(image: Image.Image, path: Path) -> ImageCms.ImageCmsTransform | None:
    """From the embedded colour profile to sRGB; None where the colours are sRGB already or nothing is said."""
    from PIL import ImageCms

    block = image.info.get("icc_profile")
    if not block:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(block))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return None
        return ImageCms.buildTransform(
            profile,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            _profile_mode(profile.profile.xcolor_space.strip(), image.mode),
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, *DECODER_DAMAGE) as problem:
        message = f"{shown(path)}: the colour profile cannot be used ({problem}); its colours are taken as sRGB"
        warnings.warn(PhotoWarning(" ".join(message.split())), stacklevel=4)
        return None


def _profile_mode(colour_space: str, image_mode: str) -> str:
    """The mode in which a profile takes this image's pixels."""
    grey = image_mode in {"1", "L", "LA"} or image_mode.startswith("I")
    if colour_space == "GRAY" and grey:
        return "L"
    if colour_space == "CMYK" and image_mode == "CMYK":
        return "CMYK"
    if colour_space == "RGB" and image_mode != "CMYK":
        return "RGB"
    raise ValueError(f"it is for {colour_space}, the picture is {image_mode}")
