"""A study from its file to its results: what is missing is run, what is there is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Protocol

from axonomy.studies.engines import Engine
from axonomy.studies.execute import Outcome, execute
from axonomy.studies.plan import PHASES, TUNING, Case, Planned, Run, best_rate
from axonomy.studies.results import Results
from axonomy.studies.store import Store, number
from axonomy.studies.study import Study


class Watch(Protocol):
    """Somebody who wants to know how a study goes."""

    def opened(self, store: Store) -> None:
        """Hear where the results are kept."""

    def phase(
        self, phase: str, done: Sequence[Planned], missing: Sequence[Planned], workers: int
    ) -> AbstractContextManager[None]:
        """Surround the runs of a phase: so many are done, so many will be, so many at a time."""

    def finished(self, planned: Planned, facts: Mapping[str, object]) -> None:
        """Hear of a run whose result is written."""


def conduct(study: Study, folder: str | Path, engine: Engine, watch: Watch | None = None) -> Results:
    """Run what a study has not yet got in a folder.

    It may be stopped in any way at any time: called again it goes on with the runs that are not done. Other
    results in the folder, such as those of the study in an earlier form, stay there and are not used.

    Parameters
    ----------
    study : Study
    folder : str or Path
        New, empty, or that of a study.
    engine : Engine
    watch : Watch, optional

    Returns
    -------
    Results

    Raises
    ------
    OSError
        If a result cannot be written, or workers are lost for good.
    ValueError
        If the folder will not do.
    """
    store = Store(Path(folder))
    if watch:
        watch.opened(store)
    with store.begin(study), engine.ready():
        for phase in PHASES:
            rates = None if phase == TUNING else chosen_rates(study, store.load)
            runs = {planned.run.key: planned for planned in study.plan(phase, rates)}
            missing = {key: planned for key, planned in runs.items() if not store.has(planned.run)}
            if missing:
                _run(store, engine, watch, phase, runs, missing)
    return Results(study, store)


def _run(
    store: Store,
    engine: Engine,
    watch: Watch | None,
    phase: str,
    runs: Mapping[str, Planned],
    missing: Mapping[str, Planned],
) -> None:
    items = [(key, planned.run) for key, planned in missing.items()]
    done = [planned for key, planned in runs.items() if key not in missing]
    watching = watch.phase(phase, done, list(missing.values()), engine.workers) if watch else nullcontext()
    with watching, closing(engine.map(execute, items)) as results:
        for key, outcome in results:
            store.save(missing[key].run, outcome)
            if watch:
                watch.finished(missing[key], outcome.facts)


def chosen_rates(study: Study, load: Callable[[Run], Outcome | None]) -> dict[Case, float]:
    """The learning rate of each case whose tuning is done, by what came of its runs."""
    if len(study.learning_rates) == 1:
        return study.only_rates()
    losses: dict[Case, dict[float, list[float]]] = {}
    unfinished = set()
    for planned in study.plan(TUNING):
        outcome = load(planned.run)
        if outcome is None:
            unfinished.add(planned.case)
            continue
        loss = number(outcome.facts["final_loss"], float("inf"))
        losses.setdefault(planned.case, {}).setdefault(planned.run.learning_rate, []).append(loss)
    return {case: best_rate(found) for case, found in losses.items() if case not in unfinished}
