"""The words that people read are plain English: phrases that no native speaker writes are kept out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from conftest import ROOT
from package_code import package_trees

PHRASES = {
    r"left away": "left out",
    r"seen from aside": "seen from the side",
    r"may do without": "may leave it out",
    r"\banew\b": "again",
    r"hangs? together": "be connected, be correlated",
    r"\d times of \d": "N times out of M",
    r"[Ss]topped in whatever way": "however it was stopped",
    r"said aloud": "printed",
    r"nobody wants to know": "(leave it out)",
    r"(?<!there )\bis no (file|folder|photo|picture|number|list|capture|trajectory|GLB|JSON|plain)\b": "is not a ...",
    r"\bsome (seconds|minutes|steps)\b": "a few ...",
    r"forbids? to \w+": "forbids ...ing",
    r"something else than": "something other than",
    r"\bbesides that\b|\bnone the less\b": "however",
    r"\bmuch people\b|\binformations\b|\badvices\b|\bsoftwares\b": "(not English)",
    r"\bhow (it|this) looks like\b": "what it looks like",
    r"\bsince (two|three|some) (days|weeks|years)\b": "for ...",
    r"\ballows to \w+": "allows ...ing, lets you ...",
    r"\bdiscuss about\b|\bcapable to\b|\baccording to me\b": "(not English)",
    r"\b(rubber sheet|shelf of|ladder of|kit of|the sentence that)": "(name it by the field's word)",
}


def pages() -> Iterator[tuple[str, str]]:
    """(place, text) of each line of the manual."""
    for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]:
        if path.name != "CHANGELOG.md":  # it tells what older versions said
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                yield f"{path.relative_to(ROOT)}:{number}", line


def strings() -> Iterator[tuple[str, str]]:
    """(place, text) of every string of the package: docstrings, help, messages."""
    for file, tree in package_trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"depth3d/{file}:{node.lineno}", " ".join(node.value.split())


@cache
def texts() -> list[tuple[str, str]]:
    """All of them, looked up by the first test that asks rather than by every process that collects tests."""
    return [*pages(), *strings()]


@pytest.mark.parametrize("phrase", PHRASES)
def test_plain_english(phrase: str) -> None:
    wrong = [f"{place}: {text[:120]}" for place, text in texts() if re.search(phrase, text, re.IGNORECASE)]
    assert wrong == [], f"write: {PHRASES[phrase]}"


def test_the_list_finds_what_it_should() -> None:
    sentences = (
        "The rest is left away.",
        "a.png: is no photo",
        "It takes some seconds.",
        "drawn anew",
        "9 times of 10",
    )
    for sentence in sentences:
        assert any(re.search(phrase, sentence, re.IGNORECASE) for phrase in PHRASES), sentence
    assert not any(re.search(phrase, "there is no photo; several seconds", re.IGNORECASE) for phrase in PHRASES)
