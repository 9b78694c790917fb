"""Sky: blue, white, grey and red, through leaves; walls, ceilings, snow and lakes are none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.refine.sky import find_sky
from depth3d.scenes.options import Options
from depth3d.scenes.photo import reconstruct

WIDTH, HEIGHT, HORIZON = 160, 120, 60
ABOVE = {
    "blue": ((110, 160, 230), (170, 195, 230)),
    "pale blue": ((150, 180, 215), (215, 225, 235)),
    "white": ((252, 252, 252), (255, 255, 255)),
    "grey": ((175, 178, 182), (200, 201, 203)),
    "evening": ((120, 110, 150), (250, 170, 110)),
    "white wall": ((228, 226, 222), (218, 215, 210)),
    "grey wall": ((175, 178, 182), (200, 201, 203)),
    "yellow lamplight": ((240, 180, 100), (200, 150, 90)),
}


def street(above: str, *, noise: float = 1.5) -> NDArray[np.uint8]:
    """A sky that changes towards the horizon, over cobbles."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(30, 150, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    top, bottom = (np.array(colour, float) for colour in ABOVE[above])
    share = np.linspace(0, 1, HORIZON)[:, None, None]
    sky = top + (bottom - top) * share + rng.normal(0, noise, (HORIZON, WIDTH, 3))
    rgb[:HORIZON] = np.clip(sky, 0, 255).astype(np.uint8)
    return rgb


def seen(above: float = 0.0) -> NDArray[np.float32]:
    """Inverse depth: the ground comes nearer; what is above lies at one depth."""
    values = np.repeat(np.linspace(0.05, 1, HEIGHT, dtype=np.float32)[:, None], WIDTH, axis=1)
    values[:HORIZON] = above
    return values


@pytest.mark.parametrize("above", ["blue", "pale blue", "white", "grey", "evening"])
def test_sky_of_any_colour_ends_at_the_horizon(above: str) -> None:
    sky = find_sky(street(above), seen())
    assert sky[: HORIZON - 3].mean() > 0.97
    assert sky[HORIZON + 3 :].mean() < 0.02


def test_blue_is_sky_though_the_network_sees_a_ceiling() -> None:
    ceiling = seen()
    ceiling[:HORIZON] = np.linspace(0.9, 0.3, HORIZON)[:, None]
    assert find_sky(street("blue", noise=0.9), ceiling)[: HORIZON - 3].mean() > 0.95


def test_a_blue_wall_is_no_sky_where_it_is_near_and_less_even() -> None:
    wall = seen()
    wall[:HORIZON] = np.linspace(0.45, 0.6, WIDTH)
    assert not find_sky(street("blue", noise=2.0), wall).any()
    small = street("white wall", noise=2.0)
    small[:20, 40:90] = street("blue", noise=0.9)[:20, 40:90]  # a blue cupboard
    assert not find_sky(small, wall).any()


def test_a_bright_lamp_is_no_sky_unless_nothing_is_farther() -> None:
    room = street("grey wall")
    room[:14, 30:60] = 255
    depth = seen(above=0.3)
    depth[HORIZON : HORIZON + 10] = 0  # a dark window
    depth[:14, 30:60] = 0.06
    assert not find_sky(room, depth).any()
    depth[:14, 30:60] = 0
    assert find_sky(room, depth)[:12, 34:56].mean() > 0.9


def test_clouds_down_to_the_horizon_are_sky() -> None:
    rgb = street("blue")
    rgb[HORIZON - 25 : HORIZON, 20:90] = np.random.default_rng(2).integers(190, 250, (25, 70, 3))
    assert find_sky(rgb, seen())[HORIZON - 22 : HORIZON - 3, 24:86].mean() > 0.95
    hill = seen()
    hill[HORIZON - 25 : HORIZON, 20:90] = 0.1  # snow on a hill
    assert find_sky(rgb, hill)[HORIZON - 20 : HORIZON - 3, 24:86].mean() < 0.2


