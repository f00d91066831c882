"""Exact cells = backpropagation through time = finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    CELLS,
    assert_close,
    drive,
    network,
    networks,
    over,
    shape_of,
    stream,
)
from numpy_cells import Net, run
from numpy_rules import bptt, finite_differences, loss_of_last, random_steps, rtrl

EXACT = [cell for cell in CELLS if cell.bias == "none" and cell.randomness == "deterministic"]


@st.composite
def streams(draw: st.DrawFn, **of_networks: object) -> tuple:
    """rnn, data, a0 (n,), mask (T,), reset (T,)."""
    rnn = draw(networks(**of_networks))
    T, seed = draw(st.integers(1, 6)), draw(st.integers(0, 999))
    flags = st.lists(st.booleans(), min_size=T, max_size=T).map(np.array)
    a0 = np.random.default_rng(seed).normal(size=rnn.shape.n).astype(rnn.dtype)
    return rnn, stream(rnn, T, seed), a0, draw(flags), draw(flags)


def starts(reset: np.ndarray, t: int) -> int:
    """The step at which the past of step t begins."""
    return max((s for s in range(t + 1) if reset[s]), default=0)


def test_rtrl_is_among_the_exact() -> None:
    assert "rtrl" in [cell.solver for cell in EXACT]


@over(EXACT)
@given(drawn=streams())
def test_exact_is_bptt(cell: ax.TableCell, drawn: tuple) -> None:
    rnn, data, a0, mask, reset = drawn
    exact = ax.gradients(rnn, cell.rule(), data.X, data.Y, initial_state=a0, mask=mask, reset=reset)
    steps, loss, outer, _ = run(Net.of(rnn), data.X, data.Y, a0, reset)
    for t in range(len(steps)):
        if mask[t]:
            assert_close(exact.recurrent[t], bptt(steps[starts(reset, t) : t + 1]), 1e-12)
            assert_close(exact.output[t], outer[t], 1e-13)
            assert_close(exact.loss[t], loss[t], 1e-13)
        else:
            assert not exact.recurrent[t].any()
            assert not exact.output[t].any()
            assert np.isnan(exact.loss[t])


@given(drawn=streams())
def test_rtrl_is_finite_differences(drawn: tuple) -> None:
    rnn, data, a0, _, reset = drawn
    net = Net.of(rnn)
    if net.activation == "relu":  # no derivative at a kink
        steps, *_ = run(net, data.X, data.Y, a0, reset)
        assume(min(np.abs(net.W @ s.a_hat).min() for s in steps) > 0.02)
    exact = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y, initial_state=a0, reset=reset)
    t = len(data.X) - 1
    start = starts(reset, t)
    last = net, data.X[start:], data.Y[start:], np.zeros(net.n) if reset[start] else a0
    assert_close(exact.recurrent[t], finite_differences(lambda: loss_of_last(*last), net.W), 1e-8)
    assert_close(exact.output[t], finite_differences(lambda: loss_of_last(*last), net.V), 1e-8)


@given(drawn=streams(), more=st.integers(0, 2))
def test_whole_window_is_rtrl(drawn: tuple, more: int) -> None:
    rnn, data, a0, mask, reset = drawn
    given_ = {"initial_state": a0, "mask": mask, "reset": reset}
    window = ax.rules.tbptt(window=len(data.X) + more)
    exact = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y, **given_)
    rolled = ax.gradients(rnn, window, data.X, data.Y, **given_)
    assert_close(rolled.recurrent, exact.recurrent, 1e-12)
    np.testing.assert_array_equal(rolled.output, exact.output)


@over(EXACT)
@given(drawn=streams(dtype=np.float32))
def test_single_precision(cell: ax.TableCell, drawn: tuple) -> None:
    rnn, data, a0, _, reset = drawn
    single = ax.gradients(rnn, cell.rule(), data.X, data.Y, initial_state=a0, reset=reset)
    assert single.recurrent.dtype == np.float32
    steps, loss, outer, _ = run(Net.of(rnn), data.X.astype(float), data.Y.astype(float),
                                a0.astype(float), reset)  # fmt: skip
    expected = [bptt(steps[starts(reset, t) : t + 1]) for t in range(len(steps))]
    assert_close(single.recurrent, expected, 1e-5)
    assert_close(single.output, outer, 1e-5)
    assert_close(single.loss, loss, 1e-5)


@over(EXACT)
@pytest.mark.parametrize("p, g", [(1, 1), (2, 1), (1, 3), (2, 3)])
def test_exact_influence_of_any_cell(cell: ax.TableCell, p: int, g: int) -> None:
    steps = random_steps(np.random.default_rng(0), n=3, m=5, T=5, p=p, g=g)
    gradients, influences = drive(ax.make_learner(cell.rule(), shape_of(steps, 3)), steps)
    for t, (gradient, M) in enumerate(rtrl(steps)):
        assert_close(gradients[t], gradient, 1e-13)
        assert_close(influences[t], M, 1e-13)


@given(seed=st.integers(0, 999), p=st.integers(1, 2), g=st.integers(1, 4))
def test_unit_diagonal_is_exact_where_J_is(seed: int, p: int, g: int) -> None:
    """Element-wise recurrences: J block diagonal per unit."""
    steps = random_steps(np.random.default_rng(seed), n=3, m=4, T=5, p=p, g=g)
    steps = [s._replace(J=s.leak) for s in steps]
    for rule in (ax.rules.snap(n=1), ax.rules.rflo()):
        gradients, _ = drive(ax.make_learner(rule, shape_of(steps, 3)), steps)
        assert_close(gradients, [gradient for gradient, _ in rtrl(steps)], 1e-13)


def test_recorded_influence() -> None:
    rnn = network(n=3)
    data = stream(rnn, 4)
    exact = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y, record_influence=True)
    steps, *_ = run(Net.of(rnn), data.X, data.Y)
    assert_close(exact.influence, [M for _, M in rtrl(steps)], 1e-13)


def test_gradients_leave_the_network_alone() -> None:
    rnn = network()
    rnn.state = np.full(4, 0.25)
    data, W = stream(rnn, 4), rnn.W
    first = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y)
    np.testing.assert_array_equal(rnn.W, W)
    np.testing.assert_array_equal(rnn.state, np.full(4, 0.25))
    explicit = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y, initial_state=np.full(4, 0.25))
    np.testing.assert_array_equal(first.recurrent, explicit.recurrent)
