"""The future-facing rules: their kernels, and the laws that only they keep."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axonomy as ax
from drawing import (
    BY_HAND,
    CELLS,
    KINDS,
    Stream,
    assert_close,
    drive,
    every_cell,
    every_kind,
    flags,
    network,
    network_for,
    networks,
    over,
    shape_of,
    short_rule,
    some_state,
    stream,
    take,
)
from numpy_cells import Array, Net, Step, run
from numpy_rules import (
    Rule,
    all_signs,
    credits,
    dni,
    e_bptt,
    f_bptt,
    gradient_of,
    node_perturbation,
    random_steps,
    rls,
    rtrl,
    train_ahead,
)

N_UNITS = 3
FUTURE = [cell for cell in CELLS if cell.facing == "future"]
DETERMINISTIC = [cell for cell in FUTURE if cell.randomness == "deterministic"]
every_shape = pytest.mark.parametrize("p, g", [(1, 1), (2, 1), (1, 3), (2, 4)])
every_current = pytest.mark.parametrize("current", ["exact", "estimated"])


def windows(make: object, *lengths: int) -> list[ax.Rule]:
    return [make(window=length) for length in lengths]


def both(make: object, *settings: dict) -> list[ax.Rule]:
    return [make(**one, current=current) for one in settings for current in ("exact", "estimated")]


def rls_rule(**settings: object) -> ax.Rule:
    return ax.compose("future", "A_il", "deterministic", "closed-form", solver="rls", **settings)


DESCENT = [
    {"learning_rate": 0.02},
    {"refresh": 1},
    {"refresh": 3, "l2": 0.4, "learning_rate": 0.05},
    {"output": "tanh", "refresh": 2},
]
RULES = [
    *windows(ax.rules.f_bptt, 1, 2, 5, 40),
    *windows(ax.rules.e_bptt, 1, 3, 5, 40),
    *both(ax.rules.dni, {}, *DESCENT, {"label": "tanh"}, {"label": "tanh", "output": "tanh"}),
    *both(ax.rules.dni_b, {}, *DESCENT, {"label": "linear", "jacobian_rate": 0.1}),
    *both(rls_rule, {}, {"forgetting": 0.8, "ridge": 0.3}, {"forgetting": 1.0, "refresh": 1}),
    *both(rls_rule, {"label": "tanh", "refresh": 2, "forgetting": 0.9}),
]
TODAY = [
    make(window=length, through="today") for make in (ax.rules.f_bptt, ax.rules.e_bptt) for length in (1, 4)
]
by_hand = pytest.mark.parametrize("rule", RULES, ids=str)
on_networks = pytest.mark.parametrize("rule", RULES + TODAY, ids=str)


def start_of(rule: ax.Rule, rng: np.random.Generator, shape: ax.Shape) -> Array | None:
    """An A to start from, where there is one."""
    return rng.normal(size=(shape.S, shape.S + shape.n_out + 1)) * 0.3 if rule.tensor == "A_il" else None


def reference(
    rule: ax.Rule, steps: object, a0: Array, A: Array | None, jacobian: Array, through: object = None
) -> Rule:
    """The rule in NumPy; `jacobian`: what a learned J starts from, `through`: J of today."""
    settings = rule.options
    if rule.solver in ("f_bptt", "e_bptt"):
        twin = {"f_bptt": f_bptt, "e_bptt": e_bptt}[rule.solver]
        return twin(steps, settings["window"], through if settings["through"] == "today" else None)
    settings["current"] = rule.current
    if rule.solver == "dni_b":
        settings["jacobian"] = jacobian.copy()
    return {"dni": dni, "dni_b": dni, "rls": rls}[rule.solver](steps, a0, A, **settings)


def sequences(rng: np.random.Generator, T: int, p: int, g: int, *begins: int) -> list[Step]:
    """Steps of several sequences, the later ones beginning at these steps."""
    steps = random_steps(rng, N_UNITS, m=5, T=T, p=p, g=g, n_out=2)
    return [s._replace(begins=t in begins) for t, s in enumerate(steps)]


def drive_sequences(learner: object, steps: list[Step]) -> tuple[Array, Array]:
    """Gradients (T, R, m) and credits (T, S), through all sequences."""
    found = []
    for s in steps:
        if s.begins:
            learner.new_sequence(np.ones_like(s.q))
        found.append(drive(learner, [s]))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def padded(data: Stream, more: int, *flags_: tuple[Array, bool]) -> tuple:
    """X, Y and flags with so many steps more, that have no target and let what is due come out."""
    X, Y = (np.pad(array, ((0, more), (0, 0))) for array in (data.X, data.Y))
    return X, Y, *(np.concatenate([flag, np.full(more, value)]) for flag, value in flags_)


# ---------------------------------------------------------------------------------------- kernels


def test_every_future_facing_cell_is_covered() -> None:
    assert {cell.solver for cell in FUTURE} == {rule.solver for rule in RULES} | {"node_perturbation"}


@over(DETERMINISTIC)
def test_every_setting_is_covered(cell: ax.TableCell) -> None:
    for key, default in cell.rule().options.items():
        values = {rule.options[key] for rule in RULES + TODAY if rule.solver == cell.solver}
        assert values - {default}


@by_hand
@every_shape
def test_kernel(rule: ax.Rule, p: int, g: int) -> None:
    rng = np.random.default_rng(0)
    steps = sequences(rng, 17, p, g, 4, 9, 10)
    shape = shape_of(steps, N_UNITS)
    A = start_of(rule, rng, shape)
    learner = ax.make_learner(rule, shape, initial=None if A is None else {"A": A})
    gradients, found = drive_sequences(learner, steps)
    twin = reference(rule, steps, np.zeros(shape.S), A, steps[0].J)
    for t, (gradient, c) in enumerate(twin):
        assert_close(gradients[t], gradient, 1e-11)
        assert_close(found[t], c, 1e-11)


@by_hand
def test_kernel_from_a_state(rule: ax.Rule) -> None:
    """`reset(state)`: with it, and from A = 0."""
    rng = np.random.default_rng(1)
    steps, a0 = sequences(rng, 9, 2, 1, 5), rng.normal(size=2 * N_UNITS)
    learner = ax.make_learner(rule, shape_of(steps, N_UNITS))
    drive(learner, sequences(rng, 7, 2, 1))
    learner.reset(a0)
    gradients, found = drive_sequences(learner, steps)
    for t, (gradient, c) in enumerate(reference(rule, steps, a0, None, steps[0].J)):
        assert_close(gradients[t], gradient, 1e-11)
        assert_close(found[t], c, 1e-11)


def start_of_jacobian(rnn: ax.Cell, s0: Array, x: Array) -> Array:
    """What a learned J starts from: the weights of a leaky RNN, the first J of others."""
    return rnn.W_rec if rnn.kind == "leaky_rnn" else rnn.linearise(x, s0).J


@on_networks
@pytest.mark.parametrize("settings", [
    {"activation": "softplus", "loss": "mse", "alpha": np.array([0.6, 0.2, 1.0, 0.9])},
    {"activation": "identity", "loss": "binary_cross_entropy", "alpha": 0.3},
    *[{"kind": kind, "alpha": 1.0} for kind in KINDS],
], ids=str)  # fmt: skip
def test_kernel_on_a_network(rule: ax.Rule, settings: dict) -> None:
    rnn, rng, T = network(**settings), np.random.default_rng(2), 18
    data, a0, (mask, reset) = stream(rnn, T), some_state(rnn, 2), flags(T)
    reset[0] = False
    A = start_of(rule, rng, rnn.shape)
    found = ax.gradients(
        rnn, rule, data.X, data.Y, initial_state=a0, mask=mask, reset=reset, record_credit=True,
        initial=None if A is None else {"A": A},
    )  # fmt: skip
    net = Net.of(rnn)
    steps, *_ = run(net, data.X, data.Y, a0, reset, mask)
    jacobian = start_of_jacobian(rnn, a0, data.X[0])
    for t, (gradient, c) in enumerate(reference(rule, steps, a0, A, jacobian, net.jacobian)):
        assert_close(found.recurrent[t], net.weights * gradient, 1e-11)
        assert_close(found.credit[t], c, 1e-11)


@on_networks
@pytest.mark.parametrize(("kind", "update_every"), [("leaky_rnn", 3), *[(kind, 1) for kind in KINDS]])
def test_kernel_online(rule: ax.Rule, kind: str, update_every: int) -> None:
    """The weights change under the rule: what it keeps of each step is of the weights of that time."""
    rnn, rng, T = network(alpha=0.6, kind=kind), np.random.default_rng(3), 19
    data, a0, (mask, reset) = stream(rnn, T), some_state(rnn, 3), flags(T)
    reset[0] = False
    A, net = start_of(rule, rng, rnn.shape), Net.of(rnn)
    jacobian = start_of_jacobian(rnn, a0, data.X[0])
    losses = train_ahead(
        net, data.X, data.Y, lambda steps: reference(rule, steps, a0, A, jacobian, net.jacobian), 0.2,
        a0=a0, mask=mask, reset=reset, update_every=update_every,
    )  # fmt: skip
    rnn.state = a0
    trainer = ax.Trainer(
        rnn, rule, ax.SGD(0.2), update_every=update_every, initial=None if A is None else {"A": A}
    )
    found = trainer.run(data.X, data.Y, mask, reset).loss
    np.testing.assert_array_equal(np.isnan(found), ~mask)
    assert_close(found[mask], losses[mask], 1e-10)
    assert_close(rnn.W, net.W, 1e-10)


@pytest.mark.parametrize("make", [ax.rules.f_bptt, ax.rules.e_bptt])
def test_time_and_today_differ_as_weights_change(make: object) -> None:
    """At every step: under E-BPTT by itself they do not change within a window."""

    def trained(**settings: object) -> Array:
        rnn = network()
        data = stream(rnn, 12)
        ax.Trainer(rnn, make(window=4, **settings), ax.SGD(0.2, l2=0.1)).run(data.X, data.Y)
        return rnn.W

    assert np.abs(trained(through="time") - trained(through="today")).max() > 1e-4


@pytest.mark.parametrize("rule", TODAY, ids=str)
def test_today_needs_the_network(rule: ax.Rule) -> None:
    (s,) = sequences(np.random.default_rng(0), 1, 1, 1)
    with pytest.raises(ValueError, match=r"present weights"):
        take(ax.make_learner(rule, shape_of([s], N_UNITS)), s)


@pytest.mark.parametrize("window", [1, 3, 40])
@pytest.mark.parametrize("noise, sigma", [("signs", 0.5), ("normal", 0.02)])
@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "binary_cross_entropy"])
@every_kind
def test_node_perturbation(kind: str, window: int, noise: str, sigma: float, loss: str) -> None:
    rnn, rng, T = network(loss=loss, kind=kind), np.random.default_rng(4), 20
    data, a0, (mask, reset) = stream(rnn, T), some_state(rnn, 4), flags(T)
    rule = ax.rules.node_perturbation(window=window, sigma=sigma, noise=noise)
    xi = rng.normal(size=(T, rule.n_noise(rnn)))
    found = ax.gradients(
        rnn, rule, data.X, data.Y, initial_state=a0, mask=mask, reset=reset, noise=xi, record_credit=True
    )
    net = Net.of(rnn)
    steps, *_ = run(net, data.X, data.Y, a0, reset, mask)
    twin = node_perturbation(net, steps, data.X, a0, xi, mask, window=window, sigma=sigma)
    for t, (gradient, c) in enumerate(twin):
        assert_close(found.recurrent[t], net.weights * gradient, 1e-11)
        assert_close(found.credit[t], c, 1e-11)


def test_node_perturbation_feels_the_noise_of_the_network() -> None:
    """Both copies do, so that nothing of it is credited."""
    rnn = network(state_noise=0.5)
    data, rule = stream(rnn, 12), ax.rules.node_perturbation(window=3)
    found = ax.gradients(rnn, rule, data.X, data.Y, noise=np.zeros((12, 4)))
    assert np.abs(found.recurrent).max() < 1e-12


def test_recursive_least_squares_is_ridge_regression() -> None:
    """Without forgetting, and before A* is anything but zero: A x, A of all samples so far at once."""
    steps = sequences(np.random.default_rng(5), 12, 2, 1)
    ridge = 0.7
    rule = rls_rule(forgetting=1.0, ridge=ridge, refresh=1000, current="estimated")
    _, found = drive(ax.make_learner(rule, shape_of(steps, N_UNITS)), steps)
    X = np.array([np.concatenate([s.state, s.y, [1.0]]) for s in steps])  # (T, d)
    first = np.concatenate([np.zeros(2 * N_UNITS), steps[0].y, [1.0]])
    samples = np.vstack([first, X[:-1]])
    targets = np.vstack([np.zeros(2 * N_UNITS), [s.q for s in steps[:-1]]])
    for t, x in enumerate(X):
        of_all = samples[: t + 1].T @ samples[: t + 1] + ridge * np.eye(len(x))
        A = np.linalg.solve(of_all, samples[: t + 1].T @ targets[: t + 1]).T
        assert_close(found[t], A @ x, 1e-12)


@pytest.mark.parametrize("forgetting", [0.9, 0.99])
def test_recursive_least_squares_keeps_its_ridge(forgetting: float) -> None:
    """However long a direction is not excited: forgetting alone lets P grow by forgetting**-2000 there."""
    (s,) = sequences(np.random.default_rng(6), 1, 1, 1)
    learner = ax.make_learner(rls_rule(forgetting=forgetting, ridge=0.5), shape_of([s], N_UNITS))
    for _ in range(2000):
        take(learner, s)
    P = learner.state()["learner.P"]
    assert_close(P, P.T, 1e-12)
    least, *_, greatest = np.linalg.eigvalsh(P)
    assert least > 0
    assert greatest < 1.5 / 0.5
    assert np.abs(learner.credit()).max() < 100  # s for ever: q (1 - J)^-1, at most 55


# --------------------------------------------------------------------------------------- exactness


@st.composite
def cases(draw: st.DrawFn) -> tuple:
    """rnn, data, a0 (n,), mask (T,), reset (T,)."""
    rnn = draw(networks())
    T, seed = draw(st.integers(1, 7)), draw(st.integers(0, 999))
    of_steps = st.lists(st.booleans(), min_size=T, max_size=T).map(np.array)
    a0 = some_state(rnn, seed)
    return rnn, stream(rnn, T, seed), a0, draw(of_steps), draw(of_steps)


every_through = pytest.mark.parametrize("through", ["time", "today"])


def exact_total(rnn: ax.LeakyRNN, data: Stream, a0: Array, mask: Array, reset: Array) -> Array:
    """RTRL's gradients, summed over time."""
    exact = ax.gradients(rnn, "rtrl", data.X, data.Y, initial_state=a0, mask=mask, reset=reset)
    return exact.recurrent.sum(0)


