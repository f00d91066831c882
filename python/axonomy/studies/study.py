"""A study: rules on tasks, read from a TOML file, every mistake in which is told with its line.

::

    [study]
    name = "example"
    steps = 100_000
    seeds = 5
    tuning_seeds = 2
    learning_rates = [1e-4, 1e-3, 1e-2]
    tasks = ["add", { task = "add", lags = [3, 5], hold = 2, cells = ["leaky_rnn:alpha=0.5"] }]
    rules = ["rtrl", "uoro:rank=4", { bias = "none" }]

    [quick]
    steps = 1000
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Self, TypeVar

import axonomy as ax
from axonomy import _check, _toml, tasks
from axonomy.cells import CELLS
from axonomy.cli import _parse
from axonomy.studies import plan, selection
from axonomy.studies.lines import Lines
from axonomy.studies.plan import Case, Measured, Network, Planned, Run

T = TypeVar("T")

MEASURES = ("cosine", "bias", "variance", "snr", "loss_decrease", "loss_decrease_2", "alignment")
TUNING_FROM = 1_000_000  # the first tuning seed where their number alone is given
_SHIPPED = resources.files("axonomy.studies") / "shipped"
_NEEDED = ("steps", "learning_rates", "tasks", "rules")


class StudyError(ValueError):
    """A study file that will not do: the message names the file, the line, the key and what it may be."""


@dataclass(frozen=True)
class Entry:
    """One task of a study.

    Attributes
    ----------
    task : Task
    networks : tuple of Network, optional
        In place of the study's.
    rules : tuple of Rule
        In place of those of the study that have the same name.
    """

    task: tasks.Task
    networks: tuple[Network, ...] | None = None
    rules: tuple[ax.Rule, ...] = ()

    @property
    def text(self) -> str:
        """The task as it is written in a study, without what is as usual."""
        options = {}
        for field in dataclasses.fields(self.task):  # type: ignore[arg-type]
            value = getattr(self.task, field.name)
            if value != field.default and field.name != "digest":  # which a task finds by itself
                options[field.name] = Path(value).name if field.name == "path" else value
        return plan.spoken(self.task.name, options)

    def replaced(self, rules: Sequence[ax.Rule]) -> list[ax.Rule]:
        """The rules of the study with the task's own in their places."""
        own = {rule.name: [r for r in self.rules if r.name == rule.name] for rule in self.rules}
        return list(dict.fromkeys(each for rule in rules for each in own.get(rule.name, [rule])))


@dataclass(frozen=True)
class LeftOut:
    """A rule that cannot run where it was asked for."""

    task: str
    cell: str
    label: str
    reason: str


