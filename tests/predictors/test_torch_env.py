from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from depth3d.predictors import torch_env

FRESH = """
import warnings; warnings.simplefilter("error")
from depth3d.predictors.torch_env import import_timm, import_torchvision
timm, torchvision = import_timm(), import_torchvision()
import torchvision.models as again
assert timm.is_model("resnext101_32x8d") and again.resnext101_32x8d
assert import_timm() is timm
import sys, torch
assert "torch._dynamo" not in sys.modules, "loading the compiler takes as long as loading torch"
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist() == [2, 2]
assert torch._dynamo.utils.is_compile_supported("cpu") in (True, False) and torch._dynamo.config
"""


@pytest.fixture
def fake_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a package of our own in torchvision's place."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    torch_env.import_torchvision.cache_clear()
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "torchvision"
    package.mkdir()
    declared: list[None] = []
    monkeypatch.setattr(torch_env, "_declare_operators", lambda: declared.append(None))
    yield package / "__init__.py", declared
    sys.modules.pop("torchvision", None)
    torch_env.import_torchvision.cache_clear()


def test_timm_and_torchvision_work_in_this_environment() -> None:
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_healthy_torchvision_is_left_alone(fake_torchvision) -> None:
    source, declared = fake_torchvision
    source.write_text("healthy = True\n")
    assert torch_env.import_torchvision().healthy
    assert not declared


def test_what_wants_more_of_the_compiler_is_imported_plainly(fake_torchvision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    source, declared = fake_torchvision
    source.write_text("from torch._dynamo.utils import is_compile_supported, counters\n")
    assert torch_env.import_torchvision().counters is not None
    assert not declared


def test_missing_operators_are_declared_and_the_import_repeated(fake_torchvision) -> None:
    source, declared = fake_torchvision
    marker = source.parent.parent / "second_time"
    source.write_text(
        f"import pathlib\np = pathlib.Path({str(marker)!r})\n"
        "if not p.exists():\n    p.touch()\n    raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    torch_env.import_torchvision()
    assert marker.exists()
    assert len(declared) == 1


def test_any_other_failure_is_not_hidden(fake_torchvision) -> None:
    source, declared = fake_torchvision
    source.write_text("raise RuntimeError('the disk is on fire')\n")
    with pytest.raises(RuntimeError, match="on fire"):
        torch_env.import_torchvision()
    assert not declared
