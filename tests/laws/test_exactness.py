"""Exact cells = backpropagation through time = finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    CELLS,
    COUPLED,
    ELEMENT_WISE,
    assert_close,
    cells_of,
    drive,
    every_kind,
    flags,
    is_exact,
    network,
    networks,
    over,
    over_networks,
    shape_of,
    some_state,
    stream,
)
from numpy_cells import Net, run
from numpy_rules import bptt, finite_differences, loss_of_last, random_steps, rtrl

EXACT = [cell for cell in CELLS if is_exact(cell)]
every_exact = over_networks(is_exact)


@st.composite
def streams(draw: st.DrawFn, **of_networks: object) -> tuple:
    """rnn, data, s0 (S,), mask (T,), reset (T,)."""
    rnn = draw(networks(**of_networks))
    T, seed = draw(st.integers(1, 6)), draw(st.integers(0, 999))
    flags = st.lists(st.booleans(), min_size=T, max_size=T).map(np.array)
    return rnn, stream(rnn, T, seed), some_state(rnn, seed), draw(flags), draw(flags)


def starts(reset: np.ndarray, t: int) -> int:
    """The step at which the past of step t begins."""
    return max((s for s in range(t + 1) if reset[s]), default=0)


@pytest.mark.parametrize(
    ("kind", "solvers"),
    [
        *[(kind, {"rtrl", "lazy"}) for kind in COUPLED],
        *[(kind, {"rtrl", "lazy", "diagonal"}) for kind in ELEMENT_WISE],
    ],
)
def test_which_are_exact(kind: str, solvers: set[str]) -> None:
    exact = [cell for cell in cells_of(kind) if is_exact(cell) and cell.facing == "past"]
    assert {cell.solver for cell in exact} == solvers


@every_exact
@given(data=st.data())
def test_exact_is_bptt(kind: str, cell: ax.TableCell, data: st.DataObject) -> None:
    rnn, of, s0, mask, reset = data.draw(streams(kinds=[kind]))
    exact = ax.gradients(rnn, cell.rule(), of.X, of.Y, initial_state=s0, mask=mask, reset=reset)
    net = Net.of(rnn)
    steps, loss, outer, _ = run(net, of.X, of.Y, s0, reset)
    for t in range(len(steps)):
        if mask[t]:
            assert_close(exact.recurrent[t], net.weights * bptt(steps[starts(reset, t) : t + 1]), 1e-12)
            assert_close(exact.output[t], outer[t], 1e-13)
            assert_close(exact.loss[t], loss[t], 1e-13)
        else:
            assert not exact.recurrent[t].any()
            assert not exact.output[t].any()
            assert np.isnan(exact.loss[t])


@every_kind
@settings(max_examples=8)
@given(data=st.data())
def test_rtrl_is_finite_differences(kind: str, data: st.DataObject) -> None:
    rnn, of, s0, _, reset = data.draw(streams(kinds=[kind], most=3))
    net = Net.of(rnn)
    if net.activation == "relu":  # no derivative at a kink
        steps, *_ = run(net, of.X, of.Y, s0, reset)
        assume(min(np.abs((net.W * s.a_hat).sum(1)).min() for s in steps) > 0.02)
    exact = ax.gradients(rnn, ax.rules.rtrl(), of.X, of.Y, initial_state=s0, reset=reset)
    t = len(of.X) - 1
    start = starts(reset, t)
    last = net, of.X[start:], of.Y[start:], np.zeros(net.S) if reset[start] else s0
    numeric = finite_differences(lambda: loss_of_last(*last), net.W)
    assert_close(exact.recurrent[t], net.weights * numeric, 1e-9)
    assert_close(exact.output[t], finite_differences(lambda: loss_of_last(*last), net.V), 1e-9)


@given(drawn=streams(), more=st.integers(0, 2))
def test_whole_window_is_rtrl(drawn: tuple, more: int) -> None:
    rnn, data, s0, mask, reset = drawn
    given_ = {"initial_state": s0, "mask": mask, "reset": reset}
    window = ax.rules.tbptt(window=len(data.X) + more)
    exact = ax.gradients(rnn, ax.rules.rtrl(), data.X, data.Y, **given_)
    rolled = ax.gradients(rnn, window, data.X, data.Y, **given_)
    assert_close(rolled.recurrent, exact.recurrent, 1e-12)
    np.testing.assert_array_equal(rolled.output, exact.output)


@every_exact
@settings(max_examples=10)
@given(data=st.data())
def test_single_precision(kind: str, cell: ax.TableCell, data: st.DataObject) -> None:
    rnn, of, s0, _, reset = data.draw(streams(kinds=[kind], dtype=np.float32))
    single = ax.gradients(rnn, cell.rule(), of.X, of.Y, initial_state=s0, reset=reset)
    assert single.recurrent.dtype == np.float32
    net = Net.of(rnn)
    steps, loss, outer, _ = run(net, of.X.astype(float), of.Y.astype(float), s0.astype(float), reset)
    expected = [net.weights * bptt(steps[starts(reset, t) : t + 1]) for t in range(len(steps))]
    assert_close(single.recurrent, expected, 1e-5)
    assert_close(single.output, outer, 1e-5)
    assert_close(single.loss, loss, 1e-5)


@over_networks(lambda cell: cell.solver == "lazy")
def test_lazy_is_rtrl_over_many_updates(kind: str, cell: ax.TableCell) -> None:
    """Online, the weights changing at every step, over many blocks, resets among them."""
    rnn = network(n=6, kind=kind)
    data, (mask, reset) = stream(rnn, 3000), flags(3000)
    losses, weights = [], []
    lazy = [cell.rule(block=block, latency=latency) for block in (0, 7) for latency in ("block", "even")]
    for rule in ("rtrl", *lazy):
        trainer = ax.Trainer(rnn.copy(), rule, ax.SGD(0.05))
        losses.append(trainer.run(data.X, data.Y, mask, reset & (np.arange(3000) % 10 == 0)).loss)
        weights.append(trainer.rnn.W)
    for loss, W in zip(losses[1:], weights[1:], strict=True):
        np.testing.assert_allclose(loss, losses[0], rtol=0, atol=1e-9)
        assert_close(W, weights[0], 1e-9)
    assert np.abs(weights[0] - rnn.W).max() > 0.1


@over_networks(lambda cell: cell.solver == "lazy")
@settings(max_examples=25)
@given(data=st.data())
def test_lazy_with_even_latency(kind: str, cell: ax.TableCell, data: st.DataObject) -> None:
    """Gradients and M at every step, in blocks of any length, over several of them."""
    rnn = data.draw(networks(kinds=[kind]))
    rule = cell.rule(block=data.draw(st.integers(1, 7)), latency="even")
    T = data.draw(st.integers(1, 30))
    of, s0, (mask, reset) = stream(rnn, T), some_state(rnn, T), flags(T, seed=data.draw(st.integers(0, 99)))
    reset &= np.arange(T) % 3 == 0
    given_ = {"initial_state": s0, "mask": mask, "reset": reset, "record_influence": True}
    exact, lazy = (ax.gradients(rnn, r, of.X, of.Y, **given_) for r in (ax.rules.rtrl(), rule))
    assert_close(lazy.recurrent, exact.recurrent, 1e-12)
    assert_close(lazy.influence, exact.influence, 1e-12)


@every_kind
@settings(max_examples=10)
@given(data=st.data())
def test_every_weight_gets_a_gradient(kind: str, data: st.DataObject) -> None:
    """At some step, from a state that is not zero; and none where there is no weight."""
    rnn = data.draw(networks(kinds=[kind], activations=("tanh", "sigmoid"), masks=False))
    of = stream(rnn, 3)
    given_ = ax.gradients(rnn, "rtrl", of.X, of.Y, initial_state=some_state(rnn, 1)).recurrent
    if rnn.shape.n_out > 1 or rnn.loss != "cross_entropy":  # else there is but one class
        np.testing.assert_array_equal(given_.any(axis=0), rnn.shape.weights)
    np.testing.assert_array_equal(rnn.shape.weights, Net.of(rnn).weights)


@over(EXACT)
@pytest.mark.parametrize("element_wise", [False, True], ids=["coupled", "element-wise"])
@pytest.mark.parametrize("p, g", [(1, 1), (2, 1), (1, 3), (2, 3)])
def test_exact_influence_of_any_cell(cell: ax.TableCell, p: int, g: int, element_wise: bool) -> None:
    steps = random_steps(np.random.default_rng(0), n=3, m=5, T=5, p=p, g=g, element_wise=element_wise)
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
