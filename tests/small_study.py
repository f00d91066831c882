"""A study that takes a second, in several forms; what its tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axonomy.studies import Engine, Store, Study
from axonomy.studies.plan import Planned

SETTINGS = {
    "steps": "60",
    "tuning_steps": "40",
    "seeds": "2",
    "tuning_seeds": "2",
    "learning_rates": "[0.01, 0.1]",
    "n": "4",
    "tasks": '[{ task = "add", lags = [1, 2] }]',
    "rules": '["rflo", "uoro", "output_only"]',
}


def text(**settings: str) -> str:
    """The small study with other settings, as TOML values."""
    if "metrics" in settings:
        settings = settings | {"metric_every": settings.get("metric_every", "5")}
    return "[study]\n" + "".join(f"{key} = {value}\n" for key, value in (SETTINGS | settings).items())


def small(**settings: str) -> Study:
    return Study.parse(text(**settings))


class Here(Engine):
    """One after the other in this process; counts what it was asked for, and fails where it is told to."""

    workers = 1

    def __init__(self, fail_at: int | None = None, error: BaseException | None = None) -> None:
        self.asked: list[str] = []
        self._fail_at, self._error = fail_at, error

    def map(self, function: Callable[[Any], Any], items: Sequence[tuple[str, Any]]) -> Iterator[Any]:
        for key, item in items:
            if len(self.asked) == self._fail_at:
                assert self._error is not None
                raise self._error
            self.asked.append(key)
            yield key, function(item)


class Seen:
    """A watch that remembers."""

    def __init__(self, then: Callable[[int], None] = lambda count: None) -> None:
        self.phases: list[tuple[str, int, int]] = []
        self.keys: list[str] = []
        self.store: Store | None = None
        self._then = then

    def opened(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def phase(
        self, phase: str, done: Sequence[Planned], missing: Sequence[Planned], workers: int
    ) -> Iterator[None]:
        self.phases.append((phase, len(done), len(missing)))
        yield

    def finished(self, planned: Planned, facts: Mapping[str, Any]) -> None:
        self.keys.append(planned.run.key)
        self._then(len(self.keys))


def times(folder: Path) -> dict[str, int]:
    """When each result was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
