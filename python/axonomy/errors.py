"""The exceptions that are the library's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axonomy.history import History


class IncompatibleAxes(ValueError):
    """A combination of choices that no rule fills.

    Attributes
    ----------
    reason : str
        Why the combination is impossible.
    nearest : tuple of str
        The existing cells that differ from it in the fewest choices.
    """

    def __init__(self, message: str, reason: str = "", nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.nearest = nearest


class IncompatibleCell(ValueError):
    """A rule, or a module of PyTorch, that cannot run this kind of cell; the message says what it misses."""


class Diverged(ArithmeticError):
    """A run whose next step would not be finite.

    The trainer and its network are left in the last finite state.

    Attributes
    ----------
    step : int
        The step that was not taken, counted from the trainer's first.
    history : History
        What was recorded up to that step; empty if it was not a run.
    """

    def __init__(self, message: str, step: int, history: History) -> None:
        super().__init__(message)
        self.step = step
        self.history = history

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return type(self), (str(self), self.step, self.history)  # else pickle would give the message alone
