"""What a network's numbers mean, found out by running it on photos whose depth is exactly known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import WeightsError
from depth3d.predictors.exact_samples import ExactSample, exact_samples
from depth3d.predictors.prediction import Kind

Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(H, W, 3) photo to (h, w) output."""

LEAST_EXPLAINED = 0.5
"""An output that explains less of the variance of depth, in any form, is no depth."""

LEAST_RATIO = 1.3
"""What the second best form leaves unexplained must be so many times what the best does.

Of the bundled network, a weak one that speaks inverse depth, log z leaves 1.40 times as much unexplained as 1/z.
"""

_PROPORTIONAL = 0.08
"""An offset below this share of the median counts as none."""

_SAME_SCALE = 0.15
_SAME_SLOPE = 0.25
_FORMS = ("1/z", "z", "log z")
_LEAST_UNEXPLAINED = 1e-6


class UnclearKindError(WeightsError):
    """An output follows depth, but it cannot be told in which form.

    Args:
        message: one line for the user.
        explained: share of the variance that the best form explains.
    """

    def __init__(self, message: str, explained: float) -> None:
        super().__init__(message)
        self.explained = explained

    def __reduce__(self) -> tuple[type[UnclearKindError], tuple[str, float]]:
        return UnclearKindError, (str(self), self.explained)


@dataclass(frozen=True, slots=True)
class FoundKind:
    """What an output is.

    Attributes:
        kind: of which kind.
        sign: -1 where larger numbers mean the opposite of what they do in that kind, else 1.
        gain: what the numbers are multiplied by; other than 1 only for logarithms of another base.
        metric_sigma: for metres, how far they were off, as a share.
        explained: share of the variance that the best form explains, mean over samples.
        runner_up: the second best form.
        runner_up_explained: the same for that.
    """

    kind: Kind
    sign: int
    gain: float
    metric_sigma: float | None
    explained: float
    runner_up: str
    runner_up_explained: float

    @property
    def in_words(self) -> str:
        """What was found, and how sure that is."""
        turned = ", turned round" if self.sign < 0 else ""
        return (
            f"{self.kind}{turned}: explains {self.explained:.1%} of the depth of three rendered photos, "
            f"{self.runner_up} {self.runner_up_explained:.1%}"
        )

    def applied(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """The output in the terms of its kind."""
        return output * np.float32(self.sign * self.gain)


def find_kind(run: Run, name: str) -> FoundKind:
    """Run a network on the samples and compare affine fits of its output to 1/z, z and log z.

    An affine fit explains the square of the correlation. Offsets and slopes then tell whether the output is
    proportional, and whether it is in metres.

    Args:
        run: the network.
        name: of it, for messages.

    Raises:
        WeightsError: no form fits.
        UnclearKindError: two fit about as well, or the samples disagree.
    """
    outputs = [(sample, _on_grid(run(sample.rgb), sample)) for sample in exact_samples()]
    correlations = np.array([_correlations(values, sample.z) for sample, values in outputs])
    explained = (correlations**2).mean(axis=0)
    order = np.argsort(-explained)
    best, second = int(order[0]), int(order[1])
    if not np.isfinite(explained).all() or explained[best] < LEAST_EXPLAINED:
        raise WeightsError(
            f"{name}: its output follows no depth (at best {np.nan_to_num(explained[best]):.0%} explained on three "
            "rendered photos); check mean, std and size, or state --output-kind if the network is for other pictures"
        )
    ratio = max(1 - explained[second], _LEAST_UNEXPLAINED) / max(1 - explained[best], _LEAST_UNEXPLAINED)
    signs = np.sign(correlations[:, best])
    if ratio < LEAST_RATIO or np.ptp(signs):
        raise UnclearKindError(
            f"{name}: unclear whether its output is affine in {_FORMS[best]} ({explained[best]:.1%} explained) or in "
            f"{_FORMS[second]} ({explained[second]:.1%}); say which with --output-kind",
            float(explained[best]),
        )
    kind, gain, sigma = _narrowed(_FORMS[best], int(signs[0]), outputs, name)
    return FoundKind(kind, int(signs[0]), gain, sigma, float(explained[best]), _FORMS[second], float(explained[second]))


def explained_share(run: Run) -> float:
    """The share of the variance of depth that a network's output explains in its best form, mean over samples."""
    forms = np.array([_correlations(_on_grid(run(one.rgb), one), one.z) for one in exact_samples()]) ** 2
    return float(np.nan_to_num(forms.mean(axis=0)).max())


def _narrowed(
    form: str, sign: int, outputs: Sequence[tuple[ExactSample, NDArray[np.float32]]], name: str
) -> tuple[Kind, float, float | None]:
    """The kind within a form, the gain, and for metres their error."""
    turned = [(sample, values if sign > 0 else -values) for sample, values in outputs]
    fits = [_fit(values, _target(form, sample.z)) for sample, values in turned]
    proportional = sign > 0 and all(abs(offset) < _PROPORTIONAL * level for _, offset, level in fits)
    slopes = np.array([slope for slope, _, _ in fits])
    if form == "log z":
        if slopes.max() > (1 + _SAME_SLOPE) * slopes.min():
            message = f"{name}: it looks like log z, with another base in each photo; state --output-kind"
            raise UnclearKindError(message, LEAST_EXPLAINED)
        return "log", float(np.exp(np.log(slopes).mean())), None
    if form == "1/z":
        return ("disparity" if proportional else "inverse"), 1.0, None
    if not proportional:
        return "relative", 1.0, None
    scales = np.array([_median_ratio(sample.z, values) for sample, values in outputs])
    off = float(np.abs(np.log(scales)).max())
    if off > _SAME_SCALE:
        return "depth", 1.0, None
    return "metric", 1.0, max(off, 0.02)


def _correlations(values: NDArray[np.float32], z: NDArray[np.float32]) -> list[float]:
    known = np.isfinite(z) & np.isfinite(values)
    v = values[known].astype(np.float64)
    if v.size < 100 or np.ptp(v) == 0:
        return [np.nan] * len(_FORMS)
    return [float(np.corrcoef(v, _target(form, z[known]))[0, 1]) for form in _FORMS]


def _target(form: str, z: NDArray[np.float32]) -> NDArray[np.float64]:
    metres = z.astype(np.float64)
    return 1 / metres if form == "1/z" else np.log(metres) if form == "log z" else metres


def _fit(values: NDArray[np.float32], target: NDArray[np.float64]) -> tuple[float, float, float]:
    """Slope and offset of target = slope values + offset by least squares, and the median of the target."""
    known = np.isfinite(target) & np.isfinite(values)
    v, t = values[known].astype(np.float64), target[known]
    slope = float(((v - v.mean()) * (t - t.mean())).mean() / v.var())
    return slope, float(t.mean() - slope * v.mean()), float(np.median(t))


def _median_ratio(z: NDArray[np.float32], values: NDArray[np.float32]) -> float:
    known = np.isfinite(z) & (values > 0)
    return float(np.median(z[known] / values[known])) if known.any() else np.inf


def _on_grid(output: NDArray[np.float32], sample: ExactSample) -> NDArray[np.float32]:
    import cv2

    height, width = sample.z.shape
    if output.shape == (height, width):
        return output
    return np.asarray(cv2.resize(output, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
