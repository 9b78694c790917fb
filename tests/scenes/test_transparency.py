"""What is transparent in a photo gives no geometry, in every format that has transparency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import depth3d as d3
from depth3d.core.errors import UsageError
from depth3d.io.photos.photo import read_photo

OPTIONS = d3.Options.of(fov_x_deg=60.0, refine=False)


def ramp(rgb: np.ndarray) -> np.ndarray:
    return np.tile(np.linspace(0.2, 1, rgb.shape[0])[:, None], (1, rgb.shape[1]))


SEES = d3.predictor(kind="disparity")(ramp)


def picture(alpha: np.ndarray) -> Image.Image:
    rgb = np.random.default_rng(0).integers(0, 256, (*alpha.shape, 3)).astype(np.uint8)
    return Image.fromarray(np.dstack([rgb, alpha]))


def half_clear() -> np.ndarray:
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:, :20], alpha[:, 20:25] = 0, 100
    return alpha


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.avif", "a.tif", "a.gif"])
def test_transparent_pixels_give_no_points(tmp_path: Path, name: str) -> None:
    picture(half_clear()).save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    photo = read_photo(tmp_path / name)
    assert photo.alpha is not None
    clear = 25 if name != "a.gif" else int((photo.alpha[0] < 128).sum())  # a GIF's pixels are clear or not
    assert (photo.alpha[:, :clear] < 128).all()
    assert (photo.alpha[:, clear:] >= 128).all()
    scene = d3.reconstruct(photo, predictor=SEES, options=OPTIONS)
    assert np.isnan(scene.depth.z[:, :clear]).all()
    assert np.isfinite(scene.depth.z[:, clear:]).all()
    assert scene.cloud().count == 40 * (60 - clear)
    share = clear / 60
    assert f"{share:.1%} of the picture is transparent and gives no geometry" in scene.notes


def test_an_opaque_alpha_is_none(tmp_path: Path) -> None:
    picture(np.full((8, 8), 255, np.uint8)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").alpha is None


def test_alpha_turns_upright_with_the_photo(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(half_clear()).save(tmp_path / "a.webp", exif=exif, lossless=True)
    photo = read_photo(tmp_path / "a.webp")
    assert photo.size == (40, 60)
    assert photo.alpha is not None
    assert (photo.alpha[:20] == 0).all()
    assert (photo.alpha[25:] == 255).all()


def test_alpha_goes_with_the_lens_distortion(tmp_path: Path) -> None:
    picture(half_clear()).save(tmp_path / "a.png")
    camera = d3.Intrinsics(60, 40, 50, 50, 30, 20, distortion=(-0.2, 0, 0, 0))
    scene = d3.reconstruct(tmp_path / "a.png", predictor=SEES, camera=camera, options=d3.Options.of(refine=False))
    width = scene.depth.size[0]
    assert np.isnan(scene.depth.z[:, : width // 4]).all()
    assert np.isfinite(scene.depth.z[:, width // 2 :]).all()


def test_a_photo_without_anything_opaque_is_refused(tmp_path: Path) -> None:
    picture(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="a.png: nothing of it is opaque; save it without an alpha channel"):
        d3.reconstruct(tmp_path / "a.png", predictor=SEES, options=OPTIONS)