@every_through
@given(case=cases())
def test_e_bptt_of_the_whole_is_rtrl(through: str, case: tuple) -> None:
    rnn, data, a0, mask, reset = case
    rule = ax.rules.e_bptt(window=len(data.X), through=through)
    found = ax.gradients(rnn, rule, data.X, data.Y, initial_state=a0, mask=mask, reset=reset)
    assert not found.recurrent[:-1].any()
    assert_close(found.recurrent[-1], exact_total(*case), 1e-11)
    steps, *_ = run(Net.of(rnn), data.X, data.Y, a0, reset, mask)
    net = Net.of(rnn)
    whole = net.weights * sum(gradient_of(s, c) for s, c in zip(steps, credits(steps), strict=True))
    assert_close(found.recurrent[-1], whole, 1e-11)


@every_through
@given(case=cases(), more=st.integers(0, 2))
def test_f_bptt_of_the_whole_is_rtrl(through: str, case: tuple, more: int) -> None:
    """Step by step the exact credit, and the same sum."""
    rnn, data, a0, mask, reset = case
    T = len(data.X)
    lag = T - 1 + more
    rule = ax.rules.f_bptt(window=lag + 1, through=through)
    X, Y, mask_, reset_ = padded(data, lag, (mask, False), (reset, False))
    found = ax.gradients(rnn, rule, X, Y, initial_state=a0, mask=mask_, reset=reset_, record_credit=True)
    assert not found.recurrent[:lag].any()
    net = Net.of(rnn)
    steps, *_ = run(net, data.X, data.Y, a0, reset, mask)
    for s, (step, c) in enumerate(zip(steps, credits(steps), strict=True)):
        assert_close(found.credit[s + lag], c, 1e-11)
        assert_close(found.recurrent[s + lag], net.weights * gradient_of(step, c), 1e-11)
    assert_close(found.recurrent.sum(0), exact_total(*case), 1e-11)


