"""Every regular expression of the package takes work in proportion to the text, whatever the text is."""

from __future__ import annotations

import ast
import importlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from backtracking import Matcher, attacks

import depth3d

PACKAGE = Path(depth3d.__file__).parent
AT_THE_BEGINNING = {"match", "fullmatch"}
FUNCTIONS = AT_THE_BEGINNING | {"compile", "search", "sub", "split", "findall", "finditer"}
LENGTH = 64
STEEPEST = 1.3
"""Exponent of the growth: 1 is proportional, 2 is quadratic. Small texts have a constant part."""


@dataclass(frozen=True)
class Use:
    """One pattern of the package, and whether it is tried at every place of a text."""

    where: str
    pattern: str
    flags: int
    everywhere: bool


def _uses() -> Iterator[Use]:
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "re." not in source or "import re\n" not in source:
            continue
        tree = ast.parse(source)
        dotted = ".".join(("depth3d", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        values = vars(importlib.import_module(dotted))
        for node in ast.walk(tree):
            if _is_use(node):
                assert isinstance(node, ast.Call)
                yield _use(node, tree, values, f"{path.relative_to(PACKAGE)}:{node.lineno}")


def _is_use(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    )


def _use(call: ast.Call, tree: ast.Module, values: dict[str, Any], where: str) -> Use:
    pattern = _value(call.args[0], values)
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    flags = sum(_value(node, values) for node in call.args[1:] if ast.unparse(node).startswith("re."))
    assert isinstance(call.func, ast.Attribute)
    methods = {call.func.attr} - {"compile"} or _methods(call, tree)
    text = rf"(?:{text})\Z" if "fullmatch" in methods else text
    return Use(where, text, flags, everywhere=not methods <= AT_THE_BEGINNING)


def _methods(compiling: ast.Call, tree: ast.Module) -> set[str]:
    """What is called of a pattern that is compiled into a name of its module."""
    names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and node.value is compiling
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names
    }
    return found or {"search"}


def _value(node: ast.expr, values: dict[str, Any]) -> Any:
    """A constant expression; what is put into it at run time is an "X"."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_value(part, values) for part in (node.left, node.right)]
        return "".join(part.decode("latin-1") if isinstance(part, bytes) else part for part in parts)
    if ast.unparse(node).startswith("re.escape("):
        return "X"
    if isinstance(node, ast.JoinedStr):
        return "".join(str(_value(part, values)) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        try:
            return _value(node.value, values)
        except NameError:
            return "X"
    return eval(compile(ast.Expression(node), "<pattern>", "eval"), {"re": re, **values})


USES = list(_uses())


def steepness(use: Use) -> tuple[float, str]:
    """How the steps grow with the length, for the text that they grow fastest with."""
    matcher = Matcher(use.pattern, use.flags)
    growths = []
    for short, long in attacks(use.pattern, use.flags, LENGTH):
        work = [matcher.work(text, everywhere=use.everywhere) for text in (short, long)]
        growths.append((math.log2(work[1] / work[0]), long))
    return max(growths)


@pytest.mark.parametrize("use", USES, ids=[use.where for use in USES])
def test_work_grows_with_the_text_and_no_faster(use: Use) -> None:
    growth, text = steepness(use)
    assert growth < STEEPEST, f"{use.pattern!r} does {growth:.2f}-th power work on {text[:60]!r}..."


@pytest.mark.parametrize(
    ("pattern", "everywhere"),
    [
        (r"<x:xmpmeta\b.*?</x:xmpmeta>", True),  # stopped the server on 225 kB
        (r"\s*(\d+)\s*(m|cm)?\s*\Z", False),
        (r"(\d+\.?\d*)m", False),
        (r"(a+)+b", False),
        (r"#[^\n]*\n", True),
    ],
)
def test_patterns_that_do_more_are_recognised(pattern: str, everywhere: bool) -> None:
    use = Use("", pattern, re.DOTALL, everywhere)
    if pattern == r"(a+)+b":
        short, long = (Matcher(pattern).work("a" * n, everywhere=False) for n in (8, 16))
        assert long > 100 * short
    else:
        assert steepness(use)[0] > 1.7


@pytest.mark.parametrize("text", ["aaab", "ab.12m", "  12 cm  ", "<x:xmpmeta a</x:xmpmeta>", "xaXbaab"])
@pytest.mark.parametrize("pattern", [r"a+?b", r"\s*(\d+)\s*(m|cm)?\s*$", r"<x:xmpmeta\b.*?</x:xmpmeta>", r"(?<!X)ba*"])
def test_the_counting_matcher_matches_what_python_does(pattern: str, text: str) -> None:
    matcher = Matcher(pattern)
    for at in range(len(text)):
        found = re.compile(pattern).match(text, at)
        assert next(matcher._sequence(matcher._tree, text, at), None) == (found.end() if found else None)
