"""Chaotic series: predict a deterministic system that forgets its past.

Lorenz (1963), *Deterministic Nonperiodic Flow*, of which one coordinate or all three are seen:

    x' = 10 (y - x)      y' = x (28 - z) - y      z' = x y - 8/3 z

Mackey & Glass (1977), *Oscillation and Chaos in Physiological Control Systems*, which depends on its past:

    x' = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x

Both are integrated by the classical Runge-Kutta method of fourth order; the delayed value half-way
between two steps is the cubic through both and their derivatives. A stream starts on the attractor, and each
coordinate has mean 0 and variance 1 over the attractor, so that the best constant loses half of 1 for each.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from axonomy import _check
from axonomy.tasks.base import Stream, Task, generators

#: A state, or many side by side: its coordinates, each a float or an array.
State = tuple[Any, ...]

# Over which the mean and the variance are taken: trajectories side by side, and samples of each.
ENSEMBLE = 64
SAMPLES = 512


class _Series(Task):
    """A series of samples of a system, on its attractor: the present ones are seen, later ones are due."""

    loss: ClassVar[str] = "mse"
    ahead: int

    @property
    def n_in(self) -> int:
        """The coordinates that are seen."""
        return len(self._scale[0])

    @property
    def n_out(self) -> int:
        """The same coordinates later."""
        return self.n_in

    @property
    def floors(self) -> dict[str, float]:
        """Loss of the best constant, and of who knows all the past: nothing is random here."""
        return {"nothing seen": self.n_in / 2, "all the past": 0.0}

    @property
    def floor(self) -> float:
        """Zero."""
        return 0.0

    @property
    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of what is seen."""
        raise NotImplementedError

    def _samples(self, rng: np.random.Generator, size: int | None) -> Iterator[State]:
        """Endless samples of what is seen, of `size` trajectories side by side, or of one."""
        raise NotImplementedError

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` samples of the stream of ``seed``.

        Returns
        -------
        Stream
            X (n_steps, n_in) and Y (n_steps, n_in), the X of ``ahead`` steps later.
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        (rng,) = generators(seed, 1)
        samples = self._samples(rng, None)
        series = np.array([next(samples) for _ in range(n_steps + self.ahead)])
        mean, std = self._scale
        series = (series - mean) / std
        return Stream(series[:n_steps], series[self.ahead :])


@dataclass(frozen=True)
class Lorenz(_Series):
    """Predict the Lorenz system.

    Parameters
    ----------
    ahead : int
        How many samples ahead.
    observe : {"x", "xyz"}
        What is seen and to be predicted. Of x alone, the rest has to be inferred from its past.
    interval : float
        Time between samples. The system doubles a small error in about 0.77.

    Examples
    --------
    >>> stream = Lorenz(ahead=5).generate(1000, seed=0)
    >>> stream.X.shape, stream.Y.shape
    ((1000, 1), (1000, 1))
    """

    ahead: int = 1
    observe: str = "x"
    interval: float = 0.1

    name: ClassVar[str] = "lorenz"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ahead", _check.integer("ahead", self.ahead, 1))
        _check.one_of("observe", self.observe, ("x", "xyz"))
        object.__setattr__(self, "interval", _check.number("interval", self.interval, above=0.0, most=10.0))

    @property
    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        mean, std = _lorenz_scale()
        return mean[: len(self.observe)], std[: len(self.observe)]

    def _samples(self, rng: np.random.Generator, size: int | None) -> Iterator[State]:
        for state in _lorenz(rng, size, self.interval):
            yield state[: len(self.observe)]


@dataclass(frozen=True)
class MackeyGlass(_Series):
    """Predict the Mackey-Glass series.

    Parameters
    ----------
    ahead : int
        How many samples ahead.
    tau : int
        The delay. The series is chaotic from about 17 on.
    interval : int
        Time between samples.

    Examples
    --------
    >>> MackeyGlass(ahead=14).generate(1000, seed=0).X.shape
    (1000, 1)
    """

    ahead: int = 1
    tau: int = 17
    interval: int = 6

    name: ClassVar[str] = "mackey_glass"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ahead", _check.integer("ahead", self.ahead, 1))
        # Below about 4.7 the series comes to rest, and has no variance.
        object.__setattr__(self, "tau", _check.integer("tau", self.tau, 5, 1000))
        object.__setattr__(self, "interval", _check.integer("interval", self.interval, 1, 1000))

    @property
    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        return _mackey_glass_scale(self.tau)

    def _samples(self, rng: np.random.Generator, size: int | None) -> Iterator[State]:
        return _mackey_glass(rng, size, self.tau, self.interval)


@functools.cache
def _lorenz_scale() -> tuple[np.ndarray, np.ndarray]:
    mean, std = _statistics(_lorenz(np.random.default_rng(0), ENSEMBLE, 0.1))
    # The attractor is the same when it is turned by half about z, which no finite sample is.
    return mean * [0, 0, 1], std


@functools.cache
def _mackey_glass_scale(tau: int) -> tuple[np.ndarray, np.ndarray]:
    return _statistics(_mackey_glass(np.random.default_rng(0), ENSEMBLE, tau, 6))


def _statistics(samples: Iterator[State]) -> tuple[np.ndarray, np.ndarray]:
    series = np.array([next(samples) for _ in range(SAMPLES)])  # (samples, coordinates, trajectories)
    return series.mean(axis=(0, 2)), series.std(axis=(0, 2))


LORENZ_STEP = 0.01  # at most
LORENZ_BEGINS = 30.0  # time to come to the attractor


def _lorenz_slope(s: State) -> State:
    x, y, z = s
    return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z


def _lorenz(rng: np.random.Generator, size: int | None, interval: float) -> Iterator[State]:
    # Floats, where there is one of each: many times as fast as arrays of one number.
    x, y, z = rng.normal((0, 0, 25), 5, (3,) if size is None else (size, 3)).T
    s = (float(x), float(y), float(z)) if size is None else (x, y, z)
    for _ in range(round(LORENZ_BEGINS / LORENZ_STEP)):
        s = _runge_kutta(s, LORENZ_STEP)
    steps = int(np.ceil(interval / LORENZ_STEP - 1e-9))
    while True:
        yield s
        for _ in range(steps):
            s = _runge_kutta(s, interval / steps)


def _runge_kutta(s: State, h: float) -> State:
    """One step of the Lorenz system."""
    k1 = _lorenz_slope(s)
    k2 = _lorenz_slope(tuple(a + h / 2 * k for a, k in zip(s, k1, strict=True)))
    k3 = _lorenz_slope(tuple(a + h / 2 * k for a, k in zip(s, k2, strict=True)))
    k4 = _lorenz_slope(tuple(a + h * k for a, k in zip(s, k3, strict=True)))
    return tuple(a + h / 6 * (p + 2 * q + 2 * r + t) for a, p, q, r, t in zip(s, k1, k2, k3, k4, strict=True))


PER_UNIT = 10  # steps in a unit of time
MACKEY_GLASS_BEGINS = 50  # delays to come to the attractor


def _mackey_glass(rng: np.random.Generator, size: int | None, tau: int, interval: int) -> Iterator[State]:
    h = 1 / PER_UNIT
    x = rng.uniform(0.5, 1.5, size)
    # A constant past, which is its own: values and derivatives of the last tau, the oldest first.
    values = deque([x] * (tau * PER_UNIT))
    slopes = deque([x * 0] * (tau * PER_UNIT))
    step, wait = 0, MACKEY_GLASS_BEGINS * tau * PER_UNIT
    while True:
        if step >= wait and (step - wait) % (interval * PER_UNIT) == 0:
            yield (x,)
        old, old_slope = values.popleft(), slopes.popleft()
        values.append(x)
        late, late_slope = values[0], slopes[0]
        mid = (old + late) / 2 + h / 8 * (old_slope - late_slope)
        gain_old, gain_mid, gain_late = _gain(old), _gain(mid), _gain(late)
        k1 = gain_old - 0.1 * x
        k2 = gain_mid - 0.1 * (x + h / 2 * k1)
        k3 = gain_mid - 0.1 * (x + h / 2 * k2)
        k4 = gain_late - 0.1 * (x + h * k3)
        slopes.append(k1)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        step += 1


def _gain(late: Any) -> Any:
    return 0.2 * late / (1 + late**10)