@given(case=cases(), window=st.integers(1, 4))
def test_e_bptt_is_rtrl_from_window_to_window(case: tuple, window: int) -> None:
    """As if a sequence began with each window, but for the state."""
    rnn, data, a0, mask, reset = case
    found = ax.gradients(
        rnn, ax.rules.e_bptt(window=window), data.X, data.Y, initial_state=a0, mask=mask, reset=reset
    )
    _, _, _, activity = run(Net.of(rnn), data.X, data.Y, a0, reset)
    for start in range(0, len(data.X) - window + 1, window):
        part = slice(start, start + window)
        before = activity[start - 1] if start else a0
        exact = exact_total(rnn, Stream(data.X[part], data.Y[part]), before, mask[part], reset[part])
        assert_close(found.recurrent[start + window - 1], exact, 1e-11)


# --------------------------------------------------------------------- declared: lag, period, bias

LAGS = {"0": lambda T: (0, 1), "T − 1": lambda T: (T - 1, 1), "0, every T": lambda T: (0, T)}


@every_cell
def test_printed_lag(cell: ax.TableCell) -> None:
    for T in (1, 4):
        rule = cell.rule(window=T) if "window" in cell.rule().options else cell.rule()
        assert (rule.lag, rule.period) == LAGS[cell.lag](T)


