from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from depth3d.io.notes import as_ascii, single_line_notes


@given(st.dictionaries(st.text(), st.text()))
def test_notes_are_single_lines_of_printable_characters(notes: dict[str, str]) -> None:
    for text in (part for pair in single_line_notes(notes).items() for part in pair):
        assert text
        assert text.isprintable()
        assert text == text.strip()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_words_stay(text: str) -> None:
    words = " ".join(text.split())
    assert single_line_notes({"note": text}) == ({"note": words} if words else {})
    assert as_ascii(words) == words


def test_a_header_cannot_be_ended_early() -> None:
    assert single_line_notes({"photo": "a\nend_header\r\n\0b"}) == {"photo": "a end_header b"}


def test_names_that_are_no_text() -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    assert single_line_notes({"photo": name}) == {"photo": "caf .jpg"}
    assert as_ascii("café") == r"caf\xe9"


def test_order_is_kept_and_no_notes_are_no_notes() -> None:
    assert list(single_line_notes({"b": "1", "a": "2"})) == ["b", "a"]
    assert single_line_notes(None) == {}
