"""``axonomy bench``: steps per second of rules, cells and sizes."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import axonomy as ax
from axonomy import _check, machine, speed
from axonomy.cells import CELLS
from axonomy.cli import _comparison, _parse, _peers, _roofline
from axonomy.peers import PEERS

COLUMNS = (
    "rule", "facing", "tensor", "randomness", "solution", "cell", "n", "dtype", "steps_per_second", "spread",
    "microseconds", "bytes", "weights", "ns_per_weight", "times_rtrl", "of_limit", "note",
)  # fmt: skip
Row = dict[str, Any]


def bench(
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{_parse.FORMS}; repeat for several. By default every rule of the table.",
            metavar="RULE",
        ),
    ] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Kinds of network, a,b,... of {', '.join(CELLS)}; leaky_rnn by default.", metavar="NAME"
        ),
    ] = None,
    hidden: Annotated[str, typer.Option(help="Numbers of units, a,b,...")] = "32,128,256",
    dtype: Annotated[str, typer.Option(help="float64, float32 or both.")] = "float64",
    seconds: Annotated[float, typer.Option(help="Length of a turn.")] = 0.1,
    turns: Annotated[int, typer.Option(help="Turns of each; the median counts.", min=1)] = 5,
    limit: Annotated[
        float | None,
        typer.Option(help="Leave out what takes longer than so many seconds a step.", show_default="0.1"),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads that share the work within a step.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="A CSV file for the numbers; with --peers it is gone on with.")
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Draw operations per second below the machine's roofline (PNG, PDF, SVG)."),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option(help=f"Time rules in other programs too, of {', '.join(PEERS)}; or all."),
    ] = None,
    budget: Annotated[
        float, typer.Option(help="With --peers: seconds for all turns of a line; the slow get fewer turns.")
    ] = 60.0,
) -> None:
    """Measure steps per second: Add task, two inputs and outputs, SGD at every step.

    Rules that need sparse recurrent weights have eight of them a unit.

    The rules and cells of a size take turns. Other work on the machine shows in the spread. Where
    RTRL is among them, the others' speed is given in units of its own; where there are several cells, the
    time a step per recurrent parameter. "% max" is of the speed at which the machine, which is measured too,
    could, in one thread, do the rule's matrix products and read or write each large array once
    (axonomy.machine).

    With --peers, each rule beside programs that compute the same numbers, written with NumPy, JAX and others:
    on the leaky RNN, and those rules that programs have (axonomy.peers; windows are of 20 steps there).
    """
    sizes = [_check.integer("hidden", _number(part), 1) for part in hidden.split(",")]
    dtypes = ["float64", "float32"] if dtype == "both" else [str(_check.float_dtype("dtype", dtype))]
    _check.integer("threads", threads, 1, 1024)
    _check.number("seconds", seconds, above=0)
    if peers is not None:
        for name, given in (("cell", cell), ("limit", limit)):
            if given is not None:
                raise ValueError(f"{name}: expected none beside --peers")
        if threads != 1:
            raise ValueError(f"threads: expected 1 beside --peers, got {threads}")
        _check.number("budget", budget, above=0)
        names = list(PEERS) if peers == "all" else [name.strip() for name in peers.split(",")]
        return _peers.run(names, rule, sizes, dtypes, seconds, turns, budget, out, figure)
    rules = _comparison.named_rules(rule) if rule else _all_rules()
    cells = _cells(cell)
    limit = _check.number("limit", 0.1 if limit is None else limit, above=0)
    rows: list[Row] = []
    for n in sizes:
        for kind in dtypes:
            rows += _measure(rules, cells, n, kind, seconds, turns, limit, threads)
    if rows:
        Console().print(_table(rows))
        if figure is not None:
            _roofline.draw(
                figure,
                dtypes[0],
                [
                    (rules[row["rule"]], row["n"], row["cell"], row["steps_per_second"])
                    for row in rows
                    if row["dtype"] == dtypes[0] and row["steps_per_second"]
                ],
            )
        for kind in dtypes:
            text = f"this machine in {_roofline.precision(kind)}: {machine.measure_machine(kind)}"
            Console().print(text, style="dim", highlight=False)
        for number, reason in enumerate(_reasons(rows), 1):
            Console().print(escape(f"[{number}] {reason}"), style="dim", highlight=False)
        if out is not None:
            with out.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=COLUMNS)
                writer.writeheader()
                writer.writerows(rows)


def _measure(
    rules: dict[str, ax.Rule],
    cells: list[str],
    n: int,
    dtype: str,
    seconds: float,
    turns: int,
    limit: float,
    threads: int,
) -> list[Row]:
    """Rows cell by cell, the fastest first; those of rules that refuse a cell have a note instead."""
    runners = {}
    rows: list[Row] = []
    for cell, (label, rule) in product(cells, rules.items()):
        try:
            runner = speed.training(rule, n, dtype, cell, threads=threads)
        except ax.IncompatibleCell as error:
            rows.append(_row(label, rule, cell, n, dtype) | {"note": str(error)})
            continue
        if (taken := speed.seconds_a_step(runner)) > limit:
            typer.echo(f"{label}, {cell}, n = {n}, {dtype}: left out, {taken:.2g} s a step", err=True)
        else:
            runners[label, cell] = runner
    speeds = speed.measure(runners, seconds, turns)
    rtrl = {cell: s.median for (label, cell), s in speeds.items() if rules[label] == ax.rules.rtrl()}
    for (label, cell), found in speeds.items():
        network = speed.network(rules[label], n, dtype, cell)
        weights = int(network.shape.weights.sum())
        most = machine.limit(rules[label], n, dtype, cell)
        rows.append(
            _row(label, rules[label], cell, n, dtype)
            | {
                "steps_per_second": round(found.median, 1),
                "spread": round(found.spread, 3),
                "microseconds": round(1e6 / found.median, 3),
                "bytes": ax.make_learner(rules[label], network).nbytes,
                "weights": weights,
                "ns_per_weight": round(1e9 / found.median / weights, 4),
                "times_rtrl": round(found.median / rtrl[cell], 3) if cell in rtrl else None,
                "of_limit": None if most is None else round(found.median / most, 3),
            }
        )
    return sorted(rows, key=lambda row: (cells.index(row["cell"]), -(row["steps_per_second"] or 0)))


def _row(label: str, rule: ax.Rule, cell: str, n: int, dtype: str) -> Row:
    """A row in which nothing is measured yet."""
    known = (label, *rule.axes, cell, n, dtype)
    return dict.fromkeys(COLUMNS) | dict(zip(COLUMNS, known, strict=False))


def _cells(given: list[str] | None) -> list[str]:
    names = [name.strip() for text in given or ["leaky_rnn"] for name in text.split(",")]
    return list(dict.fromkeys(_check.one_of("cell", name, CELLS) for name in names))


def _all_rules() -> dict[str, ax.Rule]:
    rules = [cell.rule() for cell in ax.table() if cell.status != "impossible"]
    return {rule.name: rule for rule in rules}


def _number(text: str) -> object:
    return int(text) if text.strip().isdecimal() else text


def _table(rows: list[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    several = len({row["cell"] for row in rows}) > 1
    with_rtrl = any(row["times_rtrl"] is not None for row in rows)
    reasons = _reasons(rows)
    table.add_column("rule", overflow="fold")
    if several:
        table.add_column("cell", no_wrap=True)
    table.add_column("n", justify="right")
    table.add_column("dtype")
    per = "ns/weight" if several else "µs/step"
    for heading in ("steps/s", "±", per, "kB", "% max", *(("× RTRL",) if with_rtrl else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for i, row in enumerate(rows):
        block = (row["n"], row["dtype"], row["cell"])
        following = rows[i + 1] if i + 1 < len(rows) else None
        last = following is None or block != (following["n"], following["dtype"], following["cell"])
        which = [row["rule"], *([row["cell"]] if several else []), str(row["n"]), row["dtype"]]
        if row["note"]:
            table.add_row(*which, escape(f"– [{reasons.index(row['note']) + 1}]"), end_section=last)
            continue
        table.add_row(
            *which,
            f"{row['steps_per_second']:,.0f}",
            f"{row['spread']:.0%}",
            f"{row['ns_per_weight']:,.2f}" if several else f"{row['microseconds']:,.2f}",
            f"{row['bytes'] / 1000:,.1f}",
            "" if row["of_limit"] is None else f"{row['of_limit']:.0%}",
            *((_times(row["times_rtrl"]),) if with_rtrl else ()),
            end_section=last,
        )
    return table


def _reasons(rows: list[Row]) -> list[str]:
    """Why rules refuse cells, each reason once; the table numbers them from 1."""
    return list(dict.fromkeys(row["note"] for row in rows if row["note"]))


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.1f}" if ratio >= 1 else f"{ratio:.2f}"
