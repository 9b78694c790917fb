"""Each hint has one row, from which its option and its JSON come."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from depth3d.cli.export import export
from depth3d.core.errors import UsageError
from depth3d.core.hint_forms import HINT_FORMS, HintForm, LengthPart, form_of
from depth3d.io.points.hints_file import read_hints
from depth3d.scale import DistanceAt, LengthBetween, RightAngle

WRITTEN = {
    "at": ("412,300=2.4m±5cm", {"u": 412, "v": 300, "metres": 2.4, "sigma": "5cm"}),
    "depth-at": ("412,300=2.4m", {"u": 412, "v": 300, "metres": "2.4m"}),
    "near": ("80cm", {"metres": 0.8}),
    "far": ("12", {"metres": 12}),
    "size": ("40,90:40,400=1.75m", {"from": [40, 90], "to": [40, 400], "metres": 1.75}),
    "camera-height": ("1.6m", {"metres": 1.6}),
    "right-angle": ("10,20:50,20:50,90", {"first": [10, 20], "corner": [50, 20], "second": [50, 90]}),
    "infinity": ("600,40", {"u": 600, "v": 40}),
}


def test_every_form_is_written_here() -> None:
    assert [form.kind for form in HINT_FORMS] == list(WRITTEN)


@pytest.mark.parametrize("form", HINT_FORMS, ids=lambda form: form.kind)
def test_option_and_json_say_the_same(form: HintForm, tmp_path: Path) -> None:
    text, content = WRITTEN[form.kind]
    (tmp_path / "hints.json").write_text(json.dumps([{"kind": form.kind, **content}]))
    assert read_hints(tmp_path / "hints.json") == (form.load()(**form.parse(text)),)


@pytest.mark.parametrize("form", HINT_FORMS, ids=lambda form: form.kind)
def test_the_class_takes_what_is_written(form: HintForm) -> None:
    arguments = set(inspect.signature(form.load()).parameters)
    assert {number.name for number in form.numbers} <= arguments
    assert set(form.parse(WRITTEN[form.kind][0])) <= arguments
    assert ("metres" in arguments) == any(isinstance(part, LengthPart) for part in form.parts)


@pytest.mark.parametrize("form", HINT_FORMS, ids=lambda form: form.kind)
def test_each_is_an_option(form: HintForm) -> None:
    (option,) = [one for one in export.params if one.name == form.name]
    assert f"--{form.kind}" in option.opts
    for number in form.numbers:
        assert not number.option or [one for one in export.params if number.option in one.opts]


def test_what_the_parts_mean() -> None:
    assert form_of("at").load()(**form_of("at").parse("1,2=3m")) == DistanceAt(1, 2, 3)
    assert form_of("size").load()(**form_of("size").parse("1,2:3,4=5m±1m")) == LengthBetween((1, 2), (3, 4), 5, 1)
    assert form_of("right-angle").load()(**form_of("right-angle").parse("1,2:3,4:5,6")) == RightAngle(
        (1, 2), (3, 4), (5, 6)
    )


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("at", "1,2", "has no '='"),
        ("right-angle", "1,2:3,4", "holds 2 pixels; write A:B:C"),
        ("size", "1,2=3m", "1,2=3m"),
        ("near", "-3", "-3"),
    ],
)
def test_other_texts_are_refused(kind: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        form_of(kind).parse(text)


def test_forms_load_no_numpy() -> None:
    code = "import sys, depth3d.core.hint_forms; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