@pytest.mark.parametrize("above", ["white wall", "grey wall", "yellow lamplight"])
def test_walls_and_ceilings_are_no_sky(above: str) -> None:
    wall = seen()
    wall[:HORIZON] = np.linspace(0.45, 0.6, WIDTH)  # at a slant
    assert not find_sky(street(above), wall).any()
    ceiling = seen()
    ceiling[:HORIZON] = np.linspace(0.8, 0.2, HORIZON)[:, None]
    assert not find_sky(street(above), ceiling).any()


def test_snow_and_lakes_are_no_sky() -> None:
    snow = street("blue")
    snow[HORIZON:] = np.clip(np.random.default_rng(1).normal(244, 3, (HORIZON, WIDTH, 3)), 0, 255).astype(np.uint8)
    snow[HORIZON - 2 : HORIZON + 2] = 60  # trees at the horizon
    assert find_sky(snow, seen())[HORIZON + 4 :].mean() < 0.02
    upside_down = np.ascontiguousarray(street("blue")[::-1])  # blue and far, at the bottom
    assert not find_sky(upside_down, np.ascontiguousarray(seen()[::-1])).any()


def test_sky_is_seen_between_leaves() -> None:
    rgb = street("blue")
    rng = np.random.default_rng(3)
    leaves = cv2.resize(rng.random((24, 22)).astype(np.float32), (WIDTH // 2, HORIZON), interpolation=cv2.INTER_NEAREST)
    foliage = leaves > 0.35
    rgb[:HORIZON, : WIDTH // 2][foliage] = (40, 60, 20)
    near = seen()
    near[:HORIZON, : WIDTH // 2] = 0.4  # the network sees no gaps
    sky = find_sky(rgb, near)[: HORIZON - 3, : WIDTH // 2]
    assert sky[~foliage[: HORIZON - 3]].mean() > 0.6
    assert sky[foliage[: HORIZON - 3]].mean() < 0.1


def test_large_photos_are_looked_at_small_and_unknown_depth_does_no_harm() -> None:
    rgb, values = np.kron(street("blue"), np.ones((5, 5, 1), np.uint8)), np.kron(seen(), np.ones((5, 5), np.float32))
    assert find_sky(rgb, values).mean() == pytest.approx(find_sky(street("blue"), seen()).mean(), abs=0.03)
    values[350:] = np.nan
    assert find_sky(rgb, values)[:280].mean() > 0.9
    assert not find_sky(street("white"), np.full((HEIGHT, WIDTH), np.nan, np.float32))[HORIZON + 8 :].any()


def test_a_scene_has_no_geometry_there_and_its_pictures_have() -> None:
    photo, values = Photo(street("blue")), InverseDepth(seen())
    scene = reconstruct(photo, inverse_depth=values)
    assert scene.sky is not None
    assert np.isnan(scene.depth.z[scene.sky]).all()
    assert np.isfinite(scene.depth.z[~scene.sky]).all()
    pictured = scene.pictured_depth.z
    assert np.isfinite(pictured).all()
    assert (pictured[scene.sky] == np.nanmax(scene.depth.z)).all()
    assert any("is sky and gives no geometry" in note for note in scene.notes)
    kept = reconstruct(photo, options=Options.of(sky="keep"), inverse_depth=values)
    assert kept.sky is None
    assert np.isfinite(kept.depth.z).all()


def test_streets_have_sky_and_kitchens_have_none(shared_data: Path) -> None:
    flat = np.full((48, 64), 1.0, np.float32)  # nothing is known of depth
    for number in (1, 15, 29):
        rgb = read_photo(shared_data / "opensfm_lund" / "images" / f"{number:02d}.jpg").rgb
        sky = find_sky(rgb, cv2.resize(flat, rgb.shape[1::-1]))
        assert 0.05 < sky.mean() < 0.4
        assert sky[: len(sky) // 12].mean() > 0.2
        assert not sky[len(sky) * 3 // 5 :].any()
    for frame in (0, 240, 480, 720):
        rgb = read_photo(shared_data / "rgbd_7scenes_redkitchen" / f"frame-{frame:06d}.color.jpg").rgb
        assert not find_sky(rgb, cv2.resize(flat, rgb.shape[1::-1])).any()
