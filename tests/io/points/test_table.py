"""Tables of points: every way to write them, and a line number for every slip."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth3d.core.errors import HintError
from depth3d.io.points.pixel_depths import DEFAULT_RELATIVE_SIGMA, PixelDepths, to_hint
from depth3d.io.points.table import table_depths

WAYS = {
    "commas": "412,300,1.8\n50.5,20,2.25\n",
    "spaces": "412 300 1.8\n\n 50.5   20   2.25 ",
    "tabs": "412\t300\t1.8\r\n50.5\t20\t2.25\r\n",
    "semicolons": "412;300;1,8\n50,5;20;2,25\n",
    "comments": "# from the laser\n412, 300, 1.8 # the shelf\n#\n50.5, 20, 2.25",
    "header": "u,v,z\n412,300,1.8\n50.5,20,2.25\n",
    "other order": 'id;"Z";"V";"U"\na;1.8;300;412\nb;2,25;20;50,5',
    "bom": "\ufeffu,v,depth\n412,300,1.8\n50.5,20,2.25",
}


def _table(tmp_path: Path, text: str, units_per_metre: float = 1.0) -> PixelDepths:
    file = tmp_path / "points.csv"
    file.write_text(text, encoding="utf-8")
    return table_depths(file, units_per_metre=units_per_metre)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_points_in_every_way(tmp_path: Path, way: str) -> None:
    found = _table(tmp_path, WAYS[way])
    assert (found.u.tolist(), found.v.tolist(), found.metres.tolist()) == ([412, 50.5], [300, 20], [1.8, 2.25])
    assert found.relative_sigma.tolist() == [DEFAULT_RELATIVE_SIGMA] * 2


def test_utf_16_as_spreadsheets_save_it(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(WAYS["tabs"], encoding="utf-16")
    assert table_depths(tmp_path / "points.csv", units_per_metre=1).u.tolist() == [412, 50.5]


def test_sigma_is_absolute_in_the_file_and_relative_in_the_hint(tmp_path: Path) -> None:
    found = _table(tmp_path, "u,v,z,sigma\n1,2,2000,50\n1,2,4000,\n", units_per_metre=1000)
    assert found.metres.tolist() == [2, 4]
    assert found.relative_sigma.tolist() == [0.025, DEFAULT_RELATIVE_SIGMA]


finite = st.floats(0.001, 1e6, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(finite, finite, finite, finite), min_size=1, max_size=20),
    delimiter=st.sampled_from([",", ";", "\t", " "]),
    header=st.booleans(),
    quoted=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_NONE]),
)
def test_what_pythons_own_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[float, float, float, float]],
    delimiter: str,
    header: bool,
    quoted: int,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoted)
    writer.writerows([("u", "v", "z", "sigma"), *rows] if header else rows)
    found = _table(tmp_path_factory.getbasetemp(), text.getvalue())
    back = np.stack([found.u, found.v, found.metres, found.relative_sigma * found.metres], axis=1)
    np.testing.assert_allclose(back, rows, rtol=1e-12)


@settings(max_examples=80, deadline=None)
@given(content=st.one_of(st.binary(max_size=60), st.text("0123456789.,;\t -eunavz#\n", max_size=60).map(str.encode)))
def test_anything_else_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(content)
    assert "\n" not in _refusal(file)


def _refusal(file: Path) -> str:
    try:
        found = table_depths(file, units_per_metre=1)
    except HintError as problem:
        return str(problem)
    assert (found.metres > 0).all()
    return ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2,3\n1,2", "line 2: 2 columns, expected u, v, z"),
        ("1,2,3\n\n1,2,x", "line 3: 'x' is not a finite number"),
        ("1,2,0", "line 1: the depth must be positive, got 0"),
        ("1,2,-3", "the depth must be positive, got -3"),
        ("1,2,nan", "'nan' is not a finite number"),
        ("1,2,3,0", "the sigma must be positive"),
        ("1,2,3,4,5", "5 columns"),
        ("u,v\n1,2", "no column z among 'u, v'"),
        ("u,v,z\n1,2", "2 columns, the first row names 3"),
        ("name,u,v,z\n1,2,3", "3 columns, the first row names 4"),
        ("not a table at all", "no column u, v, z"),
        ("\udcff1,2,3", "not even text"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "points.csv"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(HintError) as caught:
        table_depths(file, units_per_metre=1)
    assert says in str(caught.value)


def test_points_that_say_the_same_count_once(tmp_path: Path) -> None:
    """A program that writes its only point 300,000 times; the solver would look at each for a minute."""
    found = _table(tmp_path, "5,5,2\n" * 1000 + "6,5,2\n" + "5,5,3\n" + "5,5,2\n" * 1000 + "900,5,2\n")
    points = to_hint(found, (100, 100))
    assert list(zip(points.u, points.v, points.metres, strict=True)) == [(5, 5, 2), (6, 5, 2), (5, 5, 3)]
    assert "1 outside the photo are left out, 1,999 are repetitions and count once" in points.source
