"""The table: every combination of the four choices, filled or not, taken from the components."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from axonomy import _check, bibliography, registry
from axonomy.axes import RANDOMNESS, SOLUTIONS, TENSORS
from axonomy.cells import CELLS
from axonomy.cells.base import Cell
from axonomy.component import Component, Cost
from axonomy.composed import NO_COUPLINGS, NOT_SHARED, ComposedRule, compose, why_impossible
from axonomy.order import Order

COLUMNS = (
    "facing", "tensor", "randomness", "solution", "solver", "status", "name", "bias", "memory", "time",
    "lag", "reference", "reason",
)  # fmt: skip
_HEADINGS = (
    "facing", "tensor", "randomness", "solution", "rule", "bias", "memory", "time", "lag", "reference",
)  # fmt: skip


@dataclass(frozen=True)
class TableCell:
    """One line of the table.

    Attributes
    ----------
    facing, tensor, randomness, solution : str
        The four choices.
    solver : str or None
        What fills the cell; None if nothing can.
    status : {"known", "new", "impossible", "baseline"}
    name : str
        The name in the literature, or what the rule is made of.
    bias : str or None
        ``"none"`` or ``"biased"``.
    memory, time : Order or None
        Bytes held, work a step.
    lag : str or None
        Steps by which the gradient is late.
    reference : str
        Where it comes from.
    reason : str
        Why the combination is impossible.
    ranked : bool
        Whether the rule takes a rank r.
    """

    facing: str
    tensor: str
    randomness: str
    solution: str
    solver: str | None = None
    status: str = "impossible"
    name: str = ""
    bias: str | None = None
    memory: Order | None = None
    time: Order | None = None
    lag: str | None = None
    reference: str = ""
    reason: str = ""
    ranked: bool = False

    def rule(self, **settings: Any) -> ComposedRule:
        """Compose the cell's rule.

        Raises
        ------
        IncompatibleAxes
            If the cell is impossible.
        """
        return compose(
            self.facing, self.tensor, self.randomness, self.solution, solver=self.solver, **settings
        )


class Table:
    """All cells, as a sequence that prints itself."""

    def __init__(self, cells: tuple[TableCell, ...]) -> None:
        self.cells = cells

    def __iter__(self) -> Iterator[TableCell]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def rows(self) -> list[dict[str, str]]:
        """Return one dict of strings a cell; the keys are the same for all."""
        return [
            {c: "" if getattr(cell, c) is None else str(getattr(cell, c)) for c in COLUMNS} for cell in self
        ]

    def to_json(self) -> str:
        """Return a JSON list of the rows."""
        return json.dumps(self.rows(), ensure_ascii=False)

    def to_csv(self) -> str:
        """Return the rows as CSV with a header line."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue()

    def reasons(self) -> list[str]:
        """Return the reasons of the impossible cells, each once; :meth:`lines` numbers them from 1."""
        return list(dict.fromkeys(cell.reason for cell in self if cell.reason))

    def lines(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the headings and the lines of a printed table."""
        lines: list[tuple[str, ...]] = []
        reasons = self.reasons()
        for row, cell in zip(self.rows(), self, strict=True):
            name = f"{row['name']} (new)" if cell.status == "new" else row["name"]
            if cell.status == "impossible":
                name = f"impossible [{reasons.index(cell.reason) + 1}]"
            choices = (cell.facing, cell.tensor, cell.randomness, cell.solution)
            facts = (row["bias"], row["memory"], row["time"], row["lag"], row["reference"])
            lines.append((*choices, name, *facts))
        return _HEADINGS, lines

    def to_markdown(self) -> str:
        """Return a markdown table."""
        headings, lines = self.lines()
        cells = [headings, tuple("---" for _ in headings), *lines]
        return "".join(
            "| " + " | ".join(text.replace("|", "\\|") for text in line) + " |\n" for line in cells
        ) + "".join(f"\n{note}  " for note in self.notes())

    def __str__(self) -> str:
        headings, lines = self.lines()
        widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in (headings, *lines)
        ]
        return "\n".join([*text, *self.notes()])

    def notes(self) -> list[str]:
        """Return what stands below the printed table."""
        return [f"[{i}] {reason}" for i, reason in enumerate(self.reasons(), 1)]

    __repr__ = __str__


def _filled(component: Component, status: str, element_wise: bool) -> TableCell:
    reason = NOT_SHARED if component.needs_shared else NO_COUPLINGS if component.needs_mask else ""
    if element_wise and reason:
        return TableCell(*component.axes, reason=f"the rule {reason}")
    cost = Cost(component.bias, component.memory, component.time)
    if element_wise and component.element_wise is not None:
        cost = component.element_wise
    return TableCell(
        *component.axes,
        solver=component.solver,
        status=status,
        name=component.known_as or component.title,
        bias=cost.bias,
        memory=cost.memory,
        time=cost.time,
        lag=component.lag,
        reference="; ".join(bibliography.LABELS[key] for key in component.references),
        ranked=component.ranked,
    )


def table(network: Any = None) -> Table:
    """Return the whole table.

    Each tensor under each randomness and solution: filled cells with what their components declare, several
    lines where several components fill one; impossible ones with the reason; the baselines last.

    Parameters
    ----------
    network : str, Cell, or subclass of Cell, optional
        The kind of network that the rules are to learn, such as ``"ind_rnn"`` or ``axonomy.IndRNN``; by
        default one whose units are coupled. In element-wise ones M has no entries between units: rules that
        keep those within units are exact there.

    Returns
    -------
    Table

    References
    ----------
    Marschall, Cho & Savin, JMLR 21(135), 2020, table 1, has ten of them.

    Examples
    --------
    >>> import axonomy as ax
    >>> sum(cell.status == "new" for cell in ax.table()) > 10
    True
    """
    element_wise = False if network is None else _kind(network).element_wise
    cells: list[TableCell] = []
    for tensor in TENSORS:
        for randomness, solution in product(RANDOMNESS, SOLUTIONS):
            axes = (tensor.facing, tensor.name, randomness, solution)
            found = registry.find(*axes)
            cells += [_filled(c, "known" if c.known_as else "new", element_wise) for c in found]
            if not found:
                cells.append(TableCell(*axes, reason=why_impossible(*axes)))
    cells += [_filled(c, "baseline", element_wise) for c in registry.BASELINES]
    return Table(tuple(cells))


def _kind(network: Any) -> type[Cell]:
    if isinstance(network, str):
        return CELLS[_check.one_of("network", network, CELLS)]
    if isinstance(network, type) and issubclass(network, Cell):
        return network
    if isinstance(network, Cell):
        return type(network)
    raise ValueError(f"network: expected a network, its class or its name, got {_check.describe(network)}")
