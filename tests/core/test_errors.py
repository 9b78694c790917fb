"""Errors are data, and their words are made in one place."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from depth3d.core import errors
from depth3d.core.errors import Depth3DError, MissingExtraError, UsageError
from depth3d.scenes.outputs import target_of

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Depth3DError)]


def test_the_words_follow_from_the_data() -> None:
    error = UsageError("fps must be positive", value=-1, remedy="leave it out for 24")
    assert str(error) == "fps must be positive, got -1; leave it out for 24"
    assert (error.what, error.value, error.remedy) == ("fps must be positive", "-1", "leave it out for 24")
    assert str(UsageError("a whole sentence")) == "a whole sentence"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_data_travel_between_processes(kind: type[Depth3DError]) -> None:
    error = kind("a", "b", "c") if kind is MissingExtraError else kind("what", value=3, remedy="remedy")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (str(back), back.what, back.value, back.remedy) == (str(error), error.what, error.value, error.remedy)


def test_every_line_is_one_line() -> None:
    assert str(UsageError("a\nb", value="\x00", remedy="é")) == "a b, got \\x00; é"


def test_an_unknown_suffix_has_a_remedy() -> None:
    with pytest.raises(UsageError) as caught:
        target_of(Path("a.gbl"))
    assert caught.value.what == "a.gbl: the suffix '.gbl' names no known format"
    assert caught.value.remedy.startswith("use one of .ply")
    assert caught.value.remedy.endswith("; did you mean .glb?")