@dataclass(frozen=True)
class Study:
    """What to compare. Read one with :meth:`load`.

    Attributes
    ----------
    name : str
    steps : int
        Of each final run.
    seeds, tuning_seeds : tuple of int
        None of one is in the other.
    tuning_steps : int
    learning_rates : tuple of float
        The grid, the same for every rule; a single one is taken without tuning.
    entries : tuple of Entry
        The tasks.
    rules : tuple of Rule
    networks : tuple of Network
    n : int
        Units.
    optimiser, dtype : str
    update_every : int
    metrics : tuple of str
    metric_seeds, metric_steps, replicates, metric_every : int
        Measured is along the first so many final seeds, for so many steps.
    windows : tuple of int
    """

    name: str
    steps: int
    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...]
    tuning_steps: int
    learning_rates: tuple[float, ...]
    entries: tuple[Entry, ...]
    rules: tuple[ax.Rule, ...]
    networks: tuple[Network, ...]
    n: int
    optimiser: str
    update_every: int
    dtype: str
    metrics: tuple[str, ...]
    metric_seeds: int
    metric_steps: int
    replicates: int
    windows: tuple[int, ...]
    metric_every: int

    @classmethod
    def load(cls, source: str | Path, *, quick: bool = False) -> Self:
        """Read a study from a TOML file, or one that comes with the package by its name.

        Parameters
        ----------
        source : str or Path
        quick : bool
            Its short form, in which the table ``[quick]`` overrides what ``[study]`` says.

        Raises
        ------
        StudyError
            If the file is missing or something in it is wrong.
        """
        if str(source) in shipped():
            return cls.parse((_SHIPPED / f"{source}.toml").read_text("utf-8"), f"{source}.toml", quick=quick)
        path = Path(source)
        if path.suffix.lower() != ".toml":
            raise StudyError(
                f"study: expected a .toml file or one of {', '.join(shipped())}, got {str(source)!r}"
            )
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise StudyError(f"{path}: expected text, got something else: {error}") from None
        except OSError as error:
            raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
        return cls.parse(text, str(path), folder=path.parent, quick=quick)

    @classmethod
    def parse(
        cls, text: str, name: str = "study.toml", *, folder: Path | None = None, quick: bool = False
    ) -> Self:
        """Read a study from TOML text; `name` stands in messages, files are looked for in `folder`."""
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise StudyError(f"{name}: no TOML: {error}") from None
        reader = _Reader(name, Lines(text), folder, values)
        full, short = cls(**reader.study(False)), None
        full.check(reader.fail)
        if "quick" in values:  # a mistake in it should not wait for its use
            short = cls(**reader.study(True))
            short.check(reader.fail)
        if not quick:
            return full
        if short is None:
            raise StudyError(f"{name}: expected a table [quick], which says what the short form is, got none")
        return short

    def check(self, fail: Callable[[str, str], StudyError]) -> None:
        """Raise what `fail` makes of a key and a message if the parts do not go together."""
        shared = set(self.seeds) & set(self.tuning_seeds)
        if shared:
            raise fail(
                "tuning_seeds", f"expected none of the seeds, got {', '.join(map(str, sorted(shared)))}"
            )
        seen = set()
        try:
            cases = self.cases
        except ValueError as error:  # of a network that cannot be
            raise fail("cells", str(error)) from None
        for case in cases:
            place = (case.task, case.cell, case.label)
            if place in seen:
                raise fail(
                    "tasks", f"expected different tasks and cells, got {case.task} on {case.cell} twice"
                )
            seen.add(place)
        if self.metrics and self.metric_steps < self.metric_every:
            raise fail(
                "metric_steps",
                f"expected metric_every, {self.metric_every}, or more, got {self.metric_steps}",
            )
        if not self.cases:
            raise fail("rules", f"expected one that can run, but {self.left_out[0].reason}")

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every rule on every task with every network on which it can run."""
        return self._sorted[0]

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The rules that cannot run on some network, with the reason."""
        return self._sorted[1]

    @cached_property
    def _sorted(self) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
        cases: list[Case] = []
        out: list[LeftOut] = []
        for entry in self.entries:
            rules = entry.replaced(self.rules)
            data = plan.digest_of(entry.task)
            for network in self.networks if entry.networks is None else entry.networks:
                kept: list[Run] = []
                for rule in rules:
                    run = self._first(entry.task, data, network, rule)
                    try:
                        # Not the rule's own trainer: to try it all the memory of RTRL would be taken.
                        rule._spec(dataclasses.replace(run, rule=ax.rules.output_only()).trainer().rnn.shape)
                    except ax.IncompatibleCell as error:
                        out.append(LeftOut(entry.text, network.text, rule.name, str(error)))
                    else:
                        kept.append(run)
                names = selection.labels([run.rule for run in kept])
                cases += [
                    Case(entry.text, network.text, label, run) for label, run in zip(names, kept, strict=True)
                ]
        return tuple(cases), tuple(out)

    def _first(self, task: tasks.Task, data: str, network: Network, rule: ax.Rule) -> Run:
        return Run(
            task=task,
            data=data,
            network=network,
            n=self.n,
            rule=rule,
            optimiser=self.optimiser,
            learning_rate=self.learning_rates[0],
            update_every=self.update_every,
            seed=self.seeds[0],
            steps=self.steps,
            dtype=self.dtype,
        )

    def plan(self, phase: str, rates: Mapping[Case, float] | None = None) -> list[Planned]:
        """The runs of a phase; see :func:`axonomy.studies.plan.plan`."""
        return plan.plan(self, phase, rates)

    def only_rates(self) -> dict[Case, float]:
        """The rate of each case where there is one alone; empty where tuning has to say."""
        rates = self.learning_rates
        return dict.fromkeys(self.cases, rates[0]) if len(rates) == 1 else {}

    def at_edge(self, rate: float) -> bool:
        """Whether a rate is the lowest or highest of several, so that others beyond it might serve better."""
        rates = self.learning_rates
        return len(rates) > 1 and rate in (rates[0], rates[-1])

    @property
    def tuning_runs(self) -> int:
        """The runs that were spent on the learning rate of each case."""
        rates = len(self.learning_rates)
        return rates * len(self.tuning_seeds) if rates > 1 else 0

    def measured(self) -> dict[Case, Measured]:
        """What is measured along the runs of each case: all rules of its task and network ride along."""
        return {
            case: Measured(
                self.metrics,
                tuple(passenger.first.rule for passenger in self.passengers(case)),
                self.replicates,
                self.windows,
                self.metric_every,
            )
            for case in self.cases
        }

    def passengers(self, case: Case) -> list[Case]:
        """The rules that ride along with a case: all of its task and network but the read-out alone."""
        place = (case.task, case.cell)
        return [c for c in self.cases if (c.task, c.cell) == place and c.first.rule.facing != "none"]

    def to_toml(self) -> str:
        """The study as a file that :meth:`load` reads, all of it said, paths absolute."""
        values: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "entries":
                values["tasks"] = [_entry_dict(entry) for entry in value]
            elif field.name == "networks":
                values["cells"] = [_network_dict(network) for network in value]
            elif field.name == "rules":
                values["rules"] = [rule.to_dict() for rule in value]
            else:
                values[field.name] = list(value) if isinstance(value, tuple) else value
        return _toml.dumps({"study": values})


