"""The chaotic series against other integrations, and what is known of the systems."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from axonomy.tasks import Lorenz, MackeyGlass
from axonomy.tasks.chaotic import _lorenz_scale, _mackey_glass_scale
from tasks.learning import reached


def test_lorenz_is_the_solution_of_its_equations() -> None:
    """Another integrator, from each sample to the next."""
    mean, std = _lorenz_scale()
    s = Lorenz(observe="xyz").generate(60, seed=4).X * std + mean

    def slope(_: float, s: np.ndarray) -> list[float]:
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    for now, then in itertools.pairwise(s):
        found = solve_ivp(slope, (0, 0.1), now, rtol=1e-11, atol=1e-11).y[:, -1]
        np.testing.assert_allclose(then, found, atol=2e-4)


def test_lorenz_averages() -> None:
    """On the attractor <xy> = 8/3 <z> and <x^2> = <xy>, the means of derivatives being zero; |x| < 20."""
    mean, std = _lorenz_scale()
    x, y, z = (Lorenz(observe="xyz").generate(20_000, seed=1).X * std + mean).T
    assert (x * y).mean() == pytest.approx(8 / 3 * z.mean(), rel=0.01)
    assert (x * x).mean() == pytest.approx((x * y).mean(), rel=0.01)
    assert np.abs(x).max() < 20
    assert (z > 0).all()


def test_mackey_glass_is_the_solution_of_its_equation() -> None:
    """Heun's method with a fine step, from a past that the stream itself says."""
    tau, fine = 17, 200
    mean, std = _mackey_glass_scale(tau)
    x = MackeyGlass(interval=1).generate(3 * tau, seed=3).X[:, 0] * std + mean
    past = CubicSpline(np.arange(tau + 1), x[: tau + 1])
    t = np.arange((tau) * fine + 1) / fine
    late = past(t)
    gain = 0.2 * late / (1 + late**10)
    value = [x[tau]]
    for g, g_next in itertools.pairwise(gain):
        now = value[-1]
        k1 = g - 0.1 * now
        k2 = g_next - 0.1 * (now + k1 / fine)
        value.append(now + (k1 + k2) / 2 / fine)
    np.testing.assert_allclose(value[::fine], x[tau : 2 * tau + 1], atol=2e-3)


def test_mackey_glass_of_a_short_delay_is_periodic_and_of_a_long_one_is_not() -> None:
    """At tau = 6 the series swings round x = 1 in one cycle, so that it comes back; at 17 it does not."""

    def returns(tau: int) -> float:
        x = MackeyGlass(tau=tau, interval=1).generate(1500, seed=0).X[:, 0]
        return min(np.abs(x[500:1000] - x[500 + k : 1000 + k]).max() for k in range(10, 400))

    assert returns(6) < 0.1
    assert returns(17) > 0.3


@pytest.mark.parametrize("task", [Lorenz(), Lorenz(observe="xyz"), MackeyGlass(), MackeyGlass(tau=30)])
def test_normalised(task: Lorenz | MackeyGlass) -> None:
    X = task.generate(12_000, seed=7).X
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(X.std(axis=0), 1, atol=0.06)
    assert task.floors["nothing seen"] == task.n_in / 2


@pytest.mark.parametrize("ahead", [1, 3, 20])
def test_targets_are_later_inputs(ahead: int) -> None:
    for task in (Lorenz(ahead=ahead), MackeyGlass(ahead=ahead)):
        stream = task.generate(50, seed=1)
        np.testing.assert_array_equal(stream.Y[:-ahead], stream.X[ahead:])
        np.testing.assert_array_equal(stream.X, type(task)().generate(50, seed=1).X)


@pytest.mark.parametrize("task", [Lorenz(ahead=2), MackeyGlass(ahead=2)])
def test_a_network_predicts_better_than_no_memory_can(task: Lorenz | MackeyGlass) -> None:
    """Than any function of the present value: the variance that is left within bins of it."""
    stream = task.generate(20_000, seed=5)
    x, y = stream.X[:, 0], stream.Y[:, 0]
    bin_ = np.digitize(x, np.quantile(x, np.linspace(0, 1, 60)[1:-1]))
    within = np.mean(
        [(y[bin_ == b] - y[bin_ == b].mean()).var() * (bin_ == b).sum() for b in np.unique(bin_)]
    )
    memoryless = within * len(np.unique(bin_)) / len(x) / 2
    assert reached(task, 4000, 3e-3) < 0.7 * memoryless


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lorenz(ahead=0), "ahead: expected a whole number at least 1, got 0"),
        (lambda: Lorenz(observe="y"), "observe: expected one of 'x', 'xyz', got 'y'"),
        (
            lambda: Lorenz(interval=0.0),
            "interval: expected a finite real number above 0 and at most 10, got 0",
        ),
        (lambda: MackeyGlass(tau=4), "tau: expected a whole number from 5 to 1000, got 4"),
        (lambda: MackeyGlass(interval=0.5), "interval: expected a whole number from 1 to 1000, got 0.5"),
    ],
)
def test_bad_arguments(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
