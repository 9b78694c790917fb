"""What XMP says of a photo's camera: panoramas (GPano) and crops that were applied (Camera Raw)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth3d.calibration import choose_intrinsics
from depth3d.calibration.applied_crop import find_applied_crop
from depth3d.calibration.photo_sphere import find_panorama
from depth3d.core.equirectangular import Equirect
from depth3d.core.errors import CameraError, UsageError
from depth3d.io.photos.photo import Exif, Photo, read_photo


def packet(namespace: str, facts: dict[str, object]) -> bytes:
    attributes = " ".join(f'f:{name}="{value}"' for name, value in facts.items())
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:f="{namespace}" {attributes}/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def gpano(facts: dict[str, object]) -> bytes:
    return packet("http://ns.google.com/photos/1.0/panorama/", {"ProjectionType": "equirectangular", **facts})


def camera_raw(facts: dict[str, object]) -> bytes:
    return packet("http://ns.adobe.com/camera-raw-settings/1.0/", facts)


def photo_of(width: int, height: int, xmp: bytes | None = None, exif: Exif | None = None) -> Photo:
    return Photo(np.broadcast_to(np.uint8(0), (height, width, 3)), exif or Exif(), "photo.jpg", xmp)


PART = {
    "CroppedAreaLeftPixels": 1000,
    "CroppedAreaTopPixels": 1500,
    "CroppedAreaImageWidthPixels": 6000,
    "CroppedAreaImageHeightPixels": 1200,
    "FullPanoWidthPixels": 8000,
    "FullPanoHeightPixels": 4000,
}
WHOLE = {
    "CroppedAreaLeftPixels": 0,
    "CroppedAreaTopPixels": 0,
    "CroppedAreaImageWidthPixels": 8000,
    "CroppedAreaImageHeightPixels": 4000,
    "FullPanoWidthPixels": 8000,
    "FullPanoHeightPixels": 4000,
}


# Panoramas


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_panorama_from_its_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"panorama{suffix}"
    image = Image.new("RGB", (80, 40))
    if suffix == ".png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", gpano(WHOLE).decode())
        image.save(path, pnginfo=info)
    elif suffix == ".tif":
        image.save(path, tiffinfo={700: gpano(WHOLE)})
    else:
        image.save(path, xmp=gpano(WHOLE))
    found = find_panorama(read_photo(path))
    assert found is not None
    assert (found.size, found.full_width, found.full_height, found.closes) == ((80, 40), 80, 40, True)


def test_a_part_resized_after_capture() -> None:
    found = find_panorama(photo_of(3000, 600, gpano(PART)))
    assert found == Equirect(3000, 600, 4000, 2000, 500, 750, source="XMP: Photo Sphere (GPano)")


def test_xmp_without_numbers_is_of_a_whole_panorama() -> None:
    found = find_panorama(photo_of(3000, 1500, gpano({})))
    assert found is not None
    assert found.reaches_top
    assert found.reaches_bottom
    assert found.closes


def test_a_photo_is_no_panorama_unless_something_says_so() -> None:
    assert find_panorama(photo_of(400, 200)) is None
    assert find_panorama(photo_of(400, 200, camera_raw({"HasCrop": "False"}))) is None
    stated = find_panorama(photo_of(400, 200), stated=True)
    assert stated is not None
    assert stated.closes
    with pytest.raises(UsageError, match="twice as wide as high, this is 400x300"):
        find_panorama(photo_of(400, 300), stated=True)


@pytest.mark.parametrize(
    ("size", "facts", "message"),
    [
        ((8000, 4000), {**WHOLE, "ProjectionType": "cylindrical"}, "in cylindrical projection"),
        ((8000, 3000), WHOLE, "8000x4000, the picture is 8000x3000; it was cropped or turned"),
        ((8000, 4000), {**WHOLE, "FullPanoWidthPixels": "many"}, "FullPanoWidthPixels = 'many', which cannot be"),
        ((8000, 4000), {**WHOLE, "CroppedAreaImageWidthPixels": 0}, "CroppedAreaImageWidthPixels = '0', which cannot"),
        ((8000, 4000), {**WHOLE, "FullPanoWidthPixels": 7000}, "does not lie in a full panorama"),
        ((8000, 4000), {**WHOLE, "CroppedAreaTopPixels": 100}, "does not lie in a full panorama"),
    ],
)
def test_panoramas_that_cannot_be(size: tuple[int, int], facts: dict[str, object], message: str) -> None:
    with pytest.raises(CameraError, match=message):
        find_panorama(photo_of(*size, gpano(facts)))


def test_damaged_xmp_is_said() -> None:
    with pytest.raises(CameraError, match="panorama XMP cannot be read"):
        find_panorama(photo_of(8000, 4000, gpano(WHOLE)[:-60]))


def test_a_panorama_is_no_cameras_picture_unless_one_is_stated() -> None:
    panorama = photo_of(8000, 4000, gpano(WHOLE))
    with pytest.raises(CameraError, match="is a panorama, by its XMP, and no one camera's picture"):
        choose_intrinsics(panorama)
    assert choose_intrinsics(panorama, fov_x_deg=60).fov_x_deg == pytest.approx(60)


# Crops

FILM = Exif(focal_35mm=50)
CROP = {
    "HasCrop": "True",
    "AlreadyApplied": "True",
    "CropLeft": 0.5,
    "CropTop": 0.25,
    "CropRight": 1,
    "CropBottom": 0.75,
}


def test_a_crop_keeps_the_focal_length_of_the_whole_picture_and_its_middle() -> None:
    # The right half and middle rows of 3600x2400, a hundred pixels per millimetre of film.
    photo = photo_of(1800, 1200, camera_raw({**CROP, "CropAngle": 0}), FILM)
    camera = choose_intrinsics(photo)
    assert (camera.fx, camera.fy) == pytest.approx((5000, 5000))
    assert (camera.cx, camera.cy) == pytest.approx((0, 600))
    assert "cropped after capture from about 3600x2400, by XMP" in camera.source
    whole = choose_intrinsics(photo_of(1800, 1200, None, FILM))
    assert whole.fx == pytest.approx(2500)


def test_a_turned_crop_has_the_scale_but_not_the_place() -> None:
    # 3000 columns of 3600 and 1500 rows of 2400, turned: exported as 1500x3000.
    facts = {**CROP, "CropLeft": 0, "CropRight": 3000 / 3600, "CropTop": 0, "CropBottom": 1500 / 2400}
    camera = choose_intrinsics(photo_of(1500, 3000, camera_raw(facts), FILM))
    assert camera.fx == pytest.approx(5000, rel=1e-3)
    assert (camera.cx, camera.cy) == (750, 1500)
    assert "from about 2400x3600, by XMP, taken as from the middle" in camera.source


def test_straightening_is_said() -> None:
    crop = find_applied_crop(photo_of(1800, 1200, camera_raw({**CROP, "CropAngle": -1.5})))
    assert crop is not None
    assert crop.note.endswith("by XMP, straightened by -1.5 degrees")


@pytest.mark.parametrize(
    "change",
    [
        {"HasCrop": "False"},
        {"AlreadyApplied": "False"},
        {"CropLeft": -0.1},
        {"CropRight": 0.501},
        {"CropBottom": 2},
        {"CropTop": "nan"},
        {"CropAngle": "inf"},
        {"CropLeft": "left"},
        {"CropLeft": 0, "CropTop": 0, "CropBottom": 1},
    ],
)
def test_crops_that_are_none(change: dict[str, object]) -> None:
    photo = photo_of(1800, 1200, camera_raw({**CROP, **change}), FILM)
    assert find_applied_crop(photo) is None
    assert choose_intrinsics(photo).fx == pytest.approx(2500)


def test_damaged_crops_are_none() -> None:
    assert find_applied_crop(photo_of(1800, 1200, camera_raw(CROP)[:-60])) is None
    assert find_applied_crop(photo_of(1800, 1200, camera_raw({"HasCrop": "True"}))) is None
