"""Reference points that are not learning rules of the recurrent weights."""

from __future__ import annotations

from axonomy.rule import Rule, compose


def output_only() -> Rule:
    """Train the read-out alone; the recurrent weights stay as they are."""
    return compose("none", "none", "deterministic", "closed-form", solver="none")