def delays(rule: ax.Rule) -> dict[int, list[int]]:
    """With D zero but at step s: so many steps after s the gradient is not zero."""
    steps = random_steps(np.random.default_rng(7), N_UNITS, m=6, T=16, n_out=2)
    found = {}
    for s in range(3, 9):
        alone = [step._replace(D=step.D * (t == s)) for t, step in enumerate(steps)]
        gradients, _ = drive(ax.make_learner(rule, shape_of(steps, N_UNITS, rule)), alone)
        found[s] = [t - s for t in np.flatnonzero(gradients.any((1, 2)))]
    return found


def assert_late_as_declared(rule: ax.Rule, facing: str) -> None:
    found = delays(rule)
    first = [after[0] for after in found.values()]
    assert min(first) == rule.lag
    assert max(first) == rule.lag + rule.period - 1
    if facing == "future":
        assert all(len(after) == 1 for after in found.values())
    else:
        assert all(after == [*range(rule.lag, 16 - s)] for s, after in found.items())


@over(cell for cell in BY_HAND if cell.randomness == "deterministic")
@every_current
def test_lag_is_as_declared(cell: ax.TableCell, current: str) -> None:
    settings = [{"window": T} for T in (1, 3, 4)] if "window" in cell.rule().options else [{}]
    for more in settings:
        rule = cell.rule(current=current, **more)
        if cell.solver == "window":
            first = {after[0] for after in delays(rule).values()}
            last = {after[-1] for after in delays(rule).values()}
            assert (first, last) == ({rule.lag}, {more["window"] - 1})
        else:
            assert_late_as_declared(rule, cell.facing)


