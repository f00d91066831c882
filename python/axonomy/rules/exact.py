"""The exact gradient, and the gradient of a window."""

from __future__ import annotations

from axonomy.rule import Rule, compose


def rtrl() -> Rule:
    """Real-time recurrent learning: the exact gradient at every step (Williams & Zipser 1989)."""
    return compose("past", "kij", "deterministic", "closed-form", solver="rtrl")


def tbptt(window: int = 10) -> Rule:
    """Rolling truncated backpropagation: the current loss through the last `window` steps.

    Williams & Peng 1990.
    """
    return compose("past", "kij", "deterministic", "closed-form", solver="window", window=window)
