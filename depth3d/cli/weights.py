"""`depth3d weights`: fetch, list and verify what the networks need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.terminal import json_option, result
from depth3d.core.errors import WeightsError
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress
    from depth3d.predictors.weights import FoundWeights

_NAMES = click.Choice(["midas_small", "midas_large", *KNOWN_NETWORKS])


@click.group()
def weights() -> None:
    """Fetch, list and verify the weights of the networks.

    \b
    depth3d weights list
    depth3d weights fetch
    depth3d weights verify midas_v21_small_256.pt
    """


@weights.command()
@click.argument("name", type=_NAMES, default="midas_small")
def fetch(name: str) -> None:
    """Download the official weights of NAME (default: midas_small) into the cache, unless they are here already.

    Networks of others come from the Hugging Face Hub, into the Hub's own cache.

    \b
    depth3d weights fetch
    depth3d weights fetch midas_large
    depth3d weights fetch depth_anything_v2_small
    """
    from depth3d.predictors.weights import fetch_weights

    if name in KNOWN_NETWORKS:
        from depth3d.predictors.external.hub import check_pinned, find_hub_file, find_model

        known = KNOWN_NETWORKS[name]
        model = find_hub_file(known.repo, known.revision, known.file) if known.file else find_model(known.address)
        pinned = check_pinned(known, model)
        click.echo(f"{name}: {model.path} ({pinned}; licence {model.licence})")
        return
    with download_progress(name) as progress:
        found = fetch_weights(name, progress=progress)
    click.echo(f"{name}: {found.path} ({found.origin}; {found.verdict})")


@weights.command("list")
@json_option(
    "Print a line of JSON for each network: name, path, sha256 or revision, licence, kind; path is null where missing."
)
def list_weights() -> None:
    """Show which weights exist, and where they are on this machine.

    \b
    depth3d weights list
    """
    from depth3d.predictors.external.hub import cached_known
    from depth3d.predictors.weights import OFFICIAL_WEIGHTS, bundled_weights, find_weights

    for name, official in OFFICIAL_WEIGHTS.items():
        line = f"{name:23} {official.mib:5.4g} MiB  {official.licence:10} {'inverse':13} {_where(name)}"
        result(line, _facts(name, official.licence, partial(find_weights, name)))
    result(f"{'bundled':23} {_bundled()}", _facts("bundled", None, bundled_weights))
    for known in KNOWN_NETWORKS.values():
        model = cached_known(known)
        there = f"not on this machine; fetch it: depth3d weights fetch {known.name}"
        if model is not None:
            there = f"{model.path} (Hugging Face cache; revision {model.revision[:8]})"
        facts = {
            "name": known.name,
            "path": model and model.path,
            "revision": model and model.revision,
            "licence": known.licence,
            "kind": known.kind,
        }
        result(f"{known.name:23} {known.mib:5.4g} MiB  {known.licence:10} {known.kind:13} {there}", facts)


@weights.command()
@click.argument("names_or_files", nargs=-1, metavar="[NAME|FILE]...")
def verify(names_or_files: tuple[str, ...]) -> None:
    """Check that weights are the official ones, bit by bit; without arguments, all that are on this machine.

    \b
    depth3d weights verify
    depth3d weights verify midas_small downloads/midas_v21_384.pt
    """
    from depth3d.predictors.weights import verify_weights

    chosen = names_or_files or _present()
    if not chosen:
        raise WeightsError("there are no official weights on this machine; fetch some: depth3d weights fetch")
    for name_or_file in chosen:
        if name_or_file in KNOWN_NETWORKS:
            click.echo(f"{name_or_file}: {_verified(name_or_file)}")
            continue
        found = verify_weights(name_or_file)
        click.echo(f"{name_or_file}: {found.path} {found.verdict}")


def _present() -> tuple[str, ...]:
    """The official and the catalogued networks that are on this machine."""
    from depth3d.predictors.external.hub import cached_known
    from depth3d.predictors.weights import OFFICIAL_WEIGHTS, find_weights

    known = (one.name for one in KNOWN_NETWORKS.values() if cached_known(one))
    return (*(name for name in OFFICIAL_WEIGHTS if find_weights(name)), *known)


def _verified(name: str) -> str:
    """What is known about a catalogued network that is in the Hub's cache."""
    from depth3d.predictors.external.hub import cached_known, check_pinned

    known = KNOWN_NETWORKS[name]
    model = cached_known(known)
    if model is None:
        raise WeightsError(f"{name} is not on this machine; fetch it: depth3d weights fetch {name}")
    return f"{model.path} {check_pinned(known, model)}"


@contextmanager
def download_progress(label: str) -> Iterator[Progress]:
    """Give a function that draws a progress bar on standard error, from its first call on."""
    with ExitStack() as stack:
        bars: list[Any] = []

        def show(done: int, total: int | None) -> None:
            if not bars:
                bar: Any = click.progressbar(length=total or done, label=label, file=sys.stderr)
                bars.append(stack.enter_context(bar))
            bars[0].update(done - bars[0].pos)

        yield show


def _facts(name: str, licence: str | None, find: Callable[[], FoundWeights | None]) -> dict[str, Any]:
    try:
        found = find()
    except WeightsError:
        found = None
    where = {"path": None, "sha256": None} if found is None else {"path": found.path, "sha256": found.sha256}
    return {"name": name, **where, "licence": licence if found is None else found.licence, "kind": "inverse"}


def _where(name: str) -> str:
    from depth3d.predictors.weights import find_weights

    try:
        found = find_weights(name)
    except WeightsError as error:
        return str(error)
    if found is None:
        return f"not on this machine; fetch it: depth3d weights fetch {name}"
    return f"{found.path} ({found.origin}; {found.verdict})"


def _bundled() -> str:
    from depth3d.predictors.weights import bundled_weights

    try:
        found = bundled_weights()
    except WeightsError:
        return "not in this copy of depth3d"
    size = f"{found.path.stat().st_size / 2**20:5.1f} MiB  {found.licence:10} {'inverse':13}"
    return f"{size} in the package, works offline (sha256 {found.sha256[:8]}...)"