@every_cell
def test_lag_on_a_network(cell: ax.TableCell) -> None:
    """An input that is not zero at step s alone: so are its columns of the gradient, so much later."""
    rnn, T, s = network_for(cell), 14, 6
    rule, X = short_rule(cell), np.zeros((T, 2))
    X[s] = 1.0
    found = ax.gradients(rnn, rule, X, stream(rnn, T).Y, seed=1).recurrent[:, :, 4:6]
    when = np.flatnonzero(found.any((1, 2))) - s
    assert rule.lag <= when[0] < rule.lag + rule.period
    if cell.facing == "future":
        assert len(when) == 1


@pytest.mark.parametrize(
    ("parts", "lag", "period"),
    [
        ([ax.rules.rtrl(), ax.rules.dni()], 0, 1),
        ([ax.rules.f_bptt(window=3), ax.rules.f_bptt(window=3, through="today")], 2, 1),
        ([ax.rules.f_bptt(window=3), ax.rules.node_perturbation(window=3)], 2, 1),
        ([ax.rules.f_bptt(window=3), ax.rules.f_bptt(window=4)], None, 1),
        ([ax.rules.rtrl(), ax.rules.f_bptt(window=3)], None, 1),
        ([ax.rules.e_bptt(window=3), ax.rules.e_bptt(window=3)], 0, 3),
        ([ax.rules.e_bptt(window=3), ax.rules.rtrl()], 0, None),
        ([ax.rules.e_bptt(window=3), ax.rules.f_bptt(window=4)], None, None),
    ],
    ids=str,
)
def test_lag_of_hybrids(parts: list[ax.Rule], lag: int | None, period: int | None) -> None:
    one, other = parts
    for rule in (ax.mix(parts), ax.by_block({"0:2": one, "2:": other}), ax.mix([ax.mix(parts), one])):
        assert (rule.lag, rule.period) == (lag, period)


