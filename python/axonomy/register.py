"""Take in parts written elsewhere: a reduction, a learner, a task; each joins the built-in ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from axonomy import _check, bibliography, registry
from axonomy.axes import FACINGS, RANDOMNESS, SOLUTIONS, tensor_named
from axonomy.component import Component, Option, Options
from axonomy.influence import factored
from axonomy.influence.reductions.base import Reduction
from axonomy.influence.splits import SPLITS
from axonomy.influence.splits.base import Split
from axonomy.learner import Learner
from axonomy.order import Order
from axonomy.shape import Shape
from axonomy.tasks import Task
from axonomy.tasks import registry as task_registry

Part = TypeVar("Part", bound=type)
_tasks: list[type[Task]] = []
# What compose() takes itself, and what a learner has besides its settings.
_TAKEN = {
    "facing",
    "tensor",
    "randomness",
    "solution",
    "solver",
    "rank",
    "current",
    "immediate",
    "dtype",
    "shape",
}


def register(part: Part) -> Part:
    """Add a subclass of :class:`Reduction`, :class:`Learner` or :class:`axonomy.tasks.Task`.

    A reduction fills a cell under each of the five splits, a learner its own cell; both then have their
    lines in :func:`axonomy.table`, and :func:`axonomy.compose` finds them by their ``solver``. A task has
    its name in ``axonomy.tasks.registry``.

    Returns
    -------
    type
        The same class, so that this may be a decorator.

    Raises
    ------
    ValueError
        If it is none of these, a fact about it is missing or not known, or its name is taken.
    """
    if isinstance(part, type) and issubclass(part, Task):
        name = _fact(part, "name", str)
        if name in task_registry:
            raise ValueError(f"name: expected one that no task has yet, got {name!r}")
        task_registry[name] = part
        _tasks.append(part)
        return part
    components = _components(part)
    for component in components:
        registry.check(component)
    for component in components:
        registry.add(component)
    return part


def unregister(part: type) -> None:
    """Take out what :func:`register` added.

    Raises
    ------
    ValueError
        If it was not registered.
    """
    if isinstance(part, type) and issubclass(part, Task):
        if part not in _tasks:
            raise ValueError(f"unregister: expected a part that was registered, got {part.__name__}")
        _tasks.remove(part)
        del task_registry[part.name]
        return
    for component in _components(part):
        try:
            registry.remove(component)
        except KeyError:
            raise ValueError(
                f"unregister: expected a part that was registered, got {part.__name__}"
            ) from None


@contextmanager
def registered(*parts: type) -> Iterator[None]:
    """Register for the length of a ``with`` block."""
    done: list[type] = []
    try:
        for part in parts:
            done.append(register(part))
        yield
    finally:
        for part in done:
            unregister(part)


def _components(part: object) -> list[Component]:
    if isinstance(part, type) and issubclass(part, Reduction):
        _check_facts(part)
        try:
            part(**{name: option.default for name, option in part.options.items()})
        except TypeError as error:
            raise ValueError(
                f"{part.__name__}: expected a constructor that takes its options: {error}"
            ) from None
        return [_reduction_component(split, part) for split in SPLITS]
    if isinstance(part, type) and issubclass(part, Learner):
        _check_facts(part)
        for name, kind in (("known_as", str), ("carries", tuple), ("lag", str), ("needs_shared", bool)):
            _fact(part, name, kind)
        return [_learner_component(part)]
    raise ValueError(
        f"register: expected a subclass of Reduction, Learner or Task, got {_check.describe(part)}"
    )


def _reduction_component(split: Split, part: type[Reduction]) -> Component:
    component = factored.component(split, part)

    def core_options(options: Options) -> dict[str, Any]:
        own = {key: value for key, value in options.items() if key in part.options}
        rest = {key: value for key, value in options.items() if key not in part.options}
        return {**rest, "reduction": part(**own)}

    return dataclasses.replace(component, core_options=core_options)


def _learner_component(part: type[Learner]) -> Component:
    tensor = tensor_named(_fact(part, "tensor", str))
    facing = _check.one_of("facing", _fact(part, "facing", str), FACINGS)
    if facing != tensor.facing:
        raise ValueError(f"facing: expected {tensor.facing!r}, that of {tensor.name!r}, got {facing!r}")

    def core_options(options: Options) -> dict[str, Any]:
        def make(shape: Any, dtype: str) -> Learner:
            return part(Shape._of(shape), np.dtype(dtype), **options)

        return {"learner": make}

    return Component(
        facing=facing,
        tensor=tensor.name,
        randomness=part.randomness,
        solution=part.solution,
        solver=part.solver,
        title=part.title,
        known_as=part.known_as,
        bias=part.bias,
        memory=_fact(part, "memory", Order),
        time=_fact(part, "time", Order),
        references=part.references,
        options=part.options,
        needs_shared=part.needs_shared,
        lag=part.lag,
        lag_steps=part.lag_steps,
        period=part.period,
        core_options=core_options,
    )


def _check_facts(part: Any) -> None:
    for name in ("solver", "title"):
        _fact(part, name, str)
    _check.one_of("randomness", _fact(part, "randomness", str), RANDOMNESS)
    _check.one_of("solution", _fact(part, "solution", str), SOLUTIONS)
    _check.one_of("bias", _fact(part, "bias", str), ("none", "biased"))
    for key in part.references:
        _check.one_of("references", key, bibliography.ENTRIES)
    for name, kind in (("options", dict), ("references", tuple)):
        _fact(part, name, kind)
    taken = _TAKEN | set(dir(Learner)) if issubclass(part, Learner) else _TAKEN
    for name, option in part.options.items():
        if not isinstance(option, Option):
            raise ValueError(
                f"{part.__name__}.options: expected an axonomy.Option for {name!r}, got "
                f"{_check.describe(option)}"
            )
        if name in taken:
            raise ValueError(f"{part.__name__}.options: expected other names than {name!r}, which is taken")
    if missing := sorted(getattr(part, "__abstractmethods__", ())):
        raise ValueError(f"{part.__name__}: expected a method {missing[0]}(), which it does not have")


def _fact(part: Any, name: str, kind: type) -> Any:
    value = getattr(part, name, None)
    if not isinstance(value, kind):
        raise ValueError(
            f"{part.__name__}.{name}: expected {kind.__name__} as a fact of the class, "
            f"got {_check.describe(value)}"
        )
    return value