def shipped() -> list[str]:
    """The names of the studies that come with the package."""
    return sorted(file.name.removesuffix(".toml") for file in _SHIPPED.iterdir() if file.name[-5:] == ".toml")


def _network_dict(network: Network) -> dict[str, Any]:
    return {"cell": network.cell, **dict(network.options)}


def _entry_dict(entry: Entry) -> dict[str, Any]:
    values = entry.task.to_dict()
    if entry.networks is not None:
        values["cells"] = [_network_dict(network) for network in entry.networks]
    if entry.rules:
        values["rules"] = [rule.to_dict() for rule in entry.rules]
    return values


class _Reader:
    """The fields of a study from what TOML made of its text."""

    def __init__(self, name: str, lines: Lines, folder: Path | None, values: dict[str, Any]) -> None:
        self._name, self._lines, self._folder = name, lines, folder
        for table, content in values.items():
            if table not in ("study", "quick"):
                raise self._error((table,), f"expected a table [study] or [quick], got {table!r}")
            if not isinstance(content, dict):
                raise self._error((table,), f"expected a table, got {content!r}")
            for key in content:
                if key not in _KEYS:
                    raise self._error((table, key), f"expected one of {', '.join(_KEYS)}, got {key!r}")
        if "study" not in values:
            raise self._error((), "study: expected a table [study], got none")
        self._tables = values
        self._quick = False

    def study(self, quick: bool) -> dict[str, Any]:
        """The arguments of `Study`, in its short form or not."""
        self._quick = quick
        for key in _NEEDED:
            if key not in self._given:
                raise self._error(("study",), f"{key}: expected to be given, got nothing")
        steps = self._value("steps", _positive)
        seeds = self._value("seeds", _seeds(0), 3)
        return {
            "name": self._value("name", _text, "study"),
            "steps": steps,
            "seeds": seeds,
            "tuning_seeds": self._value("tuning_seeds", _seeds(TUNING_FROM), 2),
            "tuning_steps": self._value("tuning_steps", _positive, steps),
            "learning_rates": self._value("learning_rates", _rates),
            "entries": self._each("tasks", self._entry),
            "rules": self._rules(("rules",)),
            "networks": self._each("cells", _network, ["leaky_rnn"]),
            "n": self._value("n", _positive, 32),
            "optimiser": self._value("optimiser", _optimiser, "sgd"),
            "update_every": self._value("update_every", _positive, 1),
            "dtype": self._value("dtype", _dtype, "float64"),
            "metrics": self._each("metrics", _metric, []),
            "metric_seeds": self._value("metric_seeds", _positive, len(seeds)),
            "metric_steps": self._value("metric_steps", _positive, steps),
            "replicates": self._value("replicates", lambda name, value: _check.integer(name, value, 2), 8),
            "windows": self._each("windows", lambda value: _positive("windows", value), [1, 10, 100, 1000]),
            "metric_every": self._value("metric_every", _positive, 100),
        }

    def fail(self, key: str, message: str) -> StudyError:
        """The error of a key of the study as a whole."""
        return self._error((self._table_of(key), key), message)

    @property
    def _given(self) -> dict[str, Any]:
        given: dict[str, Any] = dict(self._tables["study"])
        return given | self._tables["quick"] if self._quick else given

    def _table_of(self, key: str) -> str:
        return "quick" if self._quick and key in self._tables["quick"] else "study"

    def _error(self, path: tuple[str | int, ...], message: str) -> StudyError:
        """An error at a path such as ``("study", "rules", 2)``, which is spoken of as ``rules[2]``."""
        key = ""
        for part in path[1:]:
            key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
        said = message if not key or message.startswith(f"{key}: ") else f"{key}: {message}"
        return StudyError(f"{self._name}, line {self._lines.of(path)}: {said}")

    def _try(self, path: tuple[str | int, ...], function: Callable[..., T], *arguments: Any) -> T:
        try:
            return function(*arguments)
        except StudyError:
            raise
        except (ValueError, TypeError, OSError) as error:
            raise self._error(self._narrowed(path, str(error)), str(error)) from None

    def _narrowed(self, path: tuple[str | int, ...], message: str) -> tuple[str | int, ...]:
        """The path to the very key of a table that a message begins with, if there is one."""
        longer = (*path, message.partition(":")[0])
        return longer if self._lines.of(longer) != self._lines.of(path) else path

    def _value(self, key: str, check: Callable[[str, Any], T], otherwise: Any = None) -> T:
        return self._try((self._table_of(key), key), check, key, self._given.get(key, otherwise))

    def _each(self, key: str, check: Callable[[Any], T], otherwise: Any = None) -> tuple[T, ...]:
        return self._list((self._table_of(key), key), self._given.get(key, otherwise), check)

    def _list(
        self, path: tuple[str | int, ...], values: Any, check: Callable[[Any], T], empty: bool = False
    ) -> tuple[T, ...]:
        if not isinstance(values, list) or (not values and path[-1] != "metrics" and not empty):
            raise self._error(path, f"expected a list of at least one, got {_check.describe(values)}")
        found: list[T] = []
        for i, value in enumerate(values):
            item = self._try((*path, i), check, value)
            if item in found:
                raise self._error(
                    (*path, i), f"expected to be given once, got {_check.describe(value)} again"
                )
            found.append(item)
        return tuple(found)

    def _rules(self, path: tuple[str | int, ...], values: Any = None) -> tuple[ax.Rule, ...]:
        if len(path) == 1:
            path, values = (self._table_of("rules"), "rules"), self._given["rules"]
        if not isinstance(values, list) or not values:
            raise self._error(path, f"expected a list of at least one, got {_check.describe(values)}")
        found: dict[ax.Rule, None] = {}  # one that is selected twice counts once
        for i, value in enumerate(values):
            found |= dict.fromkeys(self._try((*path, i), selection.select, value, self._folder))
        return tuple(found)

    def _entry(self, value: Any) -> Entry:
        table = self._table_of("tasks")
        place = (table, "tasks", self._given["tasks"].index(value))
        options = _named("task", value)
        cells, rules = options.pop("cells", None), options.pop("rules", None)
        if isinstance(options.get("path"), str) and self._folder is not None:
            # A study may be run from anywhere, and its file names stand beside it.
            options["path"] = str((self._folder / options["path"]).resolve())
        networks = None if cells is None else self._list((*place, "cells"), cells, _network)
        own = () if rules is None else self._rules((*place, "rules"), rules)
        task = tasks.from_dict(options)
        for rule in own:
            names = [other.name for other in self._rules(("rules",))]
            if rule.name not in names:
                raise ValueError(f"rules: expected rules by names that the study has, got {rule.name!r}")
        return Entry(task, networks, own)


