"""What this machine allows in one thread, and so the most steps per second of a rule.

Everything is measured: multiply-adds in registers, the matrix product the influence is made of, and reading
from each level of the cache and from memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from axonomy import _check, _core
from axonomy.cells import CELLS
from axonomy.component import Least
from axonomy.composed import ComposedRule
from axonomy.rule import Rule

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_USUAL = {"L1": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}


@dataclass(frozen=True)
class Level:
    """A cache, or memory.

    Attributes
    ----------
    name : str
    size : float
        Bytes; infinite for memory.
    bandwidth : float
        Bytes per second that are read.
    """

    name: str
    size: float
    bandwidth: float


@dataclass(frozen=True)
class Machine:
    """What one thread can do with numbers of one type.

    Attributes
    ----------
    flops : float
        Operations per second of multiply-adds in registers.
    gemm : float
        Of a matrix product that lies in the second cache.
    levels : tuple of Level
        From the first cache to memory.
    """

    flops: float
    gemm: float
    levels: tuple[Level, ...]

    def __str__(self) -> str:
        read = ", ".join(f"{level.name} {level.bandwidth / 1e9:.0f}" for level in self.levels)
        return (
            f"{self.flops / 1e9:.0f} GFLOP/s in registers, {self.gemm / 1e9:.0f} in matrix products; "
            f"GB/s read from {read}"
        )

    def bandwidth(self, held: float) -> float:
        """Bytes per second from the first level that holds so many bytes."""
        return next(level.bandwidth for level in self.levels if held <= level.size)

    def seconds(self, least: Least, itemsize: int) -> float:
        """The time that so much takes: products, and between them what is moved."""
        return least.flops / self.gemm + least.moved * itemsize / self.bandwidth(least.held * itemsize)


@cache
def measure_machine(dtype: str = "float64", seconds: float = 0.1) -> Machine:
    """Measure the machine; once for each dtype.

    Parameters
    ----------
    dtype : {"float64", "float32"}
    seconds : float
        How long each of its figures is measured.

    Returns
    -------
    Machine
    """
    bits = _check.one_of("dtype", dtype, ("float64", "float32"))[-2:]
    read = getattr(_core, f"read_bandwidth{bits}")
    sizes = cache_sizes()
    levels = [Level(name, size, read(size // 2, seconds)) for name, size in sizes.items()]
    beyond = min(4 * max(sizes.values()), 256 << 20)
    levels.append(Level("memory", float("inf"), read(beyond, seconds)))
    return Machine(
        flops=getattr(_core, f"peak_flops{bits}")(seconds),
        gemm=getattr(_core, f"gemm_flops{bits}")(128, 384, seconds),
        levels=tuple(levels),
    )


def cache_sizes() -> dict[str, int]:
    """Return the bytes of the data caches of one core, as the system tells them or else as is usual."""
    found = {}
    for index in sorted(_CACHES.glob("index*")):
        try:
            kind, size = (index / "type").read_text().strip(), (index / "size").read_text().strip()
            if kind in ("Data", "Unified"):
                found["L" + (index / "level").read_text().strip()] = _bytes(size)
        except (OSError, ValueError):
            return dict(_USUAL)
    return found or dict(_USUAL)


def _bytes(text: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def needed(rule: Rule, n: int, cell: str = "leaky_rnn") -> Least | None:
    """Return what a step of a rule cannot do without.

    Parameters
    ----------
    rule : Rule
    n : int
        Units, with dense weights, n_in = n_out = 2.
    cell : str
        A kind of cell.

    Returns
    -------
    Least or None
        None where it is not known: of hybrids, on element-wise cells, of rules on sparse weights.
    """
    kind: Any = CELLS[_check.one_of("cell", cell, CELLS)]
    if not isinstance(rule, ComposedRule) or rule.component.least is None or kind.element_wise:
        return None
    return rule.component.least(kind._shape(n, 2, 2), rule.options, rule.rank)


def limit(rule: Rule, n: int, dtype: str, cell: str = "leaky_rnn") -> float | None:
    """Return the most steps per second that this machine allows a rule, where :func:`needed` is known.

    Parameters
    ----------
    rule, n, cell
        As there.
    dtype : {"float64", "float32"}

    Returns
    -------
    float or None
    """
    least = needed(rule, n, cell)
    return None if least is None else 1 / measure_machine(dtype).seconds(least, np.dtype(dtype).itemsize)
