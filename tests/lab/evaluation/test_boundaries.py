"""Measures of edges, on maps whose answer can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from depth3d.lab.bench.edges import EdgeFigures, MeasuredFrame, bench_edges, judge_edges
from depth3d.lab.bench.timing import to_table
from depth3d.lab.evaluation.boundaries import as_a_network_sees, boundary_f1, flying_points

STEP = np.where(np.arange(20) < 10, 1.0, 2.0)[None].repeat(12, axis=0).astype(np.float32)


def test_the_truth_has_no_flying_points() -> None:
    assert not flying_points(STEP, STEP).any()
    assert not flying_points(STEP * 1.049, STEP).any()
    assert flying_points(STEP * 1.06, STEP).all()


def test_points_between_two_surfaces_fly() -> None:
    between = STEP.copy()
    between[:, 9:11] = 1.5
    np.testing.assert_array_equal(flying_points(between, STEP), between == 1.5)


def test_an_edge_up_to_three_pixels_beside_is_no_flying_point() -> None:
    """It is on a surface, if on the wrong one; the boundary F1 sees that."""
    for shift, flies in ((3, 0), (4, 1)):
        moved = np.where(np.arange(20) < 10 + shift, 1.0, 2.0)[None].repeat(12, axis=0)
        assert flying_points(moved, STEP).sum() == flies * 12
        assert boundary_f1(moved, STEP) == 0


def test_three_pixels_are_a_disc() -> None:
    truth = np.full((9, 9), 1.0)
    truth[4, 4] = 9
    z = np.full((9, 9), np.nan)
    for dy, dx, flies in ((3, 0, False), (2, 2, False), (3, 1, True), (3, 3, True)):
        z[:] = np.nan
        z[4 + dy, 4 + dx] = 9
        assert flying_points(z, truth).any() == flies


def test_unknown_is_not_judged() -> None:
    truth, z = STEP.copy(), STEP * 3
    truth[:4] = np.nan
    z[6:] = np.nan
    flying = flying_points(z, truth)
    assert flying.sum() == 2 * 20
    assert flying[4:6].all()


def test_nothing_flies_where_no_truth_is_near() -> None:
    truth = np.full((20, 20), np.nan)
    truth[0, 0] = 1
    assert flying_points(np.full((20, 20), 7.0), truth).sum() == 1


def test_measures_do_not_depend_on_the_unit() -> None:
    z = STEP * np.linspace(0.8, 1.2, 20, dtype=np.float32)
    np.testing.assert_array_equal(flying_points(z, STEP), flying_points(100 * z, 100 * STEP))
    assert boundary_f1(z, STEP) == boundary_f1(100 * z, 100 * STEP)


def test_boundary_f1_counts_what_was_found_and_what_was_there() -> None:
    """One of two true boundaries found, none wrong: precision 1, recall 1/2, F1 2/3 at every ratio."""
    truth = np.ones((3, 30))
    truth[:, 10:20] = 2
    found = np.ones((3, 30))
    found[:, 10:] = 2
    assert boundary_f1(found, truth) == pytest.approx(2 / 3)


def test_boundary_f1_weighs_ratios() -> None:
    """A jump of 1.15 is a boundary for those of the ten ratios below it; where there is none to find, F1 is 0."""
    truth = np.ones((3, 30))
    truth[:, 10:] = 1.15
    ratios = np.linspace(1.05, 1.25, 10)
    assert boundary_f1(truth, truth) == pytest.approx(ratios[ratios < 1.15].sum() / ratios.sum())


def test_what_a_network_sees_leaves_holes_out() -> None:
    truth = np.full((8, 512), 2.0)
    truth[:, ::2] = np.nan
    truth[:4, :10] = np.nan
    small = as_a_network_sees(truth)
    assert small.shape == (4, 256)
    assert np.isnan(small[:2, :5]).all()
    np.testing.assert_array_equal(small[2:], 0.5)
    assert as_a_network_sees(truth, cells=64).shape == (1, 64)


def _frame() -> MeasuredFrame:
    truth = np.full((120, 512), 2.0, np.float32)
    truth[20:90, 101:300] = 1
    rgb = np.where(truth[..., None] == 1, np.uint8([200, 10, 10]), np.uint8([10, 10, 200])).astype(np.uint8)
    return MeasuredFrame("box", rgb, truth)


def test_the_benchmark_judges_both_ways_and_states_its_promises() -> None:
    figures = judge_edges(_frame())
    assert figures.points == 120 * 512
    assert figures.bicubic_flying > 300
    assert figures.refined_flying < 10
    assert figures.refined_f1 > 0.95 > figures.bicubic_f1
    section = bench_edges([_frame(), _frame()])
    assert all(figure.is_met for figure in section.figures)
    assert "box" in to_table((section,))


def test_no_flying_point_to_save_is_no_division_by_zero() -> None:
    assert EdgeFigures("flat", 9, 0, 0, 0.0, 0.0, 0.1).fewer_percent == 0
    flat = MeasuredFrame("flat", np.zeros((40, 512, 3), np.uint8), np.full((40, 512), 2, np.float32))
    assert len(bench_edges([flat]).remarks) == 2
