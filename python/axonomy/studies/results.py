"""The results of a study as tables of pandas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import axonomy as ax
from axonomy._extras import require
from axonomy.studies import conduct, selection
from axonomy.studies.execute import Outcome
from axonomy.studies.metrics.ride import period_of
from axonomy.studies.metrics.table import alignment_columns, metric_columns
from axonomy.studies.plan import FINAL, METRICS, PHASES, TUNING, Case, Planned, Run
from axonomy.studies.store import Store, number
from axonomy.studies.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

_PLACE = ("task", "cell")
RUNS = (
    "key", "phase", *_PLACE, "n", "rule", "facing", "tensor", "randomness", "solution", "solver", "settings",
    "status", "bias", "update_steps", "learning_rate", "edge", "seed", "steps", "final_loss", "diverged",
    "diverged_at", "seconds_per_step", "bytes", "tuning_runs", "floor", "floors",
)  # fmt: skip
CURVES = ("key", *_PLACE, "rule", "seed", "step", "loss")
MEASURED = (*_PLACE, "trained_by", "rule", "seed", "metric", "window", "step", "value")
ALIGNMENT = (*_PLACE, "trained_by", "seed", "rule_a", "rule_b", "cosine")


class Results:
    """What a study has found so far. Each method returns a table, with its columns also where it is empty.

    Only results of the study as it is now are in the tables, whatever else is in its folder. Each is read
    once: what is found later is seen by opening the folder again.
    """

    def __init__(self, study: Study, store: Store) -> None:
        self.study = study
        self._store = store
        self._outcomes: dict[str, Outcome | None] = {}

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open the folder of a study.

        Raises
        ------
        ValueError
            If it is none. The methods raise `axonomy.studies.Corrupt` if a result is not what was written.
        """
        store = Store(Path(folder))
        return cls(store.study(), store)

    def runs(self) -> DataFrame:
        """One row a finished run of tuning or of the final phase.

        ``final_loss`` is the mean over the last tenth of the steps, infinite if the run diverged, at step
        ``diverged_at``. ``seconds_per_step`` is the processor's time, ``bytes`` what the learner holds,
        ``settings`` what else sets apart rules of the same axes, ``update_steps`` how many steps there are
        between two changes of the recurrent weights, ``edge`` whether the learning rate is the lowest or
        highest of those that were tried. ``tuning_runs`` is what was spent on the rule's learning
        rate, ``floor`` the lowest loss that there is to reach, NaN where that is not known, ``floors`` those
        of limited memories by their names, as JSON.
        """
        return self._table(RUNS, (self._row(*each) for each in self._finished(TUNING, FINAL)))

    def curves(self) -> DataFrame:
        """The learning curves of the final runs, one row a stretch: its last step and its mean loss."""
        return self._table(CURVES, self._curves())

    def metrics(self) -> DataFrame:
        """What was measured of ``rule`` along the trajectory of a network trained by ``trained_by``."""
        return self._table(MEASURED, self._measured())

    def alignment(self) -> DataFrame:
        """Mean cosines between the gradients of two rules along the trajectory of a third."""
        return self._table(ALIGNMENT, self._aligned())

    def missing(self) -> int:
        """How many runs the study has still to do, of those that it knows of before tuning is done."""
        rates = self._rates
        tuning = [p for p in self.study.plan(TUNING) if self._load(p.run) is None]
        later = [
            p for phase in (FINAL, METRICS) for p in self.study.plan(phase, rates)
            if self._load(p.run) is None
        ]  # fmt: skip
        untuned = len(self.study.cases) - len(rates)
        metric_seeds = min(self.study.metric_seeds, len(self.study.seeds)) if self.study.metrics else 0
        return len(tuning) + len(later) + untuned * (len(self.study.seeds) + metric_seeds)

    def others(self) -> int:
        """How many results in the folder are of another axonomy, or of the study in an earlier form."""
        planned = {p.run.key for phase in PHASES for p in self.study.plan(phase, self._rates)}
        return len(self._store.keys() - planned)

    def _load(self, run: Run) -> Outcome | None:
        if run.key not in self._outcomes:
            self._outcomes[run.key] = self._store.load(run)
        return self._outcomes[run.key]

    @cached_property
    def _rates(self) -> dict[Case, float]:
        return conduct.chosen_rates(self.study, self._load)

    def _finished(self, *phases: str) -> Iterator[tuple[Planned, Outcome]]:
        for phase in phases:
            for planned in self.study.plan(phase, self._rates):
                outcome = self._load(planned.run)
                if outcome is not None:
                    yield planned, outcome

    def _row(self, planned: Planned, outcome: Outcome) -> dict[str, Any]:
        run, facts = planned.run, outcome.facts
        rule = run.rule
        own = isinstance(rule, ax.ComposedRule) and rule.facing != "none"
        diverged = facts["diverged_at"] is not None
        return {
            "key": run.key,
            "phase": planned.phase,
            **_place(planned),
            "n": run.n,
            "rule": planned.case.label,
            **{axis: getattr(rule, axis) if own else "-" for axis in selection.CHOICES[:5]},
            "settings": _settings(rule),
            "status": selection.status(rule),
            "bias": _bias(rule, run.network.cell),
            "update_steps": max(run.update_every, period_of(rule)),
            "learning_rate": run.learning_rate,
            "edge": self.study.at_edge(run.learning_rate),
            "seed": run.seed,
            "steps": run.steps,
            "final_loss": float("inf") if diverged else number(facts["final_loss"]),
            "diverged": diverged,
            "diverged_at": number(facts["diverged_at"]),
            "seconds_per_step": facts["seconds_per_step"],
            "bytes": facts["bytes"],
            "tuning_runs": self.study.tuning_runs,
            "floor": run.task.floor,
            "floors": json.dumps(dict(run.task.floors)),
        }

    def _curves(self) -> Iterator[dict[str, Any]]:
        for planned, outcome in self._finished(FINAL):
            same: dict[str, Any] = {"key": planned.run.key, **_place(planned)}
            same |= {"rule": planned.case.label, "seed": planned.run.seed}
            points = zip(outcome.arrays["step"].tolist(), outcome.arrays["loss"].tolist(), strict=True)
            for step, loss in points:
                yield {**same, "step": step, "loss": loss}

    def _measured(self) -> Iterator[dict[str, Any]]:
        for planned, arrays, same, labels in self._along():
            assert planned.run.metrics is not None
            for row in _rows(metric_columns(arrays, labels)):
                if row["metric"] in planned.run.metrics.names:
                    yield {**same, **row}

    def _aligned(self) -> Iterator[dict[str, Any]]:
        for planned, arrays, same, labels in self._along():
            assert planned.run.metrics is not None
            if "alignment" in planned.run.metrics.names:
                for row in _rows(alignment_columns(arrays, labels)):
                    yield {**same, **row}

    def _along(self) -> Iterator[tuple[Planned, dict[str, Any], dict[str, Any], list[str]]]:
        """The measuring runs, what all rows of one have, and the labels of the rules that rode along."""
        for planned, outcome in self._finished(METRICS):
            same = {**_place(planned), "trained_by": planned.case.label, "seed": planned.run.seed}
            labels = [passenger.label for passenger in self.study.passengers(planned.case)]
            yield planned, outcome.arrays, same, labels

    @staticmethod
    def _table(columns: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> DataFrame:
        table: DataFrame = require("pandas", "study").DataFrame(list(rows), columns=list(columns))
        return table


def _rows(columns: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


def _place(planned: Planned) -> dict[str, str]:
    return {"task": planned.case.task, "cell": planned.case.cell}


def _settings(rule: ax.Rule) -> str:
    """What every rule with factors has; empty for the others."""
    if not (isinstance(rule, ax.ComposedRule) and rule.component.ranked):
        return ""
    return f"rank {rule.rank}, current term {rule.current}"


def _bias(rule: ax.Rule, cell: str) -> str:
    """What the component declares on this kind of cell; of a hybrid, ``"none"`` if all parts have none."""
    if not isinstance(rule, ax.ComposedRule):
        parts = [_bias(part, cell) for part in rule.rules]  # type: ignore[attr-defined]
        return "none" if set(parts) == {"none"} else "biased"
    for line in ax.table(cell):
        own = (line.facing, line.tensor, line.randomness, line.solution, line.solver)
        if own == (*rule.axes, rule.solver) and line.bias:
            return line.bias
    return rule.component.bias
