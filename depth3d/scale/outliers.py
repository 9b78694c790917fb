"""Which hints to doubt: the network is doubted first, a hint only when several others speak against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.notes import Note
from depth3d.scale.mixture import Posterior
from depth3d.scale.posterior import Errors, Tried, find_posterior, left_out, mix, try_all, widened
from depth3d.scale.prior import Array, Sites, correlation
from depth3d.scale.problem import Problem

LEAST_HINTS = 5
"""With fewer equations none is left out: four others must speak against it."""

_MANY = 8
_OUTLIER_SIGMAS = 4.5
_GREATEST_SQUARE = 36.0
_START_SIGMAS = 4.0
_DISAGREES_SIGMAS = 3.0
_ROUNDS = 24
_TELL_REACH, _ASKED_FOR_REACH = 20, 120
_REACH_FACTORS = (1.0, 0.5, 0.25)
_CLEARLY_LIKELIER = 3.0
_NAMED = 3
_FEW = 12
_DRAWS = 400
_SUSPECT_SIGMAS = 2.0
_CLEARLY_NEARER = 0.05
_ONE_PLACE = 0.9995


@dataclass(frozen=True, slots=True, eq=False)
class Believed:
    """The hints that are used.

    Attributes:
        problem: what is used.
        posterior: what it says.
        notes: sentences for the user: what was left out or disagrees.
        doubted: names of the hints that disagree with the others, whether they were left out or not.
    """

    problem: Problem
    posterior: Posterior
    notes: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()


def weigh_hints(problem: Problem, errors: Sequence[Errors]) -> Believed:
    """Leave out a hint that lies 4.5 standard deviations from what the others say there, and name it.

    What the others say is the posterior without the hint (leave-one-out, R&W 5.4.2), so that it counts how far the
    network's errors can bend, and how well each hint is known.
    """
    if problem.count < LEAST_HINTS:
        posterior = find_posterior(problem, errors)
        notes = _contradictions(problem) + (_same_place(problem) or _disagreement(problem, errors))
        return Believed(problem, posterior, notes)
    kept = _agreeing(problem, _start(problem), errors)
    problem = _with_likely_reach(problem, kept, errors)
    used = problem.keeping(kept)
    posterior = _with_local_strength(used, errors)
    doubted = tuple(dict.fromkeys(name for name, k in zip(problem.names, kept, strict=True) if not k))
    return Believed(used, posterior, _contradictions(used) + _left_out(problem, posterior, kept), doubted)


def _with_local_strength(problem: Problem, errors: Sequence[Errors]) -> Posterior:
    """The posterior where each part of the picture has its own strength of errors, as far as the hints tell.

    Where depth is stated to have no such errors, what disagrees is rather the hints.
    """
    n, tried = len(problem.anchors.d), try_all(problem, errors)
    if any(e.strength == 0 for e in errors):
        return mix(problem, tried)
    error, sigma = left_out(tried)
    squares = np.minimum(np.square(error[:n] / sigma[:n]), _GREATEST_SQUARE)
    local = problem.with_local_strength(squares)
    return mix(local, [widened(local, one) for one in try_all(local, errors)])


def _agreeing(problem: Problem, kept: NDArray[np.bool_], errors: Sequence[Errors]) -> NDArray[np.bool_]:
    """Which equations agree with each other: outliers of those kept go, others that fit come back, once each."""
    kept, back = kept.copy(), np.zeros(problem.count, bool)
    for _ in range(_ROUNDS):
        used = problem.keeping(kept)
        tried = try_all(used, errors)
        worst = _worst(used, tried, errors)
        if len(worst) and len(worst) <= kept.sum() - LEAST_HINTS + 1:
            kept[np.flatnonzero(kept)[worst]] = False
            continue
        again = _fitting(problem, mix(used, tried), ~kept & ~back)
        if not again.any():
            break
        kept, back = kept | again, back | again
    return kept


def _start(problem: Problem) -> NDArray[np.bool_]:
    """A first choice that up to half of the anchors cannot mislead: least median of squares (Rousseeuw, 1984)."""
    kept = np.ones(problem.count, bool)
    n = len(problem.anchors.d)
    if n < _MANY:
        return kept
    ranges = np.zeros(1) if problem.trend.proportional else np.linspace(0.05, 6, 60)
    shape = problem.trend.shape(problem.sites.t[:n], ranges)
    error = np.log(problem.anchors.inverse_m)[:, None] - np.log(shape)
    error = np.abs(error - np.median(error, axis=0))
    spread = 1.4826 * np.median(error, axis=0)
    best = int(np.argmin(spread))
    kept[:n] = error[:, best] <= _START_SIGMAS * np.hypot(spread[best], problem.log_sigma)
    return kept


def _with_likely_reach(problem: Problem, kept: NDArray[np.bool_], errors: Sequence[Errors]) -> Problem:
    """Many points tell how far the errors of this picture reach: the stated reach, or a shorter one far more likely."""
    n = len(problem.anchors.d)
    rows = np.flatnonzero(kept[:n])
    if len(rows) < _TELL_REACH:
        return problem
    asked = np.zeros(problem.count, bool)
    asked[rows[:: math.ceil(len(rows) / _ASKED_FOR_REACH)]] = True
    some = problem.keeping(asked)
    reaches = [problem.reach * factor for factor in _REACH_FACTORS]
    tried = [try_all(replace(some, reach=reach), errors) for reach in reaches]
    log_evidence = [np.logaddexp.reduce(np.concatenate([t.log_weight for t in one])) for one in tried]
    log_evidence[0] += _CLEARLY_LIKELIER
    return replace(problem, reach=reaches[int(np.argmax(log_evidence))])


def _worst(problem: Problem, tried: Sequence[Tried], errors: Sequence[Errors]) -> NDArray[np.int64]:
    """Which equations are outliers; at most the worst tenth at a time, since one makes others look bad."""
    error, sigma = _left_out_of(problem, tried, errors)
    off = np.abs(error) / sigma
    worst = np.argsort(-off)[: max(1, len(off) // 10)]
    return np.asarray(worst[off[worst] > _OUTLIER_SIGMAS])


def _left_out_of(problem: Problem, tried: Sequence[Tried], errors: Sequence[Errors]) -> tuple[Array, Array]:
    """What each equation says less what the others say, and its standard deviation, (count,) each.

    One of a few hints may change what the others are taken for; then those are asked alone.
    """
    error, sigma = left_out(tried)
    rows = np.arange(problem.count)
    is_suspect = (np.abs(error) > _SUSPECT_SIGMAS * sigma) & (problem.count <= _FEW)
    for row in np.flatnonzero(is_suspect):
        others = find_posterior(problem.keeping(rows != row), errors)
        error[row], sigma[row] = _less_others(problem, int(row), others)
    return error, sigma


def _less_others(problem: Problem, row: int, others: Posterior) -> tuple[float, float]:
    n = len(problem.anchors.d)
    if row < n:
        (mean,), (sigma,) = others.at(_sites(problem, np.array([row])))
        return math.log(problem.anchors.inverse_m[row]) - mean, math.hypot(sigma, problem.log_sigma[row])
    condition = problem.conditions[row - n]
    error = condition.error(np.exp(others.draws(_sites(problem, _rows_of(problem, row)), _DRAWS)))
    return float(np.median(error)), math.hypot(float(np.std(error)), condition.sigma)


def _rows_of(problem: Problem, row: int) -> NDArray[np.int64]:
    """The sites of one of the conditions, which come after the anchors."""
    n = len(problem.anchors.d)
    first = n + sum(len(c.d) for c in problem.conditions[: row - n])
    return np.arange(first, first + len(problem.conditions[row - n].d))


def _fitting(problem: Problem, posterior: Posterior, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the anchors in `rows` agree with a posterior that was found without them."""
    n = len(problem.anchors.d)
    asked = np.flatnonzero(rows[:n])
    found = np.zeros(problem.count, bool)
    if len(asked):
        mean, sigma = posterior.at(_sites(problem, asked))
        error = np.abs(np.log(problem.anchors.inverse_m[asked]) - mean)
        found[asked] = error <= _OUTLIER_SIGMAS * np.hypot(sigma, problem.log_sigma[asked])
    return found


