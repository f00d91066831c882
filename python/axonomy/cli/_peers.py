"""``axonomy bench --peers``: the library beside other programs, going on where a file of results stops."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from statistics import median

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from axonomy import _check, peers
from axonomy.cli import _parse, _roofline
from axonomy.machine import limit
from axonomy.peers.compare import Pair, Results, compare


def run(
    names: list[str],
    texts: list[str] | None,
    sizes: list[int],
    dtypes: list[str],
    seconds: float,
    turns: int,
    budget: float,
    out: Path | None,
    figure: Path | None,
) -> None:
    """Measure what the file has not yet, and print all that was asked for."""
    names = list(dict.fromkeys(_check.one_of("peers", name, peers.PEERS) for name in names))
    having = {name: peers.load(name).RULES for name in names}
    rules = _rules(texts) if texts else list(peers.RULES)
    results = Results(out)
    if os.environ.get("OMP_NUM_THREADS") != "1" and any(name.startswith("numpy") for name in names):
        typer.echo("NumPy may use several threads; with OMP_NUM_THREADS=1 it does not", err=True)
    shown: list[Pair] = []
    interrupted = False
    try:
        for n, dtype, rule in product(sizes, dtypes, rules):
            asked = [(rule, n, dtype, name) for name in names if rule in having[name]]
            missing = [key[-1] for key in asked if key not in results.pairs]
            results.add(compare(rule, n, dtype, missing, seconds=seconds, turns=turns, budget=budget))
            line = [results.pairs[key] for key in asked]
            if missing:
                said = ", ".join(f"{peers.PEERS[pair.peer].title} {pair.ratio:.1f}x" for pair in line)
                typer.echo(f"{peers.RULES[rule].name}, n = {n}, {dtype}: {said}", err=True)
            shown += line
    except KeyboardInterrupt:
        interrupted = True
    Console().print(_table(shown, names))
    if figure is not None:
        own = {(pair.rule, pair.n): pair.steps_per_second for pair in shown if pair.dtype == dtypes[0]}
        _roofline.draw(
            figure, dtypes[0], [(peers.RULES[rule], n, "leaky_rnn", rate) for (rule, n), rate in own.items()]
        )
    if interrupted:
        typer.echo("interrupted; the same command goes on from here if it has a file for --out", err=True)
        raise typer.Exit(130)


def _rules(texts: list[str]) -> list[str]:
    """The names that programs have for rules, which are given by these or as anywhere else."""
    found = []
    for text in texts:
        if text in peers.RULES:
            found.append(text)
            continue
        rule = _parse.parse_rule(text)
        name = next((name for name, one in peers.RULES.items() if one == rule), None)
        if name is None:
            raise ValueError(f"rule: beside peers expected one of {', '.join(peers.RULES)}, got {text!r}")
        found.append(name)
    return found


def _table(pairs: list[Pair], names: list[str]) -> Table:
    lines: dict[tuple[str, int, str], dict[str, Pair]] = {}
    for pair in pairs:
        lines.setdefault((pair.rule, pair.n, pair.dtype), {})[pair.peer] = pair
    limits = {line: limit(peers.RULES[line[0]], *line[1:]) for line in lines}
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("rule", overflow="fold")
    table.add_column("n", justify="right")
    table.add_column("dtype")
    headings = ["axonomy", "% max"]
    for heading in [*headings, *(text for name in names for text in (peers.PEERS[name].title, "×"))]:
        table.add_column(heading, justify="right", no_wrap=True)
    for line, by_peer in lines.items():
        rule, n, dtype = line
        own = median(pair.steps_per_second for pair in by_peer.values())
        most = limits[line]
        cells = [peers.RULES[rule].name, str(n), dtype, _rate(own)]
        cells.append("" if most is None else f"{own / most:.0%}")
        for name in names:
            one = by_peer.get(name)
            cells += [_rate(one.peer_steps_per_second), f"{one.ratio:.1f}"] if one else ["", ""]
        table.add_row(*cells)
    return table


def _rate(steps_per_second: float) -> str:
    return f"{steps_per_second:,.0f}" if steps_per_second >= 10 else f"{steps_per_second:.2g}"
