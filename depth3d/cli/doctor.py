"""`depth3d doctor`: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

import click
from packaging.requirements import Requirement

from depth3d.cli.terminal import json_option, result, wants_json
from depth3d.core.errors import WeightsError

if TYPE_CHECKING:
    from depth3d.predictors.external.catalogue import KnownNetwork

_FOR_WORK_ON_DEPTH3D = {"dev", "docs", "all"}
_VARIABLES = ("DEPTH3D_CACHE", "DEPTH3D_OFFLINE", "DEPTH3D_RUNTIME", "DEPTH3D_WEIGHTS", "HF_HOME", "HF_HUB_OFFLINE")
_MARKS = {"ok": ("ok", "green"), "missing": ("missing", "yellow"), "broken": ("broken", "red")}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that was looked at: its state is ok, missing (one can do without it) or broken (one cannot)."""

    topic: str
    name: str
    state: str
    text: str
    remedy: str = ""


@click.command()
@json_option("Print a line of JSON for each finding: topic, name, state, text, remedy.")
def doctor() -> int:
    """Look at this installation: libraries, extras, networks and what runs them, the display; loads none of them.

    Everything that is missing comes with the command that brings it. The exit code is 1 where something is missing that
    depth3d cannot do without.

    \b
    depth3d doctor
    """
    findings = [*_libraries(), *_networks(), _display(), *_variables()]
    if not wants_json():
        click.echo(f"depth3d on Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    topic = ""
    for finding in findings:
        if finding.topic != topic and not wants_json():
            topic = finding.topic
            click.echo(f"\n{topic}")
        result(_line(finding), asdict(finding))
    return 1 if any(finding.state == "broken" for finding in findings) else 0


def _line(finding: _Finding) -> str:
    word, colour = _MARKS[finding.state]
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    coloured = word if os.environ.get("NO_COLOR") else click.style(word, fg=colour)
    return f"  {finding.name:23} {coloured}{' ' * (8 - len(word))} {finding.text}{remedy}"


def _libraries() -> list[_Finding]:
    """Every requirement of every extra, as the installed package states them."""
    try:
        required = [Requirement(line) for line in requires("depth3d") or ()]
    except PackageNotFoundError:
        return [_Finding("Libraries", "depth3d", "broken", "not installed", "pip install . in its folder")]
    groups: dict[str, list[Requirement]] = {}
    for one in required:
        extra = re.search(r"extra == ['\"](\w+)['\"]", str(one.marker or ""))
        group = extra[1] if extra else ""
        fits = one.marker is None or one.marker.evaluate({"extra": group})
        if fits and group not in _FOR_WORK_ON_DEPTH3D:
            groups.setdefault(group, []).append(one)
    return [_group(extra, wanted) for extra, wanted in groups.items()]


def _group(extra: str, wanted: list[Requirement]) -> _Finding:
    versions = {one.name: _version(one.name) for one in wanted}
    name, install = (
        (f"extra {extra}", f"pip install 'depth3d[{extra}]'") if extra else ("needed", "pip install depth3d")
    )
    lacking = [one.name for one in wanted if not versions[one.name]]
    lacking += [
        f"{one.name}{one.specifier} (there is {there})"
        for one in wanted
        if (there := versions[one.name]) and not one.specifier.contains(there, prereleases=True)
    ]
    if lacking:
        return _Finding("Libraries", name, "missing" if extra else "broken", f"without {', '.join(lacking)}", install)
    return _Finding("Libraries", name, "ok", ", ".join(f"{one.name} {versions[one.name]}" for one in wanted))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _networks() -> list[_Finding]:
    from depth3d.predictors.external.catalogue import KNOWN_NETWORKS
    from depth3d.predictors.runtimes.open_network import remembered_way
    from depth3d.predictors.weights import OFFICIAL_WEIGHTS, bundled_weights, cache_folder, find_weights

    findings, usable = [], {}
    for name in (*OFFICIAL_WEIGHTS, "bundled"):
        try:
            found = bundled_weights() if name == "bundled" else find_weights(name)
        except WeightsError as error:
            findings.append(_Finding("Networks", name, "missing", str(error)))
            continue
        if found is None:
            fetch = f"depth3d weights fetch {name}"
            findings.append(_Finding("Networks", name, "missing", f"not in {cache_folder()}", fetch))
            continue
        usable[name] = found
        verdict = f"came with depth3d; licence: {found.licence}" if name == "bundled" else found.verdict
        findings.append(_Finding("Networks", name, "ok", f"{found.path}, {verdict}"))
    findings += [_known(one) for one in KNOWN_NETWORKS.values()]
    taken = next((name for name in ("midas_small", "bundled") if name in usable), None)
    if taken is None:
        return [*findings, _Finding("Networks", "auto", "broken", "no network", "depth3d weights fetch")]
    way = remembered_way(usable[taken])
    what = taken if taken == "midas_small" else f"{taken}; midas_small, which is better, once it is fetched"
    runs = f"in {way}" if way else "in the fastest runtime, to be measured at the first use"
    return [*findings, _Finding("Networks", "auto takes", "ok", f"{what}, {runs}")]


def _known(known: KnownNetwork) -> _Finding:
    """A network of others, with the licence that its card states."""
    from depth3d.predictors.external.hub import cached_known

    model = cached_known(known)
    if model is None:
        words = f"{known.licence}, not in the Hugging Face cache"
        return _Finding("Networks", known.name, "missing", words, f"depth3d weights fetch {known.name}")
    return _Finding(
        "Networks", known.name, "ok", f"{model.path}, licence {model.licence}, revision {model.revision[:8]}"
    )


def _display() -> _Finding:
    from depth3d.viewers.display import has_display

    if has_display():
        return _Finding("Window", "display", "ok", "depth3d view opens windows")
    return _Finding("Window", "display", "missing", "depth3d view draws pictures only", "--screenshot, or xvfb-run")


def _variables() -> list[_Finding]:
    return [_Finding("Environment", name, "ok", os.environ[name]) for name in _VARIABLES if name in os.environ]