def _sites(problem: Problem, rows: NDArray[np.int64]) -> Sites:
    return Sites(problem.sites.place[rows], problem.sites.t[rows])


def _left_out(problem: Problem, posterior: Posterior, kept: NDArray[np.bool_]) -> tuple[str, ...]:
    if kept.all():
        return ()
    rows, names = np.flatnonzero(~kept), problem.names
    notes = []
    if len(rows) > 1:
        notes.append(f"{len(rows)} of {len(kept)} hints disagree with the others and are left out")
    own = [int(i) for i in rows if names.count(names[i]) == 1][:_NAMED]
    return (*notes, *(f"{_said(problem, i, posterior)}; it is left out" for i in own))


def _said(problem: Problem, row: int, posterior: Posterior) -> str:
    n = len(problem.anchors.d)
    if row < n:
        mean, _ = posterior.at(_sites(problem, np.array([row])))
        said, others = 1 / problem.anchors.inverse_m[row], math.exp(-mean[0])
        return f"the hint {problem.names[row]} means a depth of {said:.3g} m, the others say {others:.3g} m there"
    condition = problem.conditions[row - n]
    mean, _ = posterior.at(_sites(problem, _rows_of(problem, row)))
    return f"the hint {condition.name} disagrees: the others say {condition.fitted(np.exp(mean))}"


