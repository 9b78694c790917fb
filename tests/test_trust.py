"""No file that is read may run code: every call that could unpickle says that it must not."""

from __future__ import annotations

import ast
from functools import cache

from package_code import package_trees

DEMANDS = {"torch.load": ("weights_only", "True"), "np.load": ("allow_pickle", "False")}
DEFAULTS = {"np.load": "False"}
FORBIDDEN = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system", "marshal.loads", "marshal.load"}
ALLOWED = {
    "batch/process_photo.py": "what our own process of the same batch has packed",
    "io/cameras/document.py": "YAML, by a loader that builds lists, dictionaries and text only",
}


@cache
def _calls() -> list[tuple[str, str, ast.Call]]:
    """Every call of the package as (file, what is called, the call)."""
    return [
        (file, ast.unparse(node.func), node)
        for file, tree in package_trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_every_loader_that_could_unpickle_is_told_not_to() -> None:
    wrong, seen = [], set()
    for file, name, call in _calls():
        if name in DEMANDS:
            seen.add(name)
            option, value = DEMANDS[name]
            given = {word.arg: word.value for word in call.keywords}
            said = ast.unparse(given[option]) if option in given else DEFAULTS.get(name)
            if said != value:
                wrong.append(f"{file}:{call.lineno} {name} without {option}={value}")
    assert wrong == []
    assert "torch.load" in seen


def test_nothing_evaluates_text() -> None:
    found = {(file, name) for file, name, _ in _calls() if name in FORBIDDEN or name.startswith("pickle.load")}
    assert {file for file, _ in found} == set(ALLOWED)
    assert ("batch/process_photo.py", "pickle.loads") in found
