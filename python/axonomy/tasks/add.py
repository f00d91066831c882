"""The Add task: a coin whose bias depends on two coins of the past.

    x^t ~ Bernoulli(1/2),      P(y^t = 1) = 1/2 + x^(t - t1) / 2 - x^(t - t2) / 4

Inputs [x, 1-x], targets [y, 1-y], softmax cross-entropy. Each sample is held for ``hold`` steps;
the lags count samples. As y stays random when both lags are known, the loss has floors, one for
each reach of the memory, and a learning curve shows which lag has been found.

Pitis (2016), *Recurrent Neural Networks in Tensorflow I*; Marschall, Cho & Savin (2020).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonomy import _check
from axonomy.tasks.base import Stream, Task, generators

BASE = 0.5
WEIGHTS = (0.5, -0.25)  # of x^(t - t1), x^(t - t2)


@dataclass(frozen=True)
class Add(Task):
    """Predict a coin from two earlier coins.

    Parameters
    ----------
    lags : (int, int)
        t1 and t2, in samples.
    hold : int
        Steps for which each sample is held.

    Examples
    --------
    >>> task = Add(lags=(6, 10))
    >>> {label: round(nats, 3) for label, nats in task.floors.items()}
    {'no memory': 0.662, 'lag 6 only': 0.519, 'both lags': 0.454}
    >>> task.generate(1000, seed=0).X.shape
    (1000, 2)
    """

    lags: tuple[int, int] = (6, 10)
    hold: int = 1

    name: ClassVar[str] = "add"
    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 2
    loss: ClassVar[str] = "cross_entropy"

    def __post_init__(self) -> None:
        if not isinstance(self.lags, (tuple, list)) or len(self.lags) != 2:
            raise ValueError(f"lags: expected two whole numbers (t1, t2), got {self.lags!r}")
        lags = tuple(_check.integer("lags", lag, 1) for lag in self.lags)
        if lags[0] == lags[1]:
            raise ValueError(f"lags: expected two different ones, got {lags}")
        object.__setattr__(self, "lags", lags)
        object.__setattr__(self, "hold", _check.integer("hold", self.hold, 1))

    @property
    def floors(self) -> dict[str, float]:
        """Mean loss of the best predictor, in nats, for each reach of the memory."""
        near = min(self.lags)
        return {
            "no memory": self._floor(set()),
            f"lag {near} only": self._floor({self.lags.index(near)}),
            "both lags": self._floor({0, 1}),
        }

    @property
    def floor(self) -> float:
        """Mean loss of who knows both lags."""
        return self.floors["both lags"]

    def _floor(self, known: set[int]) -> float:
        """Mean entropy of y given the coins at the ``known`` lags, over all outcomes."""
        entropies = []
        for seen in itertools.product((0, 1), repeat=2):
            # A coin that is not known counts with its mean, because P(y = 1) is linear in it.
            coins = [seen[i] if i in known else 0.5 for i in range(2)]
            p = BASE + sum(w * x for w, x in zip(WEIGHTS, coins, strict=True))
            entropies.append(-sum(q * np.log(q) for q in (p, 1 - p) if q > 0))
        return float(np.mean(entropies))

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` steps of the stream of ``seed``.

        Returns
        -------
        Stream
            X (n_steps, 2) and Y (n_steps, 2), one-hot.
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        coins, bias = generators(seed, 2)
        history = max(self.lags)
        n = -(-n_steps // self.hold)  # samples
        # The stream starts after a real history, so that its first targets are like all others.
        past_and_x = coins.integers(0, 2, size=history + n, dtype=np.uint8)
        x, x1, x2 = (past_and_x[history - lag : history - lag + n] for lag in (0, *self.lags))
        y = bias.random(n) < BASE + WEIGHTS[0] * x1 + WEIGHTS[1] * x2
        return Stream(self._one_hot(x, n_steps), self._one_hot(y, n_steps))

    def _one_hot(self, coin: np.ndarray, n_steps: int) -> np.ndarray:
        held = np.repeat(coin.astype(np.float64), self.hold)[:n_steps]
        return np.stack([held, 1.0 - held], axis=1)