@pytest.mark.parametrize("make", [ax.rules.f_bptt, ax.rules.e_bptt])
def test_lag_of_hybrids_is_as_declared(make: object) -> None:
    one = make(window=3)
    for rule in (ax.mix([one, one], [0.25, 0.75]), ax.by_block({"0:2": one, "2:": one})):
        assert_late_as_declared(rule, "future")


@over(DETERMINISTIC)
@every_current
def test_biased_as_declared(cell: ax.TableCell, current: str) -> None:
    """All gradients that ever come, of a sequence longer than the window."""
    assert cell.bias == "biased"
    steps = random_steps(np.random.default_rng(8), N_UNITS, m=5, T=12, n_out=2)
    after = [s._replace(q=np.zeros_like(s.q), D=np.zeros_like(s.D)) for s in steps[:4]]
    rule = short_rule(cell, current=current)
    gradients, _ = drive(ax.make_learner(rule, shape_of(steps, N_UNITS)), [*steps, *after])
    exact = sum(gradient for gradient, _ in rtrl(steps))
    assert np.abs(gradients.sum(0) - exact).max() > 1e-2 * np.abs(exact).max()


# --------------------------------------------------------------------------- node perturbation's mean

SHORT = {"n": 2, "n_in": 2, "n_out": 2, "loss": "mse"}


def mean_credit(
    rnn: ax.LeakyRNN, data: Stream, a0: Array, mask: Array, reset: Array, window: int, sigma: float
) -> tuple[Array, Array]:
    """Over all signs: of each step the mean gradient (T, n, m) and credit (T, n)."""
    T, lag = len(data.X), window - 1
    rule = ax.rules.node_perturbation(window=window, sigma=sigma)
    X, Y, mask, reset = padded(data, lag, (mask, False), (reset, False))
    gradient, credit = 0.0, 0.0
    for signs in all_signs(2 * T):
        noise = np.pad(signs.reshape(T, 2), ((0, lag), (0, 0)))  # no loss feels what comes after
        found = ax.gradients(
            rnn, rule, X, Y, initial_state=a0, mask=mask, reset=reset, noise=noise, record_credit=True
        )
        gradient, credit = gradient + found.recurrent[lag:], credit + found.credit[lag:]
    return gradient / 4.0**T, credit / 4.0**T


@pytest.mark.parametrize("alpha", [1.0, 0.6])
@pytest.mark.parametrize("window", [2, 4, 5])
@pytest.mark.parametrize("reset_at, masked_at", [(None, None), (2, None), (None, 2), (2, 1)])
def test_mean_over_all_signs(alpha: float, window: int, reset_at: int, masked_at: int) -> None:
    """Linear network, quadratic loss: the credit of the window, which may be of the whole, at any sigma."""
    T = 4
    rnn = network(alpha=alpha, activation="identity", **SHORT)
    data, a0 = stream(rnn, T), np.array([0.5, -0.8])
    mask, reset = np.arange(T) != masked_at, np.arange(T) == reset_at
    gradient, credit = mean_credit(rnn, data, a0, mask, reset, window, sigma=0.9)
    steps, *_ = run(Net.of(rnn), data.X, data.Y, a0, reset, mask)
    for s, step in enumerate(steps):
        c = credits(steps[s : s + window])[0]
        assert_close(credit[s], c, 1e-12)
        assert_close(gradient[s], gradient_of(step, c), 1e-12)
    if window >= T:
        assert_close(gradient.sum(0), exact_total(rnn, data, a0, mask, reset), 1e-12)


