"""Readers of foreign bytes: the files that `make fuzz` spoils are read, and what it has found is kept here."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign_bytes import READERS, each_suffix, refusal

FOUND = Path(__file__).with_suffix("").with_name("foreign_bytes")
QUICK = [name for name in READERS if name != "weights"]  # whose files would be whole networks


@pytest.mark.parametrize(("name", "suffix"), each_suffix(QUICK))
def test_what_is_spoilt_is_valid_before(name: str, suffix: str, tmp_path: Path) -> None:
    for number, content in enumerate(READERS[name].seeds()[suffix]):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(content)
        assert refusal(READERS[name], path) is None


def test_what_was_found_gives_a_value_or_one_line() -> None:
    for path in sorted(FOUND.rglob("*.*")):
        refusal(READERS[path.parent.name], path)
