"""All metrics of a run, against what plain stepping in Python gives, and against what must be so."""

import copy
from collections.abc import Callable

import numpy as np
import pytest

import axonomy as ax
from axonomy.learner import make_learner
from axonomy.studies.metrics import Ride, Trajectory, measure
from axonomy.tasks import Add, Digits, Mimic, Stream

RATE = 0.03


def network(kind: type = ax.LeakyRNN, n: int = 6, **options: object) -> ax.Cell:
    return kind.random(n_in=2, n_hidden=n, n_out=2, seed=3, **options)


def trajectory(rule: object = "rflo", **options: object) -> Trajectory:
    return Trajectory(network(**options), rule, ax.SGD(RATE), seed=1)


def by_hand(rules: list[str], stream: Stream) -> np.ndarray:
    """Gradients (rules, T, R, m) along the run of `trajectory`, each learner driven by hand."""
    rnn = network()
    trainer = ax.Trainer(rnn, "rflo", ax.SGD(RATE), seed=1)
    learners = [make_learner(getattr(ax.rules, name)(), rnn) for name in rules]
    found = []
    for x, y in zip(stream.X, stream.Y, strict=True):
        step = rnn.linearise(x)
        z = np.exp(rnn.W_out @ step.state + rnn.b_out)
        q = (z / z.sum() - y) @ rnn.W_out
        for learner in learners:
            learner.step(step.J, step.D, step.a_hat, q, leak=step.leak, state=step.state, y=y)
        found.append([learner.gradient() for learner in learners])
        trainer.learn_one(x, y)
    return np.array(found).swapaxes(0, 1)


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def test_cosines_and_alignment_are_those_of_plain_stepping() -> None:
    stream, rules = Add((2, 3)).generate(400, seed=2), ["rflo", "f_bptt", "snap", "tbptt"]
    lags = [getattr(ax.rules, name)().lag for name in rules]
    *each, exact = by_hand([*rules, "rtrl"], stream)
    # Each gradient at the step that it belongs to.
    each = [g[lag:] for g, lag in zip(each, lags, strict=True)]
    found = measure(trajectory(), stream, rules, windows=(1, 10, 50), every=20, bins=1)
    assert found["window"].tolist() == [1, 10, 50]
    assert found["step"].tolist() == [400]
    for w, apart, got in zip((1, 10, 50), (20, 20, 60), found["cosine"][0], strict=True):
        ends = range(apart, 400 - 9 + 1, apart)
        for g, cosine in zip(each, got, strict=True):
            expected = [angle(g[e - w : e].sum(axis=0), exact[e - w : e].sum(axis=0)) for e in ends]
            assert cosine == pytest.approx(np.mean(expected), abs=1e-9)
    for i, j in np.ndindex(4, 4):
        expected = [angle(each[i][e - 1], each[j][e - 1]) for e in range(20, 400 - 9 + 1, 20)]
        assert found["alignment"][i, j] == pytest.approx(np.mean(expected), abs=1e-9)
    for p, g in enumerate(each):
        marks = np.arange(20, 400 - 9 + 1, 20) - 1
        squared = ((g[marks] - exact[marks]) ** 2).sum() / (exact[marks] ** 2).sum()
        assert found["bias_squared"][0, p] == pytest.approx(squared, abs=1e-9)
        assert found["bias"][0, p] == pytest.approx(np.sqrt(squared), abs=1e-9)


def test_loss_decreases_are_those_of_plain_replays() -> None:
    stream, rules, horizon = Add((2, 3)).generate(300, seed=2), ["rflo", "f_bptt"], 12
    each = by_hand([*rules, "rtrl"], stream)
    rnn = network()
    trainer = ax.Trainer(rnn, "rflo", ax.SGD(RATE), seed=1)
    expected = []
    states = []
    for t, (x, y) in enumerate(zip(stream.X, stream.Y, strict=True)):
        states.append(rnn.state)
        if (t + 1) % 50 == 0 and t + 1 <= 300 - 9:

            def loss(W: np.ndarray, t: int = t) -> float:
                s = states[max(t - horizon, 0)]
                for u in range(max(t - horizon, 0), t + 1):
                    s = np.tanh(W @ np.r_[s, stream.X[u], 1.0])
                z = rnn.W_out @ s + rnn.b_out
                return float(np.log(np.exp(z).sum()) - z @ stream.Y[t])

            gradients = (each[0][t], each[1][t + 9], each[2][t])
            expected.append([loss(rnn.W) - loss(rnn.W - RATE * g) for g in gradients])
        trainer.learn_one(x, y)
    found = measure(trajectory(), stream, rules, every=50, bins=1, horizon=horizon)
    mean = np.mean(expected, axis=0)
    np.testing.assert_allclose(found["loss_decrease"][0], mean[:2], rtol=1e-7)
    np.testing.assert_allclose(found["exact_loss_decrease"], mean[2], rtol=1e-7)