def _named(kind: str, value: Any) -> dict[str, Any]:
    """``name:key=value:...`` or a table as the table."""
    if isinstance(value, str):
        name, *options = value.split(":")
        return {kind: name, **_parse.parse_options(options)}
    return _check.mapping(kind, value, f"a name or a table with {kind} = ...")


def _network(value: Any) -> Network:
    options = _named("cell", value)
    cell = options.pop("cell", None)
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    return Network.of(_check.one_of("cell", cell, CELLS), options)


def _positive(name: str, value: Any) -> int:
    return _check.integer(name, value, 1)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text, got {_check.describe(value)}")
    return value


def _dtype(name: str, value: Any) -> str:
    return str(_check.float_dtype(name, value))


def _metric(value: Any) -> str:
    return _check.one_of("metrics", value, MEASURES)


def _seeds(first: int) -> Callable[[str, Any], tuple[int, ...]]:
    """A list of seeds, or how many from `first` on."""

    def check(name: str, value: Any) -> tuple[int, ...]:
        if not isinstance(value, list):
            return tuple(range(first, first + _check.integer(name, value, 1)))
        seeds = tuple(_check.seed(name, seed) for seed in value)
        if not seeds or len(set(seeds)) < len(seeds):
            raise ValueError(f"{name}: expected a number, or a list of different seeds, got {value}")
        return seeds

    return check


def _rates(name: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name}: expected a list of at least one, got {_check.describe(value)}")
    rates = tuple(_check.number(name, rate, above=0) for rate in value)
    if len(set(rates)) < len(rates):
        raise ValueError(f"{name}: expected different ones, got {value}")
    return tuple(sorted(rates))


def _optimiser(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text NAME[:key=value...], got {_check.describe(value)}")
    if "lr" in _parse.parse_options(value.split(":")[1:]):
        raise ValueError(f"{name}: expected no lr, which learning_rates has, got {value!r}")
    usual = {field.name: field.default for field in dataclasses.fields(_parse.parse_optimiser(value, 1.0))}
    settings = _parse.parse_optimiser(value, 1.0).to_dict()
    kind = settings.pop("optimiser")
    del settings["lr"]
    return plan.spoken(kind, {k: v for k, v in settings.items() if v != usual[k]})


_KEYS = (
    "name", "steps", "seeds", "tuning_seeds", "tuning_steps", "learning_rates", "tasks", "rules", "cells",
    "n", "optimiser", "update_every", "dtype", "metrics", "metric_seeds", "metric_steps", "replicates",
    "windows", "metric_every",
)  # fmt: skip
