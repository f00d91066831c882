"""From what is typed to rules, tasks and optimisers."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import axonomy as ax
from axonomy import tasks

CELL = "[FACING:]TENSOR:RANDOMNESS:SOLUTION[:KEY=VALUE...]"
FORMS = f"A named rule, NAME[:KEY=VALUE...], a cell {CELL}, a rule in JSON, or a .json or .toml file of one"


def parse_rule(text: str, **options: Any) -> ax.Rule:
    """A rule from any of the FORMS."""
    if written := _written(text):
        if options:
            raise ValueError(f"a rule that is written out takes no more options, got {', '.join(options)}")
        return written
    parts = text.split(":")
    if parts[0] in ax.rules.names():
        return _call(getattr(ax.rules, parts[0]), parse_options(parts[1:], **options))
    facings = {cell.facing for cell in ax.table()}
    if parts[0] not in facings:
        parts.insert(0, _facing_of(parts[0]))
    if len(parts) < 4 or "=" in parts[2] or "=" in parts[3]:
        raise ValueError(f"rule must be one of {', '.join(ax.rules.names())}, or a cell {CELL}, got {text!r}")
    axes = dict(zip(("facing", "tensor", "randomness", "solution"), parts, strict=False))
    return _call(ax.compose, parse_options(parts[4:], **(axes | options)))


def _written(text: str) -> ax.Rule | None:
    """The rule of a JSON object, or of a JSON or TOML file."""
    if text.lstrip().startswith("{"):
        return ax.Rule.from_json(text)
    path = Path(text)
    if path.suffix.lower() not in (".json", ".toml"):
        return None
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"rule: expected text in {path}, got something else: {error}") from None
    return ax.Rule.from_json(content) if path.suffix.lower() == ".json" else ax.Rule.from_toml(content)


def _facing_of(tensor: str) -> str:
    """The one facing that has such a tensor, as far as the table knows it."""
    facings = sorted({cell.facing for cell in ax.table() if cell.tensor == tensor})
    return facings[0] if len(facings) == 1 else "past"


def compose(axes: dict[str, Any], options: dict[str, Any]) -> ax.Rule:
    """A rule from the axes that were given; `axonomy.compose` knows the defaults."""
    if axes.get("tensor") is not None and axes.get("facing") is None:
        axes = axes | {"facing": _facing_of(axes["tensor"])}
    return _call(ax.compose, {k: v for k, v in axes.items() if v is not None} | options)


def parse_options(pairs: Iterable[str], **named: Any) -> dict[str, Any]:
    """What was given by name, of it what is not None, and ``key=value`` pairs; each option once.

    Values are numbers, true, false, or else words.
    """
    options = {key: value for key, value in named.items() if value is not None}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(f"an option must have the form key=value, got {pair!r}")
        if key in options:
            raise ValueError(f"{key}: expected to be given once, got {options[key]} and then {pair!r}")
        try:
            options[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            options[key] = value
    return options


def parse_task(text: str, options: dict[str, Any]) -> tasks.Task:
    """A task from its name in the registry, or from the path of a CSV or npz file."""
    if text in tasks.registry:
        return tasks.make(text, **options)
    if Path(text).suffix.lower() not in (".csv", ".npz"):
        raise ValueError(
            f"task must be one of {', '.join(tasks.registry)}, or a .csv or .npz file, got {text!r}"
        )
    # Absolute, so that the run can be continued from elsewhere.
    return tasks.make("file", path=str(Path(text).resolve()), **options)


def parse_optimiser(text: str, lr: float) -> Any:
    """An optimiser from ``NAME[:key=value...]``."""
    name, *options = text.split(":")
    return ax.optimiser_from_dict({"optimiser": name, "lr": lr, **parse_options(options)})


def _call(function: Any, options: dict[str, Any]) -> ax.Rule:
    try:
        rule: ax.Rule = function(**options)
    except TypeError as error:  # an option that the function does not have
        parameters = inspect.signature(function).parameters
        free = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for name in () if free else options:
            if name not in parameters:
                known = ", ".join(parameters) or "no options"
                raise ValueError(f"{name}: {function.__name__} takes {known}") from None
        raise ValueError(str(error)) from None
    return rule
