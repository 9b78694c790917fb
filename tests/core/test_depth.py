"""The two depths are checked once, at birth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from depth3d.core.depth import InverseDepth, MetricDepth, sample_known
from depth3d.core.errors import DepthMapError


@pytest.mark.parametrize("kind", [InverseDepth, partial(MetricDepth, unit="m")])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((0, 3)), "non-empty"),
        (np.ones(3), "non-empty"),
        (np.array([[1, np.inf]]), "infinite"),
        (np.full((2, 2), np.nan), "every value is unknown"),
    ],
)
def test_nonsense_is_refused(kind: Callable[..., object], values: np.ndarray, words: str) -> None:
    with pytest.raises(DepthMapError, match=words):
        kind(values)


def test_metric_depth_is_positive() -> None:
    with pytest.raises(DepthMapError, match="positive, got 0"):
        MetricDepth(np.array([[0, 1]], np.float32), unit="m")
    with pytest.raises(DepthMapError, match="sigma has shape"):
        MetricDepth(np.ones((2, 2), np.float32), np.ones((1, 2), np.float32), unit="m")


def test_sizes_are_width_by_height_and_values_float32() -> None:
    inverse_depth = InverseDepth(np.array([[1, 2, np.nan]]))
    assert inverse_depth.size == (3, 1)
    assert inverse_depth.values.dtype == np.float32
    assert MetricDepth(np.ones((2, 5)), unit="m").size == (5, 2)


def test_a_part_of_a_large_map_tells_its_percentiles() -> None:
    values = np.random.default_rng(0).random((1500, 1500), np.float32)
    part = sample_known(values)
    assert part.size == 750 * 750
    np.testing.assert_allclose(np.percentile(part, (2, 98)), (0.02, 0.98), atol=1e-3)
    values[1:, 1:] = np.nan  # in two lines, of which the part has one
    assert sample_known(values).size == 2999
    assert sample_known(values[:3]).size == 1502
