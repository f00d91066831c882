"""Reference points that are not learning rules of the recurrent weights."""

from __future__ import annotations

from axonomy.composed import ComposedRule, compose


def output_only() -> ComposedRule:
    """Train the read-out alone; the recurrent weights stay as they are."""
    return compose("none", "none", "deterministic", "closed-form", solver="none")
