"""The library beside other programs, in one process, taking turns; results are kept as they come."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from axonomy import speed
from axonomy.peers import RULES, Problem, load


@dataclass(frozen=True)
class Pair:
    """The library and a peer on one rule, taking turns: medians of steps per second, and their spread."""

    rule: str  # its name in axonomy.peers.RULES
    n: int
    dtype: str
    peer: str
    steps_per_second: float
    spread: float
    peer_steps_per_second: float
    peer_spread: float

    @property
    def ratio(self) -> float:
        """How many times as fast the library is."""
        return self.steps_per_second / self.peer_steps_per_second

    @property
    def of(self) -> tuple[str, int, str, str]:
        """What was compared."""
        return self.rule, self.n, self.dtype, self.peer


class Results:
    """Pairs in a CSV file, to which each is added as it is found.

    Parameters
    ----------
    path : Path, optional
        Where they are kept; by default nowhere. What the file has already is taken over.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.pairs: dict[tuple[str, int, str, str], Pair] = {}
        self.header = [field.name for field in fields(Pair)]
        if path is None:
            return
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                if reader.fieldnames != self.header:
                    raise ValueError(f"out: expected a file of such results, got {path}, which has others")
                for row in reader:
                    self._take(Pair(**{key: _CASTS.get(key, float)(value) for key, value in row.items()}))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write([self.header])

    def add(self, pairs: list[Pair]) -> None:
        """Add pairs, and write them down."""
        for pair in pairs:
            self._take(pair)
        if self.path is not None:
            self._write([[_rounded(value) for value in asdict(pair).values()] for pair in pairs])

    def _take(self, pair: Pair) -> None:
        self.pairs[pair.of] = pair

    def _write(self, rows: list[list[Any]]) -> None:
        assert self.path is not None
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


_CASTS: Mapping[str, Any] = {"rule": str, "n": int, "dtype": str, "peer": str}


def compare(
    rule: str,
    n: int,
    dtype: str,
    peers: Iterable[str],
    *,
    seconds: float = 0.2,
    turns: int = 5,
    budget: float = 60.0,
) -> list[Pair]:
    """Time a rule of the library beside those of the given programs that have it.

    Leaky RNN of n units, Add task, SGD at every step.

    Parameters
    ----------
    rule : str
        Of :data:`axonomy.peers.RULES`.
    n : int
        Units.
    dtype : {"float64", "float32"}
    peers : iterable of str
        Of :data:`axonomy.peers.PEERS`.
    seconds, turns, budget
        As in :func:`axonomy.speed.measure`.

    Returns
    -------
    list of Pair
    """
    programs = {peer: load(peer).start(rule, problem(rule, n, dtype)) for peer in peers}
    programs = {peer: program for peer, program in programs.items() if program is not None}
    if not programs:
        return []
    runners: dict[str, speed.Runner] = {"": speed.training(RULES[rule], n, dtype)}
    runners |= {peer: program.run for peer, program in programs.items()}
    period = math.lcm(*(program.period for program in programs.values()))
    found = speed.measure(runners, seconds, turns, period=period, budget=budget)
    own = found.pop("")
    return [
        Pair(rule, n, dtype, peer, own.median, own.spread, its.median, its.spread)
        for peer, its in found.items()
    ]


def problem(rule: str, n: int, dtype: str) -> Problem:
    """Return what :func:`axonomy.speed.training` begins with."""
    rnn, stream = speed.network(RULES[rule], n, dtype), speed.add_stream()
    W_out = np.column_stack([rnn.W_out, rnn.b_out])
    return Problem(rnn.W.copy(), W_out, stream.X.astype(dtype), stream.Y.astype(dtype), speed.LEARNING_RATE)
