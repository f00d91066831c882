"""The figure of learning curves: what it shows, and of what it makes nothing."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from axonomy._extras import MissingExtra
from axonomy.plots import learning_curves, style
from axonomy.plots.learning_curves import MOST_POINTS, smooth
from numpy_cells import Array

FLOORS = ax.tasks.Add().floors


def decaying(T: int, seed: int = 0, floor: float = 0.45) -> Array:
    rng = np.random.default_rng(seed)
    return floor + np.exp(-np.arange(T) / (0.2 * T)) + 0.05 * rng.normal(size=T)


def curves_of(figure: object) -> list[object]:
    """The lines of the data: what lies within the axes, floors and leaders apart."""
    return [line for line in figure.axes[0].lines if len(line.get_xdata()) > 3]


def words(figure: object) -> set[str]:
    return {text.get_text() for text in figure.axes[0].texts}


def drawn(figure: object) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


# ------------------------------------------------------------------------------------ running means


def naive_mean(losses: Iterable[float]) -> float:
    finite = [loss for loss in losses if np.isfinite(loss)]
    return sum(finite) / len(finite) if finite else np.nan


@given(
    losses=st.lists(st.floats(-5, 5) | st.just(np.nan), min_size=1, max_size=60),
    window=st.integers(1, 80),
)
def test_running_mean(losses: list[float], window: int) -> None:
    """Of the last `window` entries that are there, at every point."""
    steps, means = smooth(np.array(losses), window)
    window = min(window, len(losses))
    np.testing.assert_array_equal(steps, np.arange(window, len(losses) + 1))
    expected = [naive_mean(losses[step - window : step]) for step in steps]
    np.testing.assert_allclose(means, expected, atol=1e-12)


def test_running_mean_of_several_seeds() -> None:
    runs = np.random.default_rng(0).normal(size=(3, 40))
    steps, means = smooth(runs, 7)
    for run, mean in zip(runs, means, strict=True):
        np.testing.assert_array_equal(smooth(run, 7)[1], mean)
    assert means.shape == (3, len(steps))


def test_no_more_points_than_a_figure_has_room_for() -> None:
    losses = np.random.default_rng(0).normal(size=50_000)
    steps, means = smooth(losses, 100)
    assert MOST_POINTS / 2 < len(steps) <= MOST_POINTS
    assert (steps[0], steps[-1]) == (100, 50_000)
    assert means[-1] == pytest.approx(losses[-100:].mean(), rel=1e-9)


# --------------------------------------------------------------------------------------- the figure


def test_curves_floors_and_labels() -> None:
    curves = {"RTRL": decaying(500), "UORO": decaying(500, 1, 0.6), "RFLO": decaying(500, 2, 0.55)}
    figure = learning_curves(curves, FLOORS, window=50, title="Add: lags 6 and 10", loss="nats")
    axes = figure.axes[0]
    lines = curves_of(figure)
    assert len(lines) == 3
    for line, losses in zip(lines, curves.values(), strict=True):
        steps, means = smooth(losses, 50)
        np.testing.assert_array_equal(line.get_xdata(), steps)
        np.testing.assert_array_equal(line.get_ydata(), means)
    assert len({line.get_color() for line in lines}) == 3
    assert {*curves, *(f"floor: {name}" for name in FLOORS)} <= words(figure)
    levels = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
    assert set(FLOORS.values()) <= levels
    assert axes.get_title(loc="left") == "Add: lags 6 and 10"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "nats")
    assert axes.get_xlim() == (0, 500)
    low, high = axes.get_ylim()
    assert low < min(FLOORS.values())
    assert high > max(FLOORS.values())
    assert "running mean of 50 steps" in words(figure)


def test_labels_stand_beside_and_apart() -> None:
    """Ten rules that end in one place, and the floors."""
    figure = learning_curves({f"rule {i}": decaying(300, i) for i in range(10)}, FLOORS)
    figure.canvas.draw()
    axes = figure.axes[0]
    frame = axes.get_window_extent()
    beside = [text for text in axes.texts if text.get_window_extent().x0 > frame.x1]
    assert len(beside) == 10 + len(FLOORS)
    boxes = [text.get_window_extent() for text in beside]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1


def test_labels_are_at_the_end_of_their_curves() -> None:
    figure = learning_curves({"low": np.full(100, 1.0), "high": np.full(100, 2.0)})
    heights = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert heights["low"] == pytest.approx(1.0)
    assert heights["high"] == pytest.approx(2.0)


def test_long_labels_make_room_for_themselves() -> None:
    names = ["a", "ki|ij OptimalUnbiased, rank 4, current term exact"]
    figure = learning_curves({name: decaying(200, i) for i, name in enumerate(names)})
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        if text.get_text() in names:
            assert text.get_window_extent().x1 <= figure.bbox.x1


def test_several_seeds_are_a_mean_and_a_band() -> None:
    runs = np.stack([decaying(400, seed) for seed in range(3)])
    figure = learning_curves({"RTRL": runs}, window=20)
    (line,) = curves_of(figure)
    _, means = smooth(runs, 20)
    np.testing.assert_allclose(line.get_ydata(), means.mean(axis=0))
    (band,) = figure.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(means.min())
    assert heights.max() == pytest.approx(means.max())
    assert any("mean and range of 3 seeds" in text for text in words(figure))
    assert not learning_curves({"RTRL": runs[0]}).axes[0].collections


def test_stride_gives_steps() -> None:
    """Entries that are means of ten steps: the axis has steps, the window is in steps."""
    figure = learning_curves({"RTRL": decaying(100)}, stride=10, window=50)
    (line,) = curves_of(figure)
    np.testing.assert_array_equal(line.get_xdata(), np.arange(50, 1001, 10))
    assert figure.axes[0].get_xlim() == (0, 1000)
    assert "running mean of 50 steps" in words(figure)


def test_the_window_is_a_fiftieth_by_default() -> None:
    assert "running mean of 40 steps" in words(learning_curves({"RTRL": decaying(2000)}))
    assert not any("running mean" in text for text in words(learning_curves({"RTRL": decaying(40)})))


def test_more_curves_than_colours_differ_in_dashes() -> None:
    count = 2 * len(style.COLOURS) + 1
    figure = learning_curves({f"rule {i}": decaying(200, i) for i in range(count)})
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in curves_of(figure)}
    assert len(looks) == count


# ------------------------------------------------------------------------------------ gaps and ends


def test_gaps_are_left_out() -> None:
    losses = decaying(300)
    losses[::3] = np.nan
    figure = learning_curves({"masked": losses}, window=30)
    (line,) = curves_of(figure)
    assert np.isfinite(line.get_ydata()).all()
    assert line.get_ydata()[-1] == pytest.approx(np.nanmean(losses[-30:]))


@pytest.mark.parametrize("padded", [True, False])
def test_a_curve_that_ends_early(padded: bool) -> None:
    """Its end is marked; its label is at that height."""
    ended = np.full(300, 1.5) if not padded else np.r_[np.full(300, 1.5), np.full(700, np.nan)]
    figure = learning_curves({"whole": np.full(1000, 1.0), "diverged": ended}, window=10)
    axes = figure.axes[0]
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    # The running mean ends where the last of its window does.
    assert 300 <= cross.get_xdata()[0] <= 310
    assert cross.get_ydata()[0] == pytest.approx(1.5)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights["diverged"] == pytest.approx(1.5)
    assert drawn(figure)


@pytest.mark.parametrize("floors", [None, FLOORS])
def test_nothing_but_gaps(floors: dict[str, float] | None) -> None:
    figure = learning_curves({"diverged at once": np.full(50, np.nan)}, floors)
    assert "diverged at once" not in words(figure)
    assert {f"floor: {name}" for name in floors or ()} <= words(figure)
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    assert drawn(figure)


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [0.0] * 10, [np.inf, 1.0, np.nan], [1e300, -1e300]])
def test_few_and_odd_values(values: list[float]) -> None:
    figure = learning_curves({"odd": values})
    low, high = figure.axes[0].get_ylim()
    assert np.isfinite([low, high]).all()
    assert low < high
    assert drawn(figure)


def test_a_bad_start_does_not_flatten_the_rest() -> None:
    losses = decaying(1000)
    losses[:5] = 1e6
    figure = learning_curves({"RTRL": losses}, window=1)
    assert figure.axes[0].get_ylim()[1] < 10


def test_seeds_of_which_one_diverged() -> None:
    runs = np.stack([decaying(400, seed) for seed in range(3)])
    runs[1, 200:] = np.nan
    figure = learning_curves({"RTRL": runs}, window=20)
    assert "RTRL" in words(figure)
    assert drawn(figure)


# ------------------------------------------------------------------------------------ the boundaries


def test_no_trace_in_matplotlib() -> None:
    """No window, no entry in pyplot, no setting changed."""
    import matplotlib

    def settings() -> dict[str, object]:  # the backend is only found out when it is asked for
        return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}

    before = settings()
    learning_curves({"RTRL": decaying(100)}, FLOORS)
    assert settings() == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_lists_and_integers_will_do() -> None:
    (line,) = curves_of(learning_curves({"RTRL": [4, 3, 2, 1, 1]}))
    np.testing.assert_array_equal(line.get_ydata(), [4, 3, 2, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"curves": {}}, "curves must hold at least one curve, got none"),
        ({"curves": {"a": []}}, r"curve 'a' must have shape \(T,\) or \(seeds, T\), got \(1, 0\)"),
        ({"curves": {"a": np.ones((2, 2, 2))}}, r"curve 'a' must have shape .*, got \(2, 2, 2\)"),
        ({"curves": {"a": [1.0]}, "window": 0}, "window must be >= 1, got 0"),
        ({"curves": {"a": [1.0]}, "stride": 0}, "stride must be >= 1, got 0"),
    ],
)
def test_errors(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"learning_curves: {message}"):
        learning_curves(**arguments)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r'needs matplotlib, .*: pip install "axonomy\[cli\]" brings it'):
        learning_curves({"RTRL": [1.0, 2.0]})
