"""The a^n b^n task: count, to know when a string ends.

    a b   a a a b b b   a a b b   ...      predict the next symbol

One string a^n b^n follows another without a sign between them; n is uniform. Where an a follows an a,
nothing tells; the number of b is that of a, so that who counts knows when the next string begins.

Gers & Schmidhuber (2001), *LSTM recurrent networks learn simple context-free and context-sensitive
languages*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonomy import _check
from axonomy.tasks.base import Stream, Task, generators


@dataclass(frozen=True)
class AnBn(Task):
    """Predict the next symbol of strings of n a's and n b's.

    Parameters
    ----------
    longest, shortest : int
        n is uniform from ``shortest`` to ``longest``.

    Examples
    --------
    >>> stream = AnBn(longest=3).generate(12, seed=1)
    >>> "".join("ab"[i] for i in stream.X.argmax(axis=1))
    'abaaabbbaaab'
    >>> "".join("ab"[i] for i in stream.Y)
    'baaabbbaaabb'
    """

    longest: int = 8
    shortest: int = 1

    name: ClassVar[str] = "anbn"
    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 2
    loss: ClassVar[str] = "cross_entropy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest", _check.integer("longest", self.longest, 1))
        object.__setattr__(self, "shortest", _check.integer("shortest", self.shortest, 1, self.longest))

    @property
    def floors(self) -> dict[str, float]:
        """Mean loss in nats of who knows the present symbol only, and of who counts."""
        mean = (self.shortest + self.longest) / 2
        end = 1 / mean  # share of the a's, and of the b's, after which the symbol changes
        entropy = -sum(p * np.log(p) for p in (end, 1 - end) if p > 0)
        # A string of 2n symbols tells n and nothing else, so that its entropies add up to that of n.
        counting = np.log(self.longest - self.shortest + 1) / (2 * mean)
        return {"no memory": float(entropy), "counting": float(counting)}

    @property
    def floor(self) -> float:
        """Mean loss of who counts."""
        return self.floors["counting"]

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` steps of the stream of ``seed``.

        Returns
        -------
        Stream
            X (n_steps, 2), one-hot, and Y (n_steps,), the class of the symbol that comes next.
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        (rng,) = generators(seed, 1)
        at_most = n_steps // (2 * self.shortest) + 1  # strings; one symbol more than steps is needed
        n = rng.integers(self.shortest, self.longest, size=at_most, endpoint=True)
        symbol = np.repeat(np.tile([0, 1], at_most), np.repeat(n, 2))[: n_steps + 1]
        return Stream(np.eye(2)[symbol[:-1]], symbol[1:])
