"""Rules that ride along: the run is as without them, and their gradients are those they would have given."""

from collections.abc import Callable

import numpy as np
import pytest

import axonomy as ax
from axonomy.studies.metrics import Ride
from axonomy.tasks import Stream

T = 60
DETERMINISTIC = [
    name
    for name in ax.rules.names()
    if getattr(ax.rules, name)().randomness == "deterministic" and not getattr(ax.rules, name)().needs_mask
]
STOCHASTIC = ["uoro", "kf_rtrl", "r_kf_rtrl", "ok", "kernl", "node_perturbation"]
MIXED = [ax.mix(["rflo", "f_bptt"], [0.5, 0.5]), ax.by_block(W_rec="snap", W_in="rtrl", b="rtrl")]


def data(flags: bool = False, steps: int = T) -> Stream:
    rng = np.random.default_rng(7)
    stream = Stream(rng.normal(size=(steps, 2)), rng.integers(0, 3, steps))
    if not flags:
        return stream
    return Stream(stream.X, stream.Y, mask=rng.random(steps) < 0.6, reset=rng.random(steps) < 0.1)


def network(kind: type = ax.LeakyRNN, dtype: type = np.float64) -> ax.Cell:
    return kind.random(n_in=2, n_hidden=5, n_out=3, seed=3, dtype=dtype)


def every_step(rnn: ax.Cell, passengers: list, stream: Stream, **options: object) -> np.ndarray:
    """The gradients (steps, passengers, R, m) of all steps whose gradients come in time."""
    settings = {"rule": "rflo", "optimiser": ax.SGD(0.05), "seeds": range(len(passengers)), **options}
    ride = Ride(rnn, settings.pop("rule"), settings.pop("optimiser"), passengers, **settings)
    for t in range(len(stream)):
        ride.ask(t, t + 1)
    ride.run(stream)
    taken = ride.take()
    assert [(s.first, s.last) for s in taken] == [(t, t + 1) for t in range(len(stream) - ride.lag)]
    return np.array([s.gradients.reshape(len(passengers), *rnn.W.T.shape).swapaxes(1, 2) for s in taken])


@pytest.mark.parametrize("flags", [False, True])
@pytest.mark.parametrize(
    ("rule", "optimiser", "update_every"),
    [
        ("rtrl", ax.SGD(0.1), 1),
        ("uoro", ax.SGD(0.05), 1),
        ("f_bptt", ax.Adam(0.01), 1),
        ("node_perturbation", ax.Momentum(0.01), 3),
        (ax.mix(["uoro", "dni"], [0.3, 0.7]), ax.SGD(0.01, clip=0.5), 1),
    ],
)
def test_the_run_is_as_without_passengers(
    rule: object, optimiser: object, update_every: int, flags: bool
) -> None:
    stream, alone, driven = data(flags), network(), network()
    trainer = ax.Trainer(alone, rule, optimiser, seed=5, update_every=update_every)
    history = trainer.run(stream.X, stream.Y, stream.mask, stream.reset)
    passengers = ["rtrl", "kf_rtrl", "kernl", "f_bptt"]
    ride = Ride(driven, rule, optimiser, passengers, [1, 2, 3, 4], seed=5, update_every=update_every)
    ride.ask(3, 20)
    losses = [ride.run(stream.part(0, 11)), ride.run(stream.part(11))]
    np.testing.assert_array_equal(np.concatenate(losses), history.loss)
    np.testing.assert_array_equal(driven.W, alone.W)
    np.testing.assert_array_equal(driven.W_out, alone.W_out)
    assert ride.steps == T


@pytest.mark.parametrize("flags", [False, True])
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_passenger_gives_the_gradient_that_would_have_trained(name: str, flags: bool) -> None:
    """Where a rule trains by plain SGD and rides too, each change of the weights is its gradient."""
    stream, rnn, rate = data(flags), network(), 0.05
    lag = getattr(ax.rules, name)().lag
    ride = Ride(rnn, name, ax.SGD(rate), [name], [0])
    changes = []
    for t in range(T):
        ride.ask(t, t + 1)
        before = rnn.W
        ride.run(stream.part(t, t + 1))
        changes.append((before - rnn.W) / rate)
    found = [s.gradients[0].reshape(rnn.W.T.shape).T for s in ride.take()]
    assert len(found) == T - lag
    np.testing.assert_allclose(found, changes[lag:], atol=1e-12)
    assert name == "output_only" or np.abs(changes).max() > 1e-3


