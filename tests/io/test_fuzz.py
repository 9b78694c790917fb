"""Readers of foreign bytes: the files that `make fuzz` spoils are read, and what it has found is kept here."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzed_folders import READERS
from fuzzed_reader import refusal

FOUND = Path(__file__).with_suffix("").with_name("fuzz_corpus")
SLOW = {"weights", "page"}  # whose files would be whole networks; which loads the page's framework
QUICK = [name for name in READERS if name not in SLOW]


@pytest.mark.parametrize("name", QUICK)
def test_what_is_spoilt_is_valid_before(name: str, tmp_path: Path) -> None:
    for suffix, contents in READERS[name].seeds().items():
        for number, content in enumerate(contents):
            path = tmp_path / f"{number}{suffix}"
            path.write_bytes(content)
            assert refusal(READERS[name], path) is None, path.name


def test_what_was_found_gives_a_value_or_one_line() -> None:
    for path in sorted(FOUND.rglob("*.*")):
        refusal(READERS[path.parent.name], path)
