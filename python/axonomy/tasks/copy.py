"""The Copy task: hear a string, then say it.

    input   s_1 ... s_L   go   blank ... blank
    target    -  ...  -   -     s_1  ...  s_L

The symbols s_i are uniform and independent, the inputs one-hot: the symbols first, then go, then
blank. The loss, softmax cross-entropy, counts at the L steps of recall alone, and a string is 2L + 1
steps long. One string follows another, each from a state of zero.

Mujika, Meier & Steger (2018); Menick et al. (2021), whose curriculum goes through the levels of
`Copy.at_level`. Theirs rises as the network learns (`axonomy.Curriculum`); here it may rise by the clock, so
that all rules of a study meet the same strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from axonomy import _check
from axonomy.tasks.base import Stream, Task, generators

SPREAD = 5  # how far below its level the curriculum draws lengths


@dataclass(frozen=True)
class Copy(Task):
    """Repeat a string of random symbols after its end.

    Parameters
    ----------
    length : int
        Symbols of the longest string.
    shortest : int, optional
        Symbols of the shortest one: lengths are uniform from here to ``length``. All are of one
        length if None.
    symbols : int
        Size of the alphabet; 2 for bits.
    grow : int, optional
        Steps after which strings become longer: a string has the lengths of `at_level`, of level 1 at first
        and of one more each so many steps, up to ``length``. Not together with ``shortest``.

    Examples
    --------
    >>> stream = Copy(length=2).generate(5, seed=0)
    >>> stream.X.argmax(axis=1)  # two bits, go, blank, blank
    array([1, 1, 2, 3, 3])
    >>> stream.Y[stream.mask]
    array([1, 1])
    """

    length: int = 1
    shortest: int | None = None
    symbols: int = 2
    grow: int | None = None

    name: ClassVar[str] = "copy"
    loss: ClassVar[str] = "cross_entropy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", _check.integer("length", self.length, 1))
        if self.shortest is not None:
            shortest = _check.integer("shortest", self.shortest, 1, self.length)
            object.__setattr__(self, "shortest", shortest)
        object.__setattr__(self, "symbols", _check.integer("symbols", self.symbols, 2))
        if self.grow is not None:
            object.__setattr__(self, "grow", _check.integer("grow", self.grow, 1))
            if self.shortest is not None:
                raise ValueError(f"shortest: expected none where strings grow, got {self.shortest}")

    @classmethod
    def at_level(cls, level: int, symbols: int = 2) -> Self:
        """The task at a level of the curriculum: lengths from ``max(1, level - 5)`` to ``level``."""
        level = _check.integer("level", level, 1)
        return cls(level, max(1, level - SPREAD), symbols)

    @property
    def n_in(self) -> int:
        """The symbols, go and blank."""
        return self.symbols + 2

    @property
    def n_out(self) -> int:
        """The symbols."""
        return self.symbols

    @property
    def floors(self) -> dict[str, float]:
        """Mean loss at recall, in nats, with nothing remembered and with everything."""
        return {"no memory": float(np.log(self.symbols)), "all symbols": 0.0}

    @property
    def floor(self) -> float:
        """Zero."""
        return 0.0

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` steps of the stream of ``seed``.

        Returns
        -------
        Stream
            X (n_steps, n_in) one-hot and Y (n_steps,) class indices; the mask is True at recall, the
            reset at the first step of each string.
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        draw_lengths, draw_symbols = generators(seed, 2)
        lengths = self._lengths(n_steps, draw_lengths)
        steps = 2 * lengths + 1
        length = np.repeat(lengths, steps)[:n_steps]
        place = np.arange(n_steps) - np.repeat(np.cumsum(steps) - steps, steps)[:n_steps]
        # One at every step, heard or not: what comes first does not depend on what comes later.
        symbol = draw_symbols.integers(0, self.symbols, size=n_steps)
        recall = place > length
        heard = np.maximum(np.arange(n_steps) - length - 1, 0)  # the step whose symbol is due
        go, blank = self.symbols, self.symbols + 1
        shown = np.where(place < length, symbol, np.where(recall, blank, go))
        return Stream(
            np.eye(self.n_in)[shown],
            np.where(recall, symbol[heard], 0),
            mask=recall,
            reset=place == 0,
        )

    def _lengths(self, n_steps: int, rng: np.random.Generator) -> np.ndarray:
        """Lengths of so many strings that they fill the steps."""
        if self.grow is None:
            shortest = self.length if self.shortest is None else self.shortest
            at_most = -(-n_steps // (2 * shortest + 1))
            return rng.integers(shortest, self.length, size=at_most, endpoint=True)
        lengths, begins = [], 0
        for drawn in rng.random(-(-n_steps // 3)):
            if begins >= n_steps:
                break
            level = min(self.length, 1 + begins // self.grow)
            shortest = max(1, level - SPREAD)
            lengths.append(shortest + int(drawn * (level - shortest + 1)))
            begins += 2 * lengths[-1] + 1
        return np.array(lengths)