@pytest.mark.parametrize("rule", [*DETERMINISTIC, *MIXED], ids=str)
@pytest.mark.parametrize("flags", [False, True])
def test_at_fixed_weights(rule: object, flags: bool) -> None:
    stream, rnn = data(flags), network()
    given = ax.gradients(rnn, rule, stream.X, stream.Y, mask=stream.mask, reset=stream.reset).recurrent
    found = every_step(rnn, [rule], stream, optimiser=ax.SGD(0.0), rule="uoro")[:, 0]
    np.testing.assert_allclose(found, given[len(given) - len(found) :], atol=1e-12)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_noise_is_each_passengers_own(name: str) -> None:
    """That of its seed alone: whoever else rides, and whatever the rule that trains draws."""
    stream = data()
    twice = every_step(network(), [name, name, "uoro"], stream, seeds=[4, 5, 6])
    assert np.abs(twice[:, 0] - twice[:, 1]).max() > 1e-6
    again = every_step(network(), ["rtrl", name], stream, seeds=[9, 5])
    np.testing.assert_array_equal(again[: len(twice), 1], twice[:, 1])
    rnn = network()
    given = ax.gradients(rnn, name, stream.X, stream.Y, seed=5).recurrent
    still = every_step(rnn, [name], stream, seeds=[5], optimiser=ax.SGD(0.0))[:, 0]
    np.testing.assert_allclose(still, given[len(given) - len(still) :], atol=1e-12)


@pytest.mark.parametrize("kind", [ax.GRU, ax.LSTM, ax.MGU, ax.IndRNN, ax.ELSTM])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_other_cells(kind: type, dtype: type) -> None:
    stream, rnn = data(), network(kind, dtype)
    given = ax.gradients(rnn, "rtrl", stream.X, stream.Y).recurrent
    found = every_step(rnn, ["rtrl"], stream, rule="output_only", optimiser=ax.SGD(0.0))[:, 0]
    np.testing.assert_allclose(found, given, atol=1e-12 if dtype == np.float64 else 1e-5)


def backpropagation(rnn: ax.Cell, stream: Stream, window: int) -> np.ndarray:
    """c^s D^s ⊗ a_hat^s of each step s, c^s from the losses of s, ..., s + window - 1, in plain loops."""
    n, W = 5, rnn.W
    a, states, errors = np.zeros(n), [], []
    for x, y in zip(stream.X, stream.Y, strict=True):
        a_hat = np.r_[a, x, 1.0]
        a = np.tanh(W @ a_hat)
        z = np.exp(rnn.W_out @ a + rnn.b_out)
        states.append((a_hat, 1 - a**2))
        errors.append((z / z.sum() - np.eye(3)[y]) @ rnn.W_out)
    found = []
    for s, (a_hat, slope) in enumerate(states[: len(states) - window + 1]):
        c = np.zeros(n)
        for t in reversed(range(s, s + window)):
            c = errors[t] + (c * states[t + 1][1] @ W[:, :n] if t + 1 < s + window else 0)
        found.append(np.outer(c * slope, a_hat))
    return np.array(found)


@pytest.mark.parametrize("window", [1, 2, 7])
def test_a_late_gradient_counts_at_the_step_it_belongs_to(window: int) -> None:
    stream, rnn = data(), network()
    expected = backpropagation(rnn, stream, window)
    found = every_step(rnn, [ax.rules.f_bptt(window=window)], stream, optimiser=ax.SGD(0.0))[:, 0]
    assert len(found) == T - window + 1
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_sums_over_intervals() -> None:
    stream, passengers = data(), ["rtrl", "f_bptt", "uoro"]
    each = every_step(network(), passengers, stream)
    ride = Ride(network(), "rflo", ax.SGD(0.05), passengers, range(3))
    asked = [(0, 10), (5, 6), (5, 25), (20, 51)]
    for first, last in asked:
        ride.ask(first, last)
    ride.run(stream.part(0, 30))
    early = ride.take()
    assert [(s.first, s.last) for s in early] == asked[:2]  # of the third, F-BPTT's last are still to come
    ride.run(stream.part(30))
    late = ride.take()
    assert [(s.first, s.last) for s in late] == asked[2:]
    assert ride.take() == []
    for s in early + late:
        sums = each[s.first : s.last].sum(axis=0).swapaxes(1, 2).reshape(3, -1)
        np.testing.assert_allclose(s.gradients, sums, atol=1e-12)


