"""Numbers as they are read."""

from __future__ import annotations

import numpy as np


def value(x: float) -> str:
    """Three digits that count, or a dash for what is not there."""
    if not np.isfinite(x):
        return "–" if np.isnan(x) else "∞" if x > 0 else "−∞"
    if x != 0 and (abs(x) >= 1e4 or abs(x) < 1e-3):
        return f"{x:.1e}".replace("-", "−")
    return f"{x:.3g}".replace("-", "−") if abs(x) >= 1 else f"{x:.3f}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """An interval in brackets; nothing if there is none."""
    return f"[{value(low)}, {value(high)}]" if np.isfinite(low) and np.isfinite(high) else ""


def short(x: float, low: float, high: float) -> str:
    """A value with its interval where there is little room."""
    x, low, high = (round(number, 2) + 0.0 for number in (x, low, high))  # no zero has a sign
    brackets = f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else ""
    return f"{x:.2f}{brackets}".replace("-", "−")


def columns(n: int, words: str) -> str:
    """A count and what follows it, in columns: the space is as wide as a digit."""
    return f"{n:>3}".replace(" ", "\N{FIGURE SPACE}") + f"   {words}"


def p_value(p: float) -> str:
    """A p value, none of them zero."""
    if not np.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def number(n: int) -> str:
    """A count with thousands apart."""
    return f"{n:,}"


def count(n: int, what: str) -> str:
    """So many of something."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
