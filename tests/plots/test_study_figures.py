"""The figures of a study: what they show of what they are given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from axonomy import plots
from axonomy.plots import style
from axonomy.plots.curve_panels import Curve
from axonomy.plots.forest import Effect
from axonomy.plots.looks import Place
from axonomy.plots.metric_panels import Panel
from axonomy.plots.pareto import Priced, front
from axonomy.plots.periodic import Element
from axonomy.plots.ranking import Entry

UORO = Place("past", "k|ij", "stochastic", "closed-form")
SVD = Place("past", "ki|ij", "deterministic", "numerical")
DNI = Place("future", "A_il", "deterministic", "numerical")
NONE = Place()


def words(figure: object) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


def marks(axes: object, shape: str) -> list[tuple[float, float]]:
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == shape]


# ----------------------------------------------------------------------------------------- the looks


def test_looks_tell_the_axes_apart() -> None:
    assert UORO.colour != SVD.colour
    assert UORO.shape == SVD.shape != DNI.shape
    assert UORO.filling == UORO.colour
    assert SVD.filling == "white"
    assert NONE.colour == style.INK
    assert NONE.shape not in (UORO.shape, DNI.shape)


# ------------------------------------------------------------------------------------- Pareto's front


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=20))
def test_front_is_what_no_other_beats(points: list[tuple[int, int]]) -> None:
    """Every rule is on it, or beaten by or equal to one that is; none of it is beaten."""
    costs, losses = zip(*points, strict=True)
    kept = front(costs, losses)

    def beats(i: int, j: int) -> bool:
        return costs[i] <= costs[j] and losses[i] <= losses[j] and points[i] != points[j]

    assert not any(beats(i, j) for i in range(len(points)) for j in kept)
    for j in range(len(points)):
        assert j in kept or any(beats(i, j) or points[i] == points[j] for i in kept)
    assert [costs[i] for i in kept] == sorted(costs[i] for i in kept)


def test_cost_names_the_front_and_what_is_beyond() -> None:
    def priced(name: str, loss: float, time: float) -> Priced:
        return Priced(name, UORO, loss, loss - 0.01, loss + 0.01, {"time": time, "bytes": 10 * time})

    rules = [
        priced("quick", 0.9, 1),
        priced("best", 0.1, 50),
        priced("beaten", 0.5, 90),
        priced("far", 20, 60),
    ]
    figure = plots.loss_against_cost([*rules, priced("middle", 0.4, 10)])
    assert {"quick", "middle", "best"} <= set(words(figure).split("\n"))
    assert "beaten" not in words(figure)
    assert "far, 20.00 ▴" in words(figure)
    assert [axes.get_xlabel() for axes in figure.axes] == ["time", "bytes"]
    assert figure.axes[0].get_ylim()[1] < 2


# -------------------------------------------------------------------------------------- the others


def test_ranking_shows_means_intervals_and_the_diverged() -> None:
    entries = [
        Entry("A", "add", UORO, 0.5, 0.4, 0.6, [0.4, 0.6]),
        Entry("B", "add", SVD, 0.7, 0.65, 0.8, [0.7], diverged=2),
        Entry("C", "add", SVD, 50.0, 40.0, 60.0),
        Entry("D", "add", SVD, np.nan, np.nan, np.nan, diverged=3),
    ]
    figure = plots.ranking(entries, {"add": 0.3}, {"add": 0.9}, "title")
    (axes,) = figure.axes
    assert marks(axes, "o") == [(0.5, 0), (0.7, 1)]
    assert next(tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "|") == (0.4, 0.6)
    assert (0.4, 0.6) in [tuple(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "-"]
    assert "2 diverged" in words(figure)
    assert "3 diverged" in words(figure)
    assert "50 ▸" in words(figure)
    assert axes.get_xlim()[0] < 0.3
    assert 0.9 < axes.get_xlim()[1] < 2
    assert {0.3, 0.9} <= {line.get_xdata()[0] for line in axes.lines}
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first on top


def test_periodic_table_has_a_box_for_each_rule_and_an_outline_for_each_empty_cell() -> None:
    elements = [Element("UORO", UORO, 0.9), Element("svd", SVD, 0.1), Element("other", SVD, np.nan)]
    figure = plots.periodic_table([*elements, Element("baseline", NONE, 1.0)])
    boxes = figure.axes[0].patches
    assert len(boxes) == len(elements) + 4 * len(ax.axes.TENSORS) - 2
    assert "UORO\n0.90" in words(figure)
    assert "other\ndid not run" in words(figure)
    assert "baseline" not in words(figure)
    colours = {box.get_facecolor() for box in boxes}
    assert len(colours) == 4  # two scores, unknown, empty
    for tensor in ax.axes.TENSORS:
        assert tensor.name in words(figure).split("\n")


def test_forest() -> None:
    effects = [
        Effect("randomness", "a → b", 0.3, 0.2, 0.4, parts=[0.1, 0.5], note="2", sure=True),
        Effect("tensor", "c → d", -0.1, -0.3, 0.1, sure=False),
    ]
    figure = plots.forest(effects, axis="change", note="pairs")
    (axes,) = figure.axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in points] == [0.3, -0.1]
    assert points[0].get_markerfacecolor() != "white"
    assert points[1].get_markerfacecolor() == "white"
    for word in ("randomness", "a → b", "tensor", "c → d", "pairs", "2"):
        assert word in words(figure).split("\n")
    low, high = axes.get_xlim()
    assert low < -0.3
    assert high > 0.5


def test_curves_stand_in_the_panel_of_their_group() -> None:
    step = np.arange(1.0, 11.0)

    def curve(name: str, group: str, level: float) -> Curve:
        mean = level + 1 / step
        return Curve(name, group, step, mean, mean - 0.1, mean + 0.1, ended=name == "B")

    figure = plots.curve_panels(
        [curve("A", "kij", 0.1), curve("B", "k|ij", 0.2), curve("base", "", 0.5)], {"floor": 0.05}
    )
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}
    assert list(panels) == ["kij", "k|ij"]
    names = {title: [t.get_text() for t in axes.get_legend().get_texts()] for title, axes in panels.items()}
    assert names == {"kij": ["A", "base"], "k|ij": ["B ×", "base"]}
    for axes in panels.values():
        drawn = [line for line in axes.lines if len(line.get_xdata()) == len(step)]
        assert len(drawn) == 3  # the other in grey
        assert 0.05 in [line.get_ydata()[0] for line in axes.lines]


def test_alignment_matrix_needs_a_square() -> None:
    with pytest.raises(ValueError, match=r"matrix: expected shape \(2, 2\), got \(2, 3\)"):
        plots.alignment_matrix(["a", "b"], np.zeros((2, 3)), [UORO, SVD], np.zeros((1, 4)))


def test_alignment_matrix_labels_and_leaves() -> None:
    linkage = np.array([[0, 2, 0.1, 2], [1, 3, 0.9, 3]], dtype=float)
    matrix = np.array([[1, 0.9, 0.1], [0.9, 1, np.nan], [0.1, np.nan, 1]])
    figure = plots.alignment_matrix(["b", "a", "c"], matrix, [UORO, SVD, DNI], linkage)
    main, strips, tree = figure.axes[:3]
    assert [label.get_text() for label in main.get_yticklabels()] == ["b", "a", "c"]
    assert [label.get_text() for label in strips.get_yticklabels()] == ["k|ij", "ki|ij", "A_il"]
    # future, stochastic, numerical
    assert strips.images[0].get_array().tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 1]]
    assert len(tree.lines) == 2
    assert main.images[0].get_array().mask.sum() == 2


def test_metric_panels() -> None:
    panels = [Panel("snr", [UORO, DNI], [0.0, 1.0], [0.2, 0.8], "words"), Panel("bias", [SVD], [0.5], [0.5])]
    figure = plots.metric_panels(panels, x="place", y="loss")
    first, second = figure.axes[:2]
    assert first.get_title(loc="left") == "snr"
    assert marks(first, "o") == [(0.0, 0.2)]
    assert marks(first, "s") == [(1.0, 0.8)]
    assert marks(second, "o") == [(0.5, 0.5)]
    assert "words" in words(figure)


@pytest.mark.parametrize(
    "draw, message",
    [
        (lambda: plots.ranking([]), "at least one rule"),
        (lambda: plots.loss_against_cost([]), "at least one rule"),
        (lambda: plots.forest([]), "at least one effect"),
        (lambda: plots.curve_panels([]), "at least one curve"),
        (lambda: plots.metric_panels([], x="", y=""), "at least one metric"),
        (lambda: plots.periodic_table([Element("baseline", NONE, 1.0)]), "at least one cell of the table"),
    ],
)
def test_nothing_to_draw(draw: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()