def test_gradients_that_are_not_wanted_leave_no_trace() -> None:
    """Whether or not a gradient is formed, a rule goes on the same."""
    stream = data(flags=True)
    for name in ax.rules.names():
        if getattr(ax.rules, name)().needs_mask:
            continue
        all_of_them = every_step(network(), [name], stream)
        ride = Ride(network(), "rflo", ax.SGD(0.05), [name], [0])
        ride.ask(40, 50)
        ride.run(stream)
        np.testing.assert_allclose(
            ride.take()[0].gradients[0].reshape(network().W.T.shape).T,
            all_of_them[40:50, 0].sum(axis=0),
            atol=1e-12,
            err_msg=name,
        )


def test_a_masked_network() -> None:
    rnn = ax.LeakyRNN.random(2, 6, 3, seed=1, density=0.4)
    found = every_step(rnn, ["snap", "uoro", "rtrl"], data())
    assert rnn.mask is not None
    assert (found[..., :6][:, :, ~rnn.mask] == 0).all()


class Trace(ax.Learner):
    """The immediate influence, forgotten at a fixed rate; it fails where it is told to."""

    facing, tensor, randomness, solution = "past", "kij", "deterministic", "closed-form"
    solver, title, bias = "fixed-trace", "a trace of fixed decay", "biased"
    memory = time = ax.Order(3)
    carries = ("M",)
    steps = 0
    fails_at = -1

    def reset(self, state: np.ndarray) -> None:
        self.M = np.zeros((self.shape.S, self.shape.R, self.shape.m))

    def step(self, step: ax.Step) -> np.ndarray:
        Trace.steps += 1
        if Trace.steps - 1 == Trace.fails_at:
            raise RuntimeError("no more")
        self.M = 0.8 * self.M + step.M_bar
        return np.einsum("k,kij->ij", step.q, self.M)


def test_a_rule_written_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    with ax.registered(Trace):
        rule = ax.compose("past", "kij", "deterministic", "closed-form", solver="fixed-trace")
        stream, rnn = data(), network()
        given = ax.gradients(rnn, rule, stream.X, stream.Y).recurrent
        found = every_step(rnn, [rule, "rtrl"], stream, optimiser=ax.SGD(0.0))[:, 0]
        np.testing.assert_allclose(found, given, atol=1e-12)
        monkeypatch.setattr(Trace, "fails_at", Trace.steps + 10)
        ride = Ride(rnn, "rflo", ax.SGD(0.1), [rule], [0])
        with pytest.raises(RuntimeError, match="no more"):
            ride.run(stream)
        assert ride.steps == 10


def test_divergence() -> None:
    rng = np.random.default_rng(0)
    stream = Stream(rng.normal(size=(3000, 2)), rng.normal(size=(3000, 1)))
    rnn = ax.LeakyRNN.random(2, 5, 1, activation="relu", loss="mse", seed=1)
    ride = Ride(rnn, "rtrl", ax.SGD(3.0), ["rflo"], [0])
    ride.ask(0, 1)
    with pytest.raises(ax.Diverged) as caught:
        ride.run(stream)
    assert caught.value.step == ride.steps
    assert np.isfinite(rnn.W).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ride: Ride("net", "rtrl", ax.SGD(0.1), [], []), "rnn: expected a network, got 'net'"),
        (
            lambda ride: Ride(network(), "rtrl", ax.SGD(0.1), ["rflo"], []),
            "seeds: expected 1, one a passenger",
        ),
        (lambda ride: Ride(network(), "rtrl", ax.SGD(0.1), ["rflo"], [-1]), "seeds: expected a whole number"),
        (lambda ride: ride.ask(4, 8), "first: expected a whole number at least 5, got 4"),
        (lambda ride: ride.ask(6, 6), "last: expected a whole number at least 7, got 6"),
    ],
)
def test_bad_arguments(call: Callable, message: str) -> None:
    ride = Ride(network(), "rflo", ax.SGD(0.1), ["rtrl"], [0])
    ride.run(data().part(0, 5))
    with pytest.raises(ValueError, match=message):
        call(ride)
