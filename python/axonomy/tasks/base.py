"""What a task is: a source of one long stream of samples, with its loss and its known floors."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from axonomy import _check


@dataclass(frozen=True, eq=False)
class Stream:
    """A stretch of samples, in the order in which they come.

    Attributes
    ----------
    X : (T, n_in) ndarray
        Inputs.
    Y : (T, n_out) ndarray, or (T,) ndarray of int
        Targets; class indices in the second form.
    mask : (T,) ndarray of bool, optional
        Where False there is no target, so no loss and no update.
    reset : (T,) ndarray of bool, optional
        Where True a new sequence begins: state and learner are reset before the step.
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    mask: NDArray[np.bool_] | None = None
    reset: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.X)

    def part(self, start: int, stop: int | None = None) -> Stream:
        """The samples ``start`` to ``stop``, without a copy."""
        cut = slice(start, stop)
        return Stream(
            self.X[cut],
            self.Y[cut],
            None if self.mask is None else self.mask[cut],
            None if self.reset is None else self.reset[cut],
        )


class Task(ABC):
    """A source of samples for online learning.

    A member is a frozen dataclass whose fields say everything about it, and is listed in
    `axonomy.tasks.registry`. Two laws hold for each: the stream is a function of ``n_steps`` and
    ``seed``, and a shorter stream is the beginning of a longer one with the same seed, so that a
    run can be continued.
    """

    #: The name in the registry.
    name: ClassVar[str]
    #: Whether the samples were measured or written by somebody, not drawn or computed.
    real: ClassVar[bool] = False

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Number of outputs the network needs."""

    @property
    @abstractmethod
    def loss(self) -> str:
        """Name of the loss, as `axonomy.LeakyRNN` takes it."""

    @property
    @abstractmethod
    def floors(self) -> Mapping[str, float]:
        """Lowest mean loss within reach of a limited memory, by label; empty where not known."""

    @property
    def floor(self) -> float:
        """Lowest mean loss of all, without a limit to memory or size; NaN where not known."""
        return float("nan")

    @abstractmethod
    def generate(self, n_steps: int, seed: int = 0) -> Stream:
        """Draw the first ``n_steps`` samples of the stream belonging to ``seed``."""

    def to_dict(self) -> dict[str, Any]:
        """The task as plain values; `axonomy.tasks.from_dict` reads them."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        values = {f.name: getattr(self, f.name) for f in fields}
        values = {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
        return {"task": self.name, **{key: v for key, v in values.items() if v is not None}}


def generators(seed: int, count: int) -> list[np.random.Generator]:
    """Independent generators for the parts of a stream.

    They are children of ``seed``, never the generator of ``seed`` itself: a network drawn with the
    same seed must share no numbers with the data.
    """
    children = np.random.SeedSequence(_check.seed("seed", seed)).spawn(count)
    return [np.random.default_rng(child) for child in children]
