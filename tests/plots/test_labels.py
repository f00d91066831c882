"""Labels at the right margin: `spread` is the nearest of all placements without overlap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axonomy.plots import style
from axonomy.plots.labels import Label, label_right, spread

LOW, HIGH = -1.0, 3.0
heights = st.lists(st.integers(-1000, 3000).map(lambda height: height / 1000), min_size=1, max_size=8)
gaps = st.floats(1e-3, 0.5)  # eight labels always fit


@given(wanted=heights, gap=gaps)
def test_apart_and_within(wanted: list[float], gap: float) -> None:
    placed = spread(wanted, gap, LOW, HIGH)
    assert placed.shape == (len(wanted),)
    assert (np.diff(np.sort(placed)) >= gap - 1e-12).all()
    assert placed.min() >= LOW - 1e-12
    assert placed.max() <= HIGH + 1e-12


@given(wanted=heights, gap=gaps)
def test_order_is_kept(wanted: list[float], gap: float) -> None:
    placed = spread(wanted, gap, LOW, HIGH)
    for (a, b), (x, y) in zip(
        itertools.combinations(wanted, 2), itertools.combinations(placed, 2), strict=True
    ):
        assert a == b or (a < b) == (x < y)


@given(wanted=heights, gap=gaps, seed=st.integers(0, 2**32 - 1))
def test_no_other_placement_is_nearer(wanted: list[float], gap: float, seed: int) -> None:
    """On the way to any allowed placement in the same order, the squares grow at once."""
    wanted = sorted(wanted)
    placed = spread(wanted, gap, LOW, HIGH)
    free = HIGH - LOW - gap * (len(wanted) - 1)
    parts = np.random.default_rng(seed).dirichlet(np.full(len(wanted) + 1, 0.3), size=50)  # (50, N + 1)
    for part in parts:
        other = LOW + free * np.cumsum(part[:-1]) + gap * np.arange(len(wanted))
        assert np.diff(other, prepend=-np.inf).min() >= gap - 1e-12
        assert (placed - wanted) @ (other - placed) >= -1e-9


@given(wanted=heights, gap=gaps)
def test_again_changes_nothing(wanted: list[float], gap: float) -> None:
    placed = spread(wanted, gap, LOW, HIGH)
    np.testing.assert_allclose(spread(placed, gap, LOW, HIGH), placed, atol=1e-12)


@given(wanted=heights, gap=gaps)
def test_what_is_apart_stays(wanted: list[float], gap: float) -> None:
    assume((np.diff(np.sort(wanted)) >= gap).all())
    np.testing.assert_allclose(spread(wanted, gap, LOW, HIGH), wanted, atol=1e-12)


@given(wanted=heights, gap=gaps, order=st.randoms())
def test_the_order_of_the_labels_does_not_matter(wanted: list[float], gap: float, order: object) -> None:
    assume(len(set(wanted)) == len(wanted))
    shuffled = list(range(len(wanted)))
    order.shuffle(shuffled)
    placed = spread([wanted[i] for i in shuffled], gap, LOW, HIGH)
    np.testing.assert_allclose(placed, spread(wanted, gap, LOW, HIGH)[shuffled], atol=1e-12)


@given(wanted=heights, gap=gaps, scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_the_unit_does_not_matter(wanted: list[float], gap: float, scale: float, shift: float) -> None:
    placed = spread(wanted, gap, LOW, HIGH)
    moved = spread(np.array(wanted) * scale + shift, gap * scale, LOW * scale + shift, HIGH * scale + shift)
    np.testing.assert_allclose(moved, placed * scale + shift, atol=1e-10)


def test_equal_ones_are_placed_around_where_they_would_be() -> None:
    np.testing.assert_allclose(spread([1.0, 1.0, 1.0], 0.5, LOW, HIGH), [0.5, 1.0, 1.5])
    np.testing.assert_allclose(spread([3.0, 3.0], 0.5, LOW, HIGH), [2.5, 3.0])
    np.testing.assert_allclose(spread([-1.0, -1.0, 2.0], 0.5, LOW, HIGH), [-1.0, -0.5, 2.0])


def test_more_than_fit_keep_their_distance() -> None:
    placed = spread(np.zeros(20), 0.5, LOW, HIGH)
    np.testing.assert_allclose(placed, LOW + 0.5 * np.arange(20))


def test_no_labels() -> None:
    figure, axes = style.new_figure()
    before = axes.get_position().bounds
    label_right(figure, axes, [])
    assert axes.get_position().bounds == before
    assert not axes.texts


@pytest.mark.parametrize("heights", [[0.2], [0.5, 0.5, 0.5], [0.0, 0.01, 0.99, 1.0], [-4.0, 7.0, 0.3]])
def test_labels_on_a_figure(heights: list[float]) -> None:
    with style.applied():
        figure, axes = style.new_figure()
        axes.set_ylim(0, 1)
        label_right(figure, axes, [Label(f"label {i}", h, "#0072B2") for i, h in enumerate(heights)])
        figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == [f"label {i}" for i in range(len(heights))]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    frame = axes.get_window_extent()
    for box, line, height in zip(boxes, axes.lines, heights, strict=True):
        assert box.x0 > frame.x1
        assert box.x1 <= figure.bbox.x1
        assert line.get_ydata()[0] == min(max(height, 0), 1)  # tied to where its curve is
