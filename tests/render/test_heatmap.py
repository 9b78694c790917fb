"""Heat maps."""

from __future__ import annotations

import numpy as np
from synthetic_scenes import ground_plane, small_camera

from depth3d.core.depth import InverseDepth
from depth3d.render.heatmap import UNKNOWN_RGB, to_heatmap


def test_near_is_bright_and_unknown_is_grey() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0, 0] = np.nan
    rgb = to_heatmap(InverseDepth(values)).rgb
    assert tuple(rgb[0, 0]) == UNKNOWN_RGB
    brightness = rgb.astype(int).sum(axis=2).ravel()[1:]
    assert (np.diff(brightness) >= -3).all()
    # Inferno runs from nearly black to pale yellow (van der Walt and Smith, 2015).
    assert rgb[0, 1].max() < 8
    assert rgb[9, 9].tolist() == [252, 255, 164]


def test_metres_and_relative_depth_look_the_same() -> None:
    truth = ground_plane(small_camera(), pitch_down_deg=60)
    np.testing.assert_allclose(
        to_heatmap(truth.depth).rgb.astype(int), to_heatmap(truth.inverse_depth(a=0.2, b=0.1)).rgb.astype(int), atol=3
    )


def test_a_flat_map_has_one_colour() -> None:
    rgb = to_heatmap(InverseDepth(np.full((3, 3), 7, np.float32))).rgb
    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) == 1
