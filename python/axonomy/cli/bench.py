"""``axonomy bench``: steps per second of rules and sizes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import axonomy as ax
from axonomy import _check, speed
from axonomy.cli import _comparison, _parse

COLUMNS = (
    "rule", "facing", "tensor", "randomness", "solution", "n", "dtype", "steps_per_second", "spread",
    "microseconds", "bytes", "times_rtrl",
)  # fmt: skip


def bench(
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{_parse.FORMS}; repeat for several. By default every rule of the table.",
            metavar="RULE",
        ),
    ] = None,
    hidden: Annotated[str, typer.Option(help="Numbers of units, a,b,...")] = "32,128,256",
    dtype: Annotated[str, typer.Option(help="float64, float32 or both.")] = "float64",
    seconds: Annotated[float, typer.Option(help="Length of a turn.")] = 0.1,
    turns: Annotated[int, typer.Option(help="Turns of each; the median counts.", min=1)] = 5,
    limit: Annotated[
        float, typer.Option(help="Leave out what takes longer than so many seconds a step.")
    ] = 0.1,
    out: Annotated[Path | None, typer.Option(help="A CSV file for the numbers.")] = None,
) -> None:
    """Measure steps per second: leaky RNN, Add task, two inputs and outputs, SGD at every step.

    Rules that need sparse recurrent weights have eight of them a unit.

    The rules of a size take turns. One thread; other work on the machine shows in the spread. Where RTRL is
    among them, the others' speed is given in units of its own.
    """
    rules = _comparison.named_rules(rule) if rule else _all_rules()
    sizes = [_check.integer("hidden", _number(part), 1) for part in hidden.split(",")]
    dtypes = ["float64", "float32"] if dtype == "both" else [str(_check.float_dtype("dtype", dtype))]
    _check.number("seconds", seconds, above=0)
    _check.number("limit", limit, above=0)
    rows: list[dict[str, Any]] = []
    for n in sizes:
        for kind in dtypes:
            rows += _measure(rules, n, kind, seconds, turns, limit)
    if rows:
        Console().print(_table(rows))
        if out is not None:
            with out.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=COLUMNS)
                writer.writeheader()
                writer.writerows(rows)


def _measure(
    rules: dict[str, ax.Rule], n: int, dtype: str, seconds: float, turns: int, limit: float
) -> list[dict[str, Any]]:
    runners = {}
    for label, rule in rules.items():
        runner = speed.training(rule, n, dtype)
        if (taken := speed.seconds_a_step(runner)) > limit:
            typer.echo(f"{label}, n = {n}, {dtype}: left out, {taken:.2g} s a step", err=True)
        else:
            runners[label] = runner
    rows = []
    speeds = speed.measure(runners, seconds, turns)
    rtrl = next((found.median for label, found in speeds.items() if rules[label] == ax.rules.rtrl()), None)
    for label, found in speeds.items():
        rule = rules[label]
        learner = ax.make_learner(rule, speed.network(rule, n, dtype))
        values = (
            label, *rule.axes, n, dtype, round(found.median, 1), round(found.spread, 3),
            round(1e6 / found.median, 3), learner.nbytes,
            None if rtrl is None else round(found.median / rtrl, 3),
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return sorted(rows, key=lambda row: -float(row["steps_per_second"]))


def _all_rules() -> dict[str, ax.Rule]:
    rules = [cell.rule() for cell in ax.table() if cell.status != "impossible"]
    return {rule.name: rule for rule in rules}


def _number(text: str) -> object:
    return int(text) if text.strip().isdecimal() else text


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("rule", overflow="fold")
    table.add_column("n", justify="right")
    table.add_column("dtype")
    with_rtrl = any(row["times_rtrl"] is not None for row in rows)
    for heading in ("steps/s", "±", "µs/step", "kB", *(("× RTRL",) if with_rtrl else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for i, row in enumerate(rows):
        size = (row["n"], row["dtype"])
        last = i + 1 == len(rows) or size != (rows[i + 1]["n"], rows[i + 1]["dtype"])
        table.add_row(
            row["rule"],
            str(row["n"]),
            row["dtype"],
            f"{row['steps_per_second']:,.0f}",
            f"{row['spread']:.0%}",
            f"{row['microseconds']:,.2f}",
            f"{row['bytes'] / 1000:,.1f}",
            *((_times(row["times_rtrl"]),) if with_rtrl else ()),
            end_section=last,
        )
    return table


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.1f}" if ratio >= 1 else f"{ratio:.2f}"
