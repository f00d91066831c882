"""Character prediction: read a text, say at each character which comes next.

Characters are one-hot, the loss softmax cross-entropy. The text is read round and round from a place that
the seed draws; where it comes to its end, a new sequence begins. Real data.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from axonomy import _check
from axonomy.tasks.base import Stream, Task, generators


@dataclass(frozen=True)
class Text(Task):
    """Predict the next character of a text.

    Parameters
    ----------
    path : str or path, optional
        A text file in UTF-8. By default the reference of the language that every Python carries for its
        `help`, about half a million characters of English prose; it differs from one version of Python
        to the next.
    symbols : int
        Size of the alphabet: the commonest characters, the last symbol being all others. A text that has
        no more than these needs no such symbol.
    fold : bool
        Whether capitals count as small letters.
    digest : str, optional
        The beginning of the text's SHA-256. It is filled in where not given; where it is given, as in the
        dict of a task, another text is refused.

    Examples
    --------
    >>> task = Text()
    >>> stream = task.generate(1000, seed=0)
    >>> stream.X.shape, "".join(task.alphabet[i] for i in stream.Y[:20])  # doctest: +SKIP
    ((1000, 32), ' in the class namesp')
    """

    path: str | None = None
    symbols: int = 32
    fold: bool = True
    digest: str | None = None

    name: ClassVar[str] = "text"
    real: ClassVar[bool] = True
    loss: ClassVar[str] = "cross_entropy"

    def __post_init__(self) -> None:
        if self.path is not None:
            object.__setattr__(self, "path", _check.path("path", self.path))
        object.__setattr__(self, "symbols", _check.integer("symbols", self.symbols, 2))
        _check.truth("fold", self.fold)
        found = self._read.digest
        if self.digest is not None and self.digest != found:
            raise ValueError(
                f"digest: expected the text of {self.digest!r}, got {_where(self.path)} of {found!r}, "
                "as it is another text"
            )
        object.__setattr__(self, "digest", found)

    @property
    def _read(self) -> _Read:
        return _read(_topics() if self.path is None else _file(self.path), self.symbols, self.fold, self.path)

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The symbols by their index, commonest first; an empty one stands for all other characters."""
        return self._read.alphabet

    @property
    def n_in(self) -> int:
        """The symbols."""
        return len(self.alphabet)

    @property
    def n_out(self) -> int:
        """The symbols."""
        return len(self.alphabet)

    @property
    def floors(self) -> dict[str, float]:
        """Mean loss in nats, over one reading of the whole text, without and with the present character."""
        symbols = self._read.symbols
        one = np.bincount(symbols, minlength=self.n_in)
        pairs = np.zeros((self.n_in, self.n_in))
        np.add.at(pairs, (symbols, np.roll(symbols, -1)), 1)
        alone = _entropy(one)
        return {"nothing seen": alone, "no memory": _entropy(pairs) - alone}

    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Read ``n_steps`` characters from the place that ``seed`` draws.

        Returns
        -------
        Stream
            X (n_steps, n_in), one-hot, and Y (n_steps,), the index of the next character; the reset is
            True at the first step and where the text begins anew.
        """
        n_steps = _check.integer("n_steps", n_steps, 1)
        (rng,) = generators(seed, 1)
        symbols = self._read.symbols
        place = (rng.integers(len(symbols)) + np.arange(n_steps)) % len(symbols)
        reset = place == 0
        reset[0] = True
        return Stream(np.eye(self.n_in)[symbols[place]], np.roll(symbols, -1)[place], reset=reset)


@dataclass(frozen=True, eq=False)
class _Read:
    """A text as the task has it: what is read from a file is no part of a task's value."""

    symbols: np.ndarray  # (T,) of int
    alphabet: tuple[str, ...]
    digest: str


@functools.lru_cache(maxsize=8)
def _read(text: str, most: int, fold: bool, path: str | None) -> _Read:
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    if fold:
        text = text.lower()
    if len(text) < 2:
        raise ValueError(f"path: expected a text of at least 2 characters, got {len(text)} in {_where(path)}")
    # Ties by the character, so that the order is a function of the text.
    counts = sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))
    common = [character for character, _ in counts]
    if len(common) < 2:
        raise ValueError(f"path: expected a text of several characters, got only {common} in {_where(path)}")
    if len(common) > most:
        common = [*common[: most - 1], ""]
    index = {character: i for i, character in enumerate(common)}
    other = len(common) - 1
    symbols = np.array([index.get(character, other) for character in text], np.int64)
    return _Read(symbols, tuple(common), digest)


@functools.cache
def _topics() -> str:
    topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    return "\n".join(topics[name] for name in sorted(topics))


def _file(path: str) -> str:
    if not Path(path).is_file():
        raise ValueError(f"path: expected a file, got {path!r}, which is not there")
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8: {error}") from None


def _where(path: str | None) -> str:
    return "the text that comes with Python" if path is None else repr(path)


def _entropy(counts: np.ndarray) -> float:
    """In nats, of what occurred so often."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
