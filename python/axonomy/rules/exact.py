"""The exact gradient, and the gradient of a window."""

from __future__ import annotations

from axonomy.composed import ComposedRule, compose


def rtrl() -> ComposedRule:
    """Real-time recurrent learning: the exact gradient at every step (Williams & Zipser 1989)."""
    return compose("past", "kij", "deterministic", "closed-form", solver="rtrl")


def rtrl_lazy(block: int = 0, latency: str = "block") -> ComposedRule:
    """RTRL by lazy propagation: the same gradients at O(n³) a step (block form: Schmidhuber 1992).

    Parameters
    ----------
    block : int
        Steps of a block; 0 chooses it by the sizes.
    latency : {"block", "even"}
        What is due once a block is done in its last step, which then takes as long as the others together; or
        a share of it in every step of the next block, for steps that all take about the same time, on
        average 1.2 to 2 times as long.
    """
    return compose("past", "kij", "deterministic", "closed-form", solver="lazy", block=block, latency=latency)


def tbptt(window: int = 10) -> ComposedRule:
    """Rolling truncated backpropagation: the current loss through the last `window` steps.

    Williams & Peng 1990.
    """
    return compose("past", "kij", "deterministic", "closed-form", solver="window", window=window)
