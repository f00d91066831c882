"""Optimisers, one file each; ``OPTIMISERS`` is the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from axonomy import _check
from axonomy.optimisers.adam import Adam
from axonomy.optimisers.base import Optimiser
from axonomy.optimisers.momentum import Momentum
from axonomy.optimisers.rmsprop import RMSProp
from axonomy.optimisers.schedules import (
    Constant,
    ExponentialDecay,
    InverseDecay,
    Schedule,
    as_schedule,
)
from axonomy.optimisers.sgd import SGD

OPTIMISERS: dict[str, type[Optimiser]] = {o.kind: o for o in (SGD, Momentum, RMSProp, Adam)}

__all__ = [
    "OPTIMISERS",
    "SGD",
    "Adam",
    "Constant",
    "ExponentialDecay",
    "InverseDecay",
    "Momentum",
    "Optimiser",
    "RMSProp",
    "Schedule",
    "optimiser_from_dict",
]


def optimiser_from_dict(values: Mapping[str, Any]) -> Optimiser:
    """Return the optimiser that :meth:`Optimiser.to_dict` described.

    Raises
    ------
    ValueError
        If the optimiser or one of its settings is not known.
    """
    settings = _check.mapping("optimiser", values)
    kind = OPTIMISERS[_check.one_of("optimiser", settings.pop("optimiser", None), OPTIMISERS)]
    known = [f.name for f in fields(kind)]
    for name in settings:
        if name not in known:
            raise ValueError(
                f"{name}: expected one of the settings of {kind.kind} ({', '.join(known)}), got {name!r}"
            )
    if "lr" not in settings:
        raise ValueError("lr: expected a learning rate, got none")
    if isinstance(settings["lr"], Mapping):
        settings["lr"] = as_schedule("lr", dict(settings["lr"]))
    return kind(**settings)
