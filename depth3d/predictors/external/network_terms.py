"""What is stated about a network of others: the pictures it wants and what its numbers mean."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.core.errors import UsageError, WeightsError
from depth3d.predictors.prediction import Kind, check_kind

if TYPE_CHECKING:
    from depth3d.predictors.external.catalogue import KnownNetwork

LARGEST_SIDE = 4096
_HUGGING_FACE = {"image_mean": "mean", "image_std": "std"}
_METADATA_PREFIX = "depth3d."


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTerms:
    """What is stated; None where nothing is.

    Attributes:
        output_kind: what the output is, see `depth3d.predictors.prediction.Kind`.
        mean: (red, green, blue) subtracted from the picture in [0, 1].
        std: (red, green, blue) the picture is then divided by.
        size: longer side of the picture in pixels, where the network takes several sizes.
        multiple_of: both sides of that picture are multiples of this.
        bgr: the channels are blue, green, red.
        metric_sigma: for metric kinds, one standard deviation of the scale as a share.
        output: name of the output that is the depth.
        licence: under which the network is offered.

    Raises:
        UsageError: a number or a word cannot be meant.
    """

    output_kind: Kind | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    size: int | None = None
    multiple_of: int | None = None
    bgr: bool | None = None
    metric_sigma: float | None = None
    output: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        if self.output_kind is not None:
            check_kind(self.output_kind)
        for name in ("mean", "std"):
            numbers = getattr(self, name)
            if numbers is not None and not (len(numbers) == 3 and all(math.isfinite(one) for one in numbers)):
                raise UsageError(f"{name}: expected three numbers, for red, green and blue, got {numbers}")
        if self.std is not None and min(self.std) <= 0:
            raise UsageError(f"std: each must be positive, got {self.std}")
        for name in ("size", "multiple_of"):
            number = getattr(self, name)
            if number is not None and not 1 <= number <= LARGEST_SIDE:
                raise UsageError(f"{name.replace('_', ' ')}: must lie between 1 and {LARGEST_SIDE}, got {number}")

    def over(self, weaker: NetworkTerms) -> NetworkTerms:
        """What is stated here, and where nothing is, what `weaker` states."""
        stated = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(weaker, **{name: value for name, value in stated.items() if value is not None})

    @property
    def stated(self) -> tuple[str, ...]:
        """The names of what is stated."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) is not None)


def terms_of(known: KnownNetwork) -> NetworkTerms:
    """What the catalogue says about an ONNX file."""
    kind = None if known.mean is None else known.kind  # a point map's outputs say themselves what they are
    return NetworkTerms(
        output_kind=kind,
        mean=known.mean,
        std=known.std,
        size=known.size,
        multiple_of=known.multiple_of,
        licence=known.licence,
    )


def terms_from(given: Mapping[str, Any], where: str) -> NetworkTerms:
    """The terms in a JSON object or in a file's metadata; entries of other names are left alone.

    A preprocessor_config.json of the transformers library is understood as far as mean and std go.

    Raises:
        WeightsError: an entry cannot be meant.
    """
    known = {one.name for one in fields(NetworkTerms)}
    named = {_HUGGING_FACE.get(key, key): value for key, value in given.items()}
    chosen = {key: value for key, value in named.items() if key in known}
    try:
        for key in ("mean", "std"):
            if key in chosen:
                chosen[key] = tuple(float(one) for one in chosen[key])
        if "size" in chosen and not isinstance(chosen["size"], int):
            del chosen["size"]  # of preprocessor_config.json, where it is another thing
        return NetworkTerms(**chosen)
    except (TypeError, ValueError, UsageError) as error:
        raise WeightsError(f"{where}: {error}") from error


def terms_beside(path: Path) -> NetworkTerms:
    """The terms in model.onnx.json, model.json or preprocessor_config.json beside a file, the first that is there.

    Raises:
        WeightsError: the file is not a JSON object, or an entry cannot be meant.
    """
    for name in (f"{path.name}.json", f"{path.stem}.json", "preprocessor_config.json"):
        beside = path.with_name(name)
        if beside.is_file():
            try:
                given = json.loads(beside.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise WeightsError(f"{beside}: cannot be read as JSON: {error}") from error
            if not isinstance(given, dict):
                raise WeightsError(f'{beside}: expected a JSON object such as {{"output_kind": "inverse"}}')
            return terms_from(given, str(beside))
    return NetworkTerms()


def terms_in_metadata(metadata: Mapping[str, str], where: str) -> NetworkTerms:
    """The terms in an ONNX file's own metadata: entries such as depth3d.output_kind, whose values are JSON or words."""
    given = {}
    for key, text in metadata.items():
        if key.startswith(_METADATA_PREFIX):
            try:
                given[key.removeprefix(_METADATA_PREFIX)] = json.loads(text)
            except ValueError:
                given[key.removeprefix(_METADATA_PREFIX)] = text
    return terms_from(given, f"{where}, its metadata")