def _disagreement(problem: Problem, errors: Sequence[Errors]) -> tuple[str, ...]:
    """With three or four hints one may stand out, but which is wrong cannot be told."""
    if problem.count < 3:
        return ()
    error, sigma = _left_out_of(problem, try_all(problem, errors), errors)
    worst = int(np.argmax(np.abs(error) / sigma))
    if abs(error[worst]) <= _DISAGREES_SIGMAS * sigma[worst]:
        return ()
    name = problem.names[worst]
    return (f"the hint {name} agrees badly with the others; all are used, but check it, or add one more hint",)


def _same_place(problem: Problem) -> tuple[str, ...]:
    """Where two depths of one place differ by more than their own uncertainty."""
    n, said, sigma = len(problem.anchors.d), np.log(problem.anchors.inverse_m), problem.log_sigma
    sites = Sites(problem.sites.place[:n], problem.sites.t[:n])
    one, other = np.triu_indices(n, 1)
    off = np.abs(said[one] - said[other]) / np.hypot(sigma[one], sigma[other])
    off[correlation(sites, sites, problem.reach)[one, other] < _ONE_PLACE] = 0
    if not len(off) or off.max() <= _DISAGREES_SIGMAS:
        return ()
    names, worst = problem.anchors.names, int(np.argmax(off))
    return (
        f"the hints {names[one[worst]]} and {names[other[worst]]} are of one place and disagree;"
        " a depth between both is used: check which is right, and leave out the other",
    )


def _contradictions(problem: Problem) -> tuple[str, ...]:
    """Where the network sees the order of two hinted points the other way round."""
    anchors, n = problem.anchors, len(problem.anchors.d)
    if not 2 <= n <= _MANY:
        return ()
    t, said, sigma = problem.sites.t[:n], np.log(anchors.inverse_m), problem.log_sigma
    nearer: Array = t[:, None] - t[None, :]
    farther = (said[None, :] - said[:, None]) / np.hypot(sigma[:, None], sigma[None, :])
    against = np.where((nearer > _CLEARLY_NEARER) & (farther > _DISAGREES_SIGMAS), nearer, 0)
    if not against.any():
        return ()
    one, other = np.unravel_index(int(np.argmax(against)), against.shape)
    order = f"the network sees {anchors.names[one]} nearer than {anchors.names[other]}"
    what = f"{order}; your distances say the opposite, and they are used"
    return (Note(what, "--brighter-is-farther turns a depth map round"),)