def test_second_order_is_what_is_measured_up_to_the_cube_of_the_step() -> None:
    stream = Add((2, 3)).generate(600, seed=2)
    errors = []
    for step in (0.004, 0.002):
        found = measure(trajectory(), stream, ["rflo", "rtrl", "uoro"], every=50, bins=1, step_size=step)
        errors.append(found["loss_decrease"] - found["loss_decrease_2"])
        assert (found["exact_loss_decrease"] > 0).all()
        assert found["loss_decrease"][0, 1] == pytest.approx(found["exact_loss_decrease"][0])
        assert (np.abs(errors[-1]) < 0.02 * np.abs(found["loss_decrease"])).all()
    np.testing.assert_allclose(errors[0] / errors[1], 8, rtol=0.3)


@pytest.mark.parametrize("kind", [ax.LeakyRNN, ax.GRU, ax.LSTM, ax.IndRNN])
def test_exact_rules_are_exact(kind: type) -> None:
    found = measure(
        trajectory(kind=kind), Add((2, 3)).generate(500), ["rtrl"], windows=(1, 100), every=10, bins=5
    )
    np.testing.assert_allclose(found["cosine"], 1, atol=1e-9)
    np.testing.assert_allclose(found["bias"], 0, atol=1e-9)
    np.testing.assert_array_equal(found["variance"], 0)
    assert np.isinf(found["snr"]).all()
    np.testing.assert_allclose(found["alignment"], 1)
    np.testing.assert_allclose(found["loss_decrease"][:, 0], found["exact_loss_decrease"], rtol=1e-6)


def test_of_unbiased_rules_the_bias_is_within_what_sampling_gives() -> None:
    """And shrinks as the root of the replicates, as the variance does not."""
    stream, rules = Add((2, 3)).generate(4000, seed=4), ["uoro", "kf_rtrl", "r_kf_rtrl"]
    few, many = (
        measure(trajectory(), stream, rules, every=20, bins=1, horizon=None, replicates=K, seed=K)
        for K in (4, 64)
    )
    np.testing.assert_allclose(many["variance"], few["variance"], rtol=0.25)
    np.testing.assert_allclose(few["bias_noise"] / many["bias_noise"], 4, rtol=0.15)
    # An estimate of zero, of either sign; averaging over the steps makes it much smaller than the noise.
    assert (np.abs(many["bias_squared"]) < 0.2 * many["bias_noise"] ** 2).all()
    assert (np.abs(few["bias_squared"]) < 0.2 * few["bias_noise"] ** 2).all()
    biased = measure(trajectory(), stream, ["rflo", "kernl"], every=20, bins=1, horizon=None, replicates=8)
    assert (biased["bias_squared"] > 0.1).all()


def test_variance_and_alignment_of_replicates_by_themselves() -> None:
    """The replicates one by one: a rule that is listed several times rides with other numbers each time."""

    stream, K = Add((2, 3)).generate(200, seed=2), 5
    seeds = np.random.SeedSequence(3).generate_state(K + 2, np.uint64)
    ride = Ride(
        network(), "rflo", ax.SGD(RATE), ["uoro"] * K + ["rflo", "rtrl"], [int(s) for s in seeds], seed=1
    )
    for end in range(25, 201, 25):
        ride.ask(end - 1, end)
    ride.run(stream)
    sums = np.array([s.gradients for s in ride.take()])  # (marks, K + 2, d)
    variance = np.var(sums[:, :K], axis=1, ddof=1).sum() / (sums[:, -1] ** 2).sum()
    cosines = [angle(g, s[K]) for s in sums for g in s[:K]]
    exact = [angle(g, s[-1]) for s in sums for g in s[:K]]
    found = measure(
        trajectory(), stream, ["uoro", "rflo"], every=25, bins=1, replicates=K, seed=3, horizon=None
    )
    assert found["variance"][0, 0] == pytest.approx(variance)
    assert found["alignment"][0, 1] == pytest.approx(np.mean(cosines))
    assert found["cosine"][0, 0, 0] == pytest.approx(np.mean(exact))
    assert "loss_decrease" not in found


