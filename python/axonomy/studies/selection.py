"""Which rules a study has: by name, by cells of the table, or written out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import axonomy as ax
from axonomy import _check
from axonomy.cli import _parse

#: What cells of the table are chosen by; any other key of a selection is a setting of their rules.
CHOICES = ("facing", "tensor", "randomness", "solution", "solver", "status", "bias")
_HYBRIDS = ("mix", "by_block", "windowed")  # the keys of those that are written out


def select(selection: Any, folder: Path | None = None) -> list[ax.Rule]:
    """The rules of one entry of a study's list.

    Parameters
    ----------
    selection : str or mapping
        A rule as the command line takes it, a table of choices such as ``{facing = "past", bias =
        "none"}``, of which each is a value or a list of them, ``{all = true}``, or a rule written out.
        Other keys are settings of all the rules chosen: ``{all = true, current = "estimated"}``.
    folder : Path, optional
        Where files of rules are looked for.

    Raises
    ------
    ValueError
        If it selects nothing, or what it says is not known.
    """
    if isinstance(selection, str):
        if folder is not None and Path(selection).suffix.lower() in (".json", ".toml"):
            selection = str(folder / selection)
        return [_parse.parse_rule(selection)]
    if not isinstance(selection, Mapping):
        raise ValueError(f"expected a rule or a table of choices, got {_check.describe(selection)}")
    if any(key in selection for key in _HYBRIDS):
        return [ax.Rule.from_dict(selection)]
    settings = dict(selection)
    everything = _check.truth("all", settings.pop("all", False))
    wanted = {key: _listed(settings.pop(key)) for key in CHOICES if key in settings}
    if not wanted and not everything:
        raise ValueError(f"expected all = true, or one of the choices {', '.join(CHOICES)}, got {selection}")
    filled = [cell for cell in ax.table() if cell.status != "impossible"]
    for key, values in wanted.items():
        there = dict.fromkeys(getattr(cell, key) for cell in filled)
        for value in values:
            _check.one_of(key, value, there)
    cells = [c for c in filled if all(getattr(c, key) in values for key, values in wanted.items())]
    if not cells:
        raise ValueError(f"expected choices that some cell of the table has, got {selection}")
    return [_parse._call(cell.rule, settings) for cell in cells]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def labels(rules: Sequence[ax.Rule]) -> list[str]:
    """What to call different rules: their name, with what tells them apart where it is not enough."""
    found = [rule.name for rule in rules]
    shared = {name for name in found if found.count(name) > 1}
    for name in shared:
        alike = [i for i, label in enumerate(found) if label == name]
        settings = [rules[i].to_dict() for i in alike]
        differing = [
            key
            for key in dict.fromkeys(key for values in settings for key in values)
            if len({json.dumps(values.get(key)) for values in settings}) > 1
        ]
        for i, values in zip(alike, settings, strict=True):
            said = ", ".join(f"{key.replace('_', ' ')} {values[key]}" for key in differing if key in values)
            found[i] = f"{name}, {said}"
    return found


def status(rule: ax.Rule) -> str:
    """``"known"``, ``"new"``, ``"baseline"`` or ``"hybrid"``."""
    if not isinstance(rule, ax.ComposedRule):
        return "hybrid"
    cell = next(c for c in ax.table() if (c.facing, c.tensor, c.randomness, c.solution) == rule.axes)
    if cell.status == "baseline":
        return "baseline"
    return "known" if rule.component.known_as else "new"
