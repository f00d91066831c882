"""The Mimic task: imitate a fixed random recurrent network.

    x^t ~ Bernoulli(1/2)^n_in
    a^t = (1 - alpha) a^(t-1) + alpha tanh(W_rec a^(t-1) + W_in x^t + b_rec)
    y^t = W_out a^t + b_out

W_rec is orthogonal, W_in ~ N(0, 1/n_in), W_out ~ N(0, 1/n_hidden), biases ~ N(0, 0.1^2). The loss
is the squared error.

Marschall, Cho & Savin (2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonomy import _check
from axonomy.tasks.base import Stream, Task, generators


@dataclass(frozen=True)
class Teacher:
    """The weights of the network to imitate; n units.

    Attributes
    ----------
    W_rec, W_in, b_rec : (n, n), (n, n_in), (n,) ndarray
    W_out, b_out : (n_out, n), (n_out,) ndarray
    """

    W_rec: np.ndarray
    W_in: np.ndarray
    b_rec: np.ndarray
    W_out: np.ndarray
    b_out: np.ndarray

    @classmethod
    def random(cls, n_in: int, n: int, n_out: int, seed: int) -> Teacher:
        (rng,) = generators(seed, 1)
        Q, R = np.linalg.qr(rng.standard_normal((n, n)))
        return cls(
            W_rec=Q * np.sign(np.diag(R)),  # the signs make the orthogonal matrix uniform
            W_in=rng.normal(0.0, n_in**-0.5, (n, n_in)),
            b_rec=rng.normal(0.0, 0.1, n),
            W_out=rng.normal(0.0, n**-0.5, (n_out, n)),
            b_out=rng.normal(0.0, 0.1, n_out),
        )

    def run(self, X: np.ndarray, alpha: float) -> np.ndarray:
        """The outputs (T, n_out) to the inputs X (T, n_in), from the state 0."""
        a = np.zeros(len(self.b_rec))
        Y = np.empty((len(X), len(self.b_out)))
        # Step by step: a product over the whole stream would round differently with its length.
        for t, x in enumerate(X):
            a = (1.0 - alpha) * a + alpha * np.tanh(self.W_rec @ a + self.W_in @ x + self.b_rec)
            Y[t] = self.W_out @ a + self.b_out
        return Y


@dataclass(frozen=True)
class Mimic(Task):
    """Imitate a fixed random recurrent network.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Size of the teacher.
    alpha : float
        Leak of the teacher, in (0, 1].
    teacher_seed : int
        Draws the teacher. The seed of `generate` draws the inputs only, so that streams of many
        seeds share one teacher.

    Examples
    --------
    >>> stream = Mimic(n_in=4, n_hidden=8, n_out=3).generate(100, seed=0)
    >>> stream.X.shape, stream.Y.shape
    ((100, 4), (100, 3))
    """

    n_in: int = 32
    n_hidden: int = 32
    n_out: int = 32
    alpha: float = 1.0
    teacher_seed: int = 0

    name: ClassVar[str] = "mimic"
    loss: ClassVar[str] = "mse"

    def __post_init__(self) -> None:
        for size in ("n_in", "n_hidden", "n_out"):
            _check.integer(size, getattr(self, size), 1)
        _check.number("alpha", self.alpha, above=0.0, most=1.0)
        _check.seed("teacher_seed", self.teacher_seed)

    @property
    def floors(self) -> dict[str, float]:
        """Empty: how low a limited memory can get has no closed form here."""
        return {}

    @property
    def floor(self) -> float:
        """Zero: the teacher itself."""
        return 0.0

    @property
    def teacher(self) -> Teacher:
        """The network to imitate."""
        return Teacher.random(self.n_in, self.n_hidden, self.n_out, self.teacher_seed)

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` steps of the stream of ``seed``.

        Returns
        -------
        Stream
            X (n_steps, n_in) of zeros and ones, Y (n_steps, n_out).
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        (rng,) = generators(seed, 1)
        X = rng.integers(0, 2, size=(n_steps, self.n_in), dtype=np.uint8).astype(np.float64)
        return Stream(X, self.teacher.run(X, self.alpha))
