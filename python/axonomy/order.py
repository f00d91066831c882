"""Declared orders of cost. Tests measure them over sizes."""

from __future__ import annotations

from dataclasses import dataclass

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Order:
    """An order of memory or time, ``O(factor · n^power)``.

    Parameters
    ----------
    n : int
        The power of the number of units n, with R and S proportional to n and m to n.
    factor : str
        What else it is proportional to: ``"r"`` the rank, ``"L"`` or ``"T"`` a window; empty for nothing.
    """

    n: int
    factor: str = ""

    def __str__(self) -> str:
        power = "1" if self.n == 0 else "n" + (str(self.n).translate(_SUPERSCRIPTS) if self.n > 1 else "")
        return f"O({self.factor} {power})" if self.factor else f"O({power})"
