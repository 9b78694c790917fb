"""Lengths and pixels as people write them."""

from __future__ import annotations

import pytest

from depth3d.core.errors import UsageError
from depth3d.core.parsing import parse_length, parse_pixel, parse_pixel_length, parse_pixels, parse_span_length


@pytest.mark.parametrize(
    ("text", "metres", "sigma"),
    [
        ("2.4", 2.4, None),
        ("2.4m", 2.4, None),
        (" 85 cm ", 0.85, None),
        ("300mm", 0.3, None),
        ("6ft", 1.8288, None),
        ("10in", 0.254, None),
        ("1e1m", 10, None),
        ("1.8m±5cm", 1.8, 0.05),
        ("1.8 +- 0.1", 1.8, 0.1),
    ],
)
def test_lengths(text: str, metres: float, sigma: float | None) -> None:
    length = parse_length(text)
    assert length.metres == pytest.approx(metres)
    assert length.sigma_m == (None if sigma is None else pytest.approx(sigma))


@pytest.mark.parametrize("text", ["", "m", "-1m", "0", "nan", "inf", "1e999", "2,4m", "3 yards", "1m±", "1m±1±1"])
def test_what_is_no_length_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_length(text)
    assert repr(text) in str(error.value)


def test_pixels() -> None:
    assert parse_pixel("412,300") == (412, 300)
    assert parse_pixel_length("1.5 , 2.5 = 85cm")[0] == (1.5, 2.5)
    for text in ("412", "412;300", "a,b", "1,2,3"):
        with pytest.raises(UsageError, match="U,V"):
            parse_pixel(text)
    with pytest.raises(UsageError, match="no '='"):
        parse_pixel_length("412,300")


def test_spans_and_rows_of_pixels() -> None:
    start, end, length = parse_span_length("1,2:3,4=1.75m±1cm")
    assert (start, end, length.metres, length.sigma_m) == ((1, 2), (3, 4), 1.75, 0.01)
    assert parse_pixels("1,2:3,4:5,6") == ((1, 2), (3, 4), (5, 6))
    for text in ("1,2=3m", "1,2:3,4", "1,2:3,4:5,6=2m"):
        with pytest.raises(UsageError, match="U1,V1:U2,V2"):
            parse_span_length(text)