def test_mean_is_off_by_sigma_squared() -> None:
    T = 4
    rnn = network(activation="tanh", **SHORT)
    data, a0 = stream(rnn, T), np.array([0.5, -0.8])
    mask, reset = np.ones(T, bool), np.zeros(T, bool)
    steps, *_ = run(Net.of(rnn), data.X, data.Y, a0)
    off = [
        np.linalg.norm(mean_credit(rnn, data, a0, mask, reset, T, sigma)[1] - credits(steps))
        for sigma in (0.2, 0.1, 0.05)
    ]
    assert off[0] > 1e-4 * np.linalg.norm(credits(steps))
    assert off[0] / off[1] == pytest.approx(4, rel=0.05)
    assert off[1] / off[2] == pytest.approx(4, rel=0.02)


# ------------------------------------------------------------------------------- what a model learns


@cache
def expected_credit() -> tuple[ax.LeakyRNN, Stream, dict[str, Array]]:
    """A linear network, a stream, and the A that a model of the credit should find, by least squares.

    Inputs are independent, and the next target is linear in the state, the next input and noise. What is
    to be expected of the credit, given all the past, is then linear in the state and the target.
    """
    rng, n, T, more = np.random.default_rng(10), 3, 100_000, 60
    J, W_in = (np.linalg.qr(rng.normal(size=(n, n)))[0] * size for size in (0.6, 1.0))
    W_out = rng.normal(size=(2, n))
    rnn = ax.LeakyRNN(J, W_in, np.zeros(n), W_out, np.full(2, 0.2), activation="identity", loss="mse")
    X = rng.normal(size=(T + more, 3))
    a = rnn.forward(X).activity
    before = np.vstack([np.zeros(n), a[:-1]])
    Y = (before @ rng.normal(size=(n, 2)) + X @ rng.normal(size=(3, 2)) + rng.normal(size=(T + more, 2))) / 2

    q = (a @ W_out.T + 0.2 - Y) @ W_out
    c, power = np.zeros_like(q[:T]), np.eye(n)
    for k in range(more):  # of the losses k steps later; beyond, 0.6**60 is nothing
        c += q[k : k + T] @ power
        power = power @ J
    regressors = np.hstack([a, Y, np.ones((T + more, 1))])[:T]
    A = {
        current: np.linalg.lstsq(regressors, target, rcond=None)[0].T
        for current, target in (("estimated", c), ("exact", c - q[:T]))
    }
    return rnn, Stream(X[:T], Y[:T]), A


def errors(rule: ax.Rule) -> list[float]:
    """|A - A_ls| / |A_ls| after 1,000, 10,000 and 100,000 steps at fixed weights."""
    rnn, data, A = expected_credit()
    trainer = ax.Trainer(rnn.copy(), rule, ax.SGD(0.0))
    found, wanted = [], A[rule.current]
    for start, stop in ((0, 1_000), (1_000, 10_000), (10_000, 100_000)):
        trainer.run(data.X[start:stop], data.Y[start:stop])
        found.append(np.linalg.norm(trainer.state()["learner.A"] - wanted) / np.linalg.norm(wanted))
    return found


MODELS = {
    "dni": (lambda **current: ax.rules.dni(learning_rate=5e-4, **current), 0.06),
    "dni_b": (
        lambda **current: ax.rules.dni_b(learning_rate=5e-4, jacobian_rate=1e-4, label="linear", **current),
        0.06,
    ),
    "rls": (lambda **current: rls_rule(forgetting=1.0, **current), 0.015),
}


@every_current
def test_a_model_finds_the_expected_credit(current: str) -> None:
    found = {name: errors(make(current=current)) for name, (make, _) in MODELS.items()}
    for name, (first, second, third) in found.items():
        assert second < first / 2
        assert third < second / 4
        assert third < MODELS[name][1]
    assert found["rls"][0] < found["dni"][0] / 3
    assert found["rls"][1] < found["dni"][1] / 3


@over(cell for cell in CELLS if cell.facing == "future")
def test_a_sequence_may_begin_at_once(cell: ax.TableCell) -> None:
    """A reset before the first step: what the state was does not matter."""
    rnn, T = network(), 12
    data, reset = stream(rnn, T), np.arange(T) == 0
    one, other = (
        ax.gradients(rnn, short_rule(cell), data.X, data.Y, initial_state=a0, reset=reset).recurrent
        for a0 in (np.zeros(4), np.ones(4))
    )
    np.testing.assert_array_equal(one, other)
