"""Files of hints: every kind, and every slip named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import Depth3DError, HintError
from depth3d.io.photos.photo import Photo
from depth3d.io.points.hints_file import read_hints
from depth3d.scale import (
    CameraHeight,
    DepthAt,
    DistanceAt,
    Farthest,
    Hint,
    InfinityAt,
    LengthBetween,
    Nearest,
    RightAngle,
    SparsePoints,
)


def _read(tmp_path: Path, document: Any, **of: Any) -> tuple[Hint, ...]:
    file = tmp_path / "hints.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return read_hints(file, **of)


EVERY_KIND: list[tuple[dict[str, Any], Hint]] = [
    ({"kind": "at", "u": 412, "v": 300.5, "metres": 1.8, "what": "the shelf"}, DistanceAt(412, 300.5, 1.8)),
    ({"kind": "at", "u": 1, "v": 2, "metres": "6ft", "sigma": "2in"}, DistanceAt(1, 2, 6 * 0.3048, 2 * 0.0254)),
    ({"kind": "depth-at", "u": 1, "v": 2, "metres": "2.4m±5cm"}, DepthAt(1, 2, 2.4, 0.05)),
    ({"kind": "near", "metres": "80cm"}, Nearest(0.8)),
    ({"kind": "far", "metres": 12, "sigma": 1}, Farthest(12, 1)),
    ({"kind": "size", "from": [1, 2], "to": [3, 4], "metres": 1.75}, LengthBetween((1, 2), (3, 4), 1.75)),
    (
        {"kind": "right-angle", "first": [1, 2], "corner": [3, 4], "second": [5, 7], "note": "a door"},
        RightAngle((1, 2), (3, 4), (5, 7)),
    ),
    (
        {"kind": "right-angle", "first": [1, 2], "corner": [3, 4], "second": [5, 7], "sigma_deg": 5},
        RightAngle((1, 2), (3, 4), (5, 7), 5),
    ),
    ({"kind": "infinity", "u": 600, "v": 40}, InfinityAt(600, 40)),
    ({"kind": "camera-height", "metres": 1.6}, CameraHeight(1.6)),
    ({"kind": "camera-height", "metres": 1.6, "pitch_deg": -3}, CameraHeight(1.6, -3)),
    ({"kind": "camera-height", "metres": "160cm±2cm", "horizon_v": 20}, CameraHeight(1.6, None, 20, 0.02)),
]


@pytest.mark.parametrize(("entry", "hint"), EVERY_KIND)
def test_every_kind_is_read(tmp_path: Path, entry: dict[str, Any], hint: Hint) -> None:
    assert _read(tmp_path, [entry]) == (hint,)


def test_the_order_is_kept_and_both_forms_mean_the_same(tmp_path: Path) -> None:
    entries = [entry for entry, _ in EVERY_KIND]
    expected = tuple(hint for _, hint in EVERY_KIND)
    assert _read(tmp_path, entries) == _read(tmp_path, {"hints": entries, "photo": "a.jpg"}) == expected


def test_points_are_listed_or_in_a_file_beside(tmp_path: Path) -> None:
    (listed,) = _read(tmp_path, [{"kind": "points", "points": [[1, 2, 4], [3, 4, 5, 0.5]]}])
    assert isinstance(listed, SparsePoints)
    assert (listed.u.tolist(), listed.metres.tolist()) == ([1, 3], [4, 5])
    assert np.asarray(listed.relative_sigma).tolist() == [0.02, 0.1]
    np.save(tmp_path / "lidar.npy", np.full((3, 4), 2000.0))
    entry = {"kind": "points", "file": "lidar.npy", "units_per_metre": 1000}
    photo, camera = Photo(np.zeros((48, 64, 3), np.uint8)), Intrinsics(64, 48, 50, 50, 32, 24)
    (read,) = _read(tmp_path, [entry], photo=photo, camera=camera)
    assert isinstance(read, SparsePoints)
    assert read.metres.tolist() == [2.0] * 12
    with pytest.raises(HintError, match=r"hint 1 \(points\): a file of points can only be read for a photo"):
        _read(tmp_path, [entry])


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('"at"', "holds no hints"),
        ("{}", "holds no hints"),
        ("[]", "holds no hints"),
        ([3], "hint 1: is not an object such as"),
        ([{"kind": "near", "metres": 1}, {}], "hint 2 ((none)): unknown kind; known: at, depth-at"),
        ([{"kind": "at", "u": 1, "v": 2}], "hint 1 (at): 'metres' is missing"),
        ([{"kind": "at", "u": 1, "v": 2, "metres": 0}], "a length must be positive"),
        ([{"kind": "at", "u": 1, "v": 2, "metres": "2 miles"}], "'2 miles' is not a length"),
        ([{"kind": "at", "u": "x", "v": 2, "metres": 1}], "'u' must be a number, got 'x'"),
        ([{"kind": "at", "u": True, "v": 2, "metres": 1}], "'u' must be a number, got 'True'"),
        ('[{"kind": "at", "u": NaN, "v": 2, "metres": 1}]', "'u' must be a number, got 'nan'"),
        ([{"kind": "at", "u": 1, "v": 2, "metres": 1, "sigm": 1}], "unknown: sigm; free text goes into 'what'"),
        ([{"kind": "at", "u": 1, "v": 2, "metres": "1m±1cm", "sigma": 1}], "states its uncertainty twice"),
        ([{"kind": "size", "from": [1], "to": [3, 4], "metres": 1}], "'from' must be a pixel such as [412, 300]"),
        ([{"kind": "size", "from": [3, 4], "to": [3, 4], "metres": 1}], "both ends are the same pixel"),
        ([{"kind": "camera-height", "metres": 1, "pitch_deg": 1, "horizon_v": 1}], "not both"),
        ([{"kind": "points", "points": []}], "'points' must be a list"),
        ([{"kind": "points", "points": [[1, 2]]}], "a point is [u, v, z] or [u, v, z, sigma], got '[1, 2]'"),
        ([{"kind": "points", "points": [[1, 2, -1]]}], "positive and finite"),
        ([{"kind": "points", "points": [[1, 2, 0, 1]]}], "positive and finite"),
        ([{"kind": "points", "file": 3}], "a file of points can only be read for a photo"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, document: Any, says: str) -> None:
    with pytest.raises(HintError) as caught:
        _read(tmp_path, document)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from([*{entry["kind"] for entry, _ in EVERY_KIND}, "points"]),
    rest=st.dictionaries(
        st.sampled_from(
            ["u", "v", "metres", "sigma", "from", "to", "first", "corner", "second", "points", "pitch_deg"]
        ),
        values,
    ),
)
def test_any_values_give_hints_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, kind: str, rest: dict[str, Any]
) -> None:
    assert "\n" not in _refusal(tmp_path_factory.getbasetemp(), [{"kind": kind, **rest}])


def _refusal(folder: Path, document: Any) -> str:
    try:
        _read(folder, document)
    except Depth3DError as problem:
        return str(problem)
    return ""


def test_the_hints_of_the_samples_are_read() -> None:
    files = sorted((Path(__file__).parents[3] / "samples").glob("**/*hints.json"))
    if not files:
        pytest.skip("there are no samples with hints yet")
    for file in files:
        assert read_hints(file)
