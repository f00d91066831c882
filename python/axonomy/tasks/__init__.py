"""Tasks: streams to learn from.

A new task is one file beside this one and one line in `registry`; the command line, the studies and
the tests go over the registry.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from axonomy import _check
from axonomy.tasks.add import Add
from axonomy.tasks.anbn import AnBn
from axonomy.tasks.base import Stream, Task
from axonomy.tasks.chaotic import Lorenz, MackeyGlass
from axonomy.tasks.copy import Copy
from axonomy.tasks.digits import Digits
from axonomy.tasks.file_stream import FileStream
from axonomy.tasks.mimic import Mimic
from axonomy.tasks.text import Text

#: Every task by name.
registry: dict[str, type[Task]] = {
    task.name: task for task in (Add, Mimic, Copy, AnBn, Lorenz, MackeyGlass, Digits, Text, FileStream)
}


def make(name: str, **options: Any) -> Task:
    """A task by its name in the `registry`.

    Raises
    ------
    ValueError
        If there is no such task, or it lacks or does not take one of the options.
    """
    if not isinstance(name, str) or name not in registry:
        raise ValueError(f"task: expected one of {', '.join(registry)}, got {_check.describe(name)}")
    fields = dataclasses.fields(registry[name])  # type: ignore[arg-type]
    names = [field.name for field in fields]
    for option in options:
        if option not in names:
            raise ValueError(f"task {name!r} does not take {option!r}; it takes {', '.join(names)}")
    for field in fields:
        if field.default is dataclasses.MISSING and field.name not in options:
            raise ValueError(f"task {name!r} needs {field.name!r}")
    return registry[name](**options)


def from_dict(values: Mapping[str, Any]) -> Task:
    """The task that `Task.to_dict` described."""
    options = _check.mapping("task", values)
    return make(options.pop("task", None), **options)


__all__ = [
    "Add",
    "AnBn",
    "Copy",
    "Digits",
    "FileStream",
    "Lorenz",
    "MackeyGlass",
    "Mimic",
    "Stream",
    "Task",
    "Text",
    "from_dict",
    "make",
    "registry",
]