def test_noise_averages_out_over_longer_windows() -> None:
    found = measure(
        trajectory(),
        Add((2, 3)).generate(6000, seed=1),
        ["kf_rtrl"],
        windows=(1, 10, 100),
        bins=1,
        horizon=None,
    )
    one, ten, hundred = found["cosine"][0, :, 0]
    assert one < ten < hundred


def test_a_rule_that_gives_the_sum_over_a_period() -> None:
    """E-BPTT beside RTRL: the angle between the sums over T steps; over long windows they agree."""
    stream, T = Add((2, 3)).generate(3000, seed=2), 7
    found = measure(
        trajectory(), stream, [ax.rules.e_bptt(window=T), "rtrl"], windows=(1, 10, 700), every=20, bins=1
    )
    assert np.isnan(found["cosine"][0, 0, 0])
    assert found["cosine"][0, 0, 1] == pytest.approx(1)
    exact = by_hand(["rtrl"], stream)[0]
    ride = Ride(network(), "rflo", ax.SGD(RATE), [ax.rules.e_bptt(window=T)], [0], seed=1)
    ends = [end // T * T for end in range(20, 3001, 20)]
    for end in ends:
        ride.ask(end - T, end)
    ride.run(stream)
    expected = np.mean(
        [
            angle(s.gradients[0].reshape(exact[0].T.shape).T, exact[s.first : s.last].sum(axis=0))
            for s in ride.take()
        ]
    )
    assert found["alignment"][0, 1] == pytest.approx(expected)
    assert found["cosine"][0, 2, 0] > expected
    # What a step along a sum of many gradients buys says nothing beside what others do in one.
    assert np.isnan(found["loss_decrease"][0, 0])
    assert np.isfinite(found["loss_decrease"][0, 1])


def test_reports_by_stretches() -> None:
    stream = Add((2, 3)).generate(1000, seed=2)
    whole, parts = (
        measure(trajectory(), stream, ["rflo", "uoro"], windows=(1, 10), every=10, bins=b) for b in (1, 4)
    )
    assert parts["step"].tolist() == [250, 500, 750, 1000]
    np.testing.assert_allclose(parts["cosine"].mean(axis=0), whole["cosine"][0], rtol=1e-9)
    np.testing.assert_allclose(parts["loss_decrease"].mean(axis=0), whole["loss_decrease"][0], rtol=1e-9)
    np.testing.assert_allclose(parts["alignment"], whole["alignment"])
    rnn = network()
    loss = ax.Trainer(rnn, "rflo", ax.SGD(RATE), seed=1).run(stream.X, stream.Y).loss
    np.testing.assert_allclose(parts["loss"], loss.reshape(4, -1).mean(axis=1))


def test_however_little_is_kept_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Add((2, 3)).generate(500, seed=2)
    options = {"windows": (1, 10, 100), "every": 5, "bins": 2}
    rules = ["f_bptt", "uoro", "e_bptt"]
    much = measure(trajectory(), stream, rules, **options)
    monkeypatch.setattr("axonomy.studies.metrics.measurement.BUDGET", 1)
    little = measure(trajectory(), stream, rules, **options)
    for name, values in much.items():
        np.testing.assert_array_equal(little[name], values, err_msg=name)


def test_targets_that_come_seldom() -> None:
    """Steps are compared that have one; a replay does not go back beyond the beginning of its sequence."""
    pytest.importorskip("sklearn")
    stream = Digits().generate(4000, seed=0)
    rnn = ax.LeakyRNN.random(8, 12, 10, seed=1)
    found = measure(
        Trajectory(rnn, "rtrl", ax.SGD(0.02)), stream, ["rtrl", "rflo", "f_bptt"], every=50, bins=2
    )
    np.testing.assert_allclose(found["cosine"][:, :3, 0], 1)
    assert np.isfinite(found["cosine"][:, 0]).all()
    np.testing.assert_allclose(found["loss_decrease"][:, 0], found["exact_loss_decrease"])
    assert (found["exact_loss_decrease"] > 0).all()


def test_whole_sequences_where_targets_are_at_their_end() -> None:
    """Forward and backward along an image the gradient is the same; at single steps it is not."""
    task = Digits()
    stream = task.generate(4000, seed=1)
    rnn = ax.LeakyRNN.random(n_in=task.n_in, n_hidden=8, n_out=task.n_out, seed=1)
    still = Trajectory(rnn, "rflo", ax.SGD(1e-9), seed=0)
    rules = ["rtrl", ax.rules.f_bptt(window=8), ax.rules.tbptt(8), "rflo"]
    found = measure(still, stream, rules, every=100, bins=1, windows=(1,))
    for p in (1, 2):
        assert found["bias"][0, p] < 1e-6
        assert found["alignment"][0, p] == pytest.approx(1, abs=1e-9)
        assert found["loss_decrease"][0, p] == pytest.approx(found["loss_decrease"][0, 0], rel=1e-6)
    assert found["bias"][0, 3] > 0.1
    assert found["alignment"][0, 3] < 0.95


def test_nothing_given_is_changed_and_a_seed_says_all() -> None:
    start, stream = trajectory("uoro"), Add((2, 3)).generate(300)
    before = copy.deepcopy(start.rnn)
    one, two = (measure(start, stream, ["uoro", "node_perturbation"], every=20, seed=4) for _ in range(2))
    np.testing.assert_array_equal(start.rnn.W, before.W)
    np.testing.assert_array_equal(start.rnn.state, before.state)
    for name, values in one.items():
        np.testing.assert_array_equal(two[name], values, err_msg=name)
    other = measure(start, stream, ["uoro"], every=20, seed=5)
    assert other["variance"][0, 0] != one["variance"][0, 0]
    np.testing.assert_array_equal(other["loss"], one["loss"])


def test_single_precision_and_a_squared_error() -> None:
    stream = Mimic(3, 5, 2).generate(400)
    rnn = ax.LeakyRNN.random(3, 6, 2, loss="mse", seed=1, dtype=np.float32)
    found = measure(Trajectory(rnn, "rtrl", ax.Adam(1e-3)), stream, ["rtrl", "uoro"], every=20, bins=1)
    np.testing.assert_allclose(found["cosine"][0, :2, 0], 1, atol=1e-5)
    assert found["loss_decrease"].dtype == np.float64
    np.testing.assert_allclose(found["loss_decrease"], found["loss_decrease_2"], rtol=0.05)


def test_a_trajectory_that_diverges() -> None:
    rng = np.random.default_rng(0)
    stream = Stream(rng.normal(size=(3000, 2)), rng.normal(size=(3000, 1)))
    rnn = ax.LeakyRNN.random(2, 5, 1, activation="relu", loss="mse", seed=1)
    with pytest.raises(ax.Diverged) as caught:
        ax.Trainer(copy.deepcopy(rnn), "rtrl", ax.SGD(1.0), seed=2).run(stream.X, stream.Y)
    found = measure(
        Trajectory(rnn, "rtrl", ax.SGD(1.0), seed=2), stream, ["rtrl"], windows=(1,), every=1, bins=3000
    )
    assert found["diverged_at"] == caught.value.step + 1
    assert np.isnan(found["cosine"][caught.value.step :]).all()
    assert np.isnan(measure(trajectory(), Add().generate(100), ["rtrl"])["diverged_at"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t, s: measure(t, s, []), "passengers: expected a sequence of rules, at least one"),
        (
            lambda t, s: measure(t, s, "rtrl"),
            "passengers: expected a sequence of rules, at least one, got 'rtrl'",
        ),
        (lambda t, s: measure(t, s, ["rtlr"]), "rtlr"),
        (lambda t, s: measure("rtrl", s, ["rtrl"]), "trajectory: expected a Trajectory, got 'rtrl'"),
        (
            lambda t, s: measure(t, s, ["uoro"], replicates=1),
            "replicates: expected a whole number at least 2, got 1",
        ),
        (
            lambda t, s: measure(t, s, ["uoro"], windows=(0, 3)),
            "windows: expected a whole number at least 1, got 0",
        ),
        (lambda t, s: measure(t, s, ["uoro"], every=0), "every: expected a whole number at least 1, got 0"),
        (lambda t, s: measure(t, s, ["uoro"], bins=0), "bins: expected a whole number at least 1, got 0"),
        (
            lambda t, s: measure(t, s, ["uoro"], horizon=-1),
            "horizon: expected a whole number at least 0, got -1",
        ),
        (
            lambda t, s: measure(t, s, ["uoro"], step_size=0.0),
            "step_size: expected a finite real number above 0",
        ),
        (lambda t, s: measure(t, s, ["uoro"], seed=-1), "seed: expected a whole number"),
        (lambda t, s: measure(t, s.part(0, 104), ["f_bptt"]), "stream: expected at least 109 steps"),
    ],
)
def test_bad_arguments(call: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(trajectory(), Add((2, 3)).generate(300))
