"""Declared orders of work against counted operations: over units; where signs leave r terms apart, over r.

    python tests/cpp/declared.py build/cpp/tests/cpp/count_work

``count_work`` runs every learner with a number type that counts, and prints ``tensor solver n operations``.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections import defaultdict

import axonomy as ax

TOLERANCE = 0.4  # tells whole powers apart
RANKS = 8, 32


def count(program: str, tensor: str, solver: str, rank: int, n: int = 32) -> float:
    """Return the operations of one step."""
    command = [program, tensor, solver, str(rank), str(n)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def agrees(cell: ax.TableCell, size: str, declared: int, counted: float) -> bool:
    """Print a declared power beside the counted one, and return whether they are the same."""
    good = abs(counted - declared) < TOLERANCE
    verdict = "" if good else "  WRONG"
    print(f"{cell.tensor:6} {cell.solver:13} {size}^{declared}, counted {size}^{counted:.2f}{verdict}")
    return good


def main(program: str) -> int:
    counted: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        tensor, solver, n, operations = line.split()
        counted[tensor, solver][int(n)] = float(operations)
    failed = 0
    for cell in ax.table():
        if cell.status == "impossible":
            continue
        assert cell.solver is not None
        assert cell.time is not None
        found = counted.pop((cell.tensor, cell.solver), {})
        sizes = sorted(found)[-2:]
        power = math.nan
        if len(sizes) == 2:
            small, large = (found[n] for n in sizes)
            power = math.log(large / small, sizes[1] / sizes[0]) if small > 0 else 0.0
        failed += not agrees(cell, "n", cell.time.n, power)
        if cell.solution == "closed-form" and cell.time.factor == "r":
            small, large = (count(program, cell.tensor, cell.solver, rank=rank) for rank in RANKS)
            failed += not agrees(cell, "r", 1, math.log(large / small, RANKS[1] / RANKS[0]))
    for key in counted:
        print(f"{key} is counted, but not in the table")
    return min(1, failed + len(counted))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
