"""Every split under every reduction: one component each.

``left <- J left``; the reduction's mixing matrices; ``left C_L``, ``right C_R``. With
``current="exact"`` the gradient is taken before the reduction, ``q · (J left) right + (q D) ⊗
a_hat``, so that this step's noise or bias stays out of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from axonomy import _check
from axonomy.component import Component, Cost, Option
from axonomy.influence.reductions import REDUCTIONS
from axonomy.influence.reductions.base import Reduction
from axonomy.influence.splits import SPLITS
from axonomy.influence.splits.base import Split

# The published rules among the products: name, and the reference it is due to.
KNOWN: dict[tuple[str, str], tuple[str, str]] = {
    ("k|ij", "signs"): ("UORO", "tallec2018"),
    ("ki|j", "signs"): ("KF-RTRL", "mujika2018"),
    ("kj|i", "signs"): ("R-KF-RTRL", "marschall2020"),
    ("ki|j", "optimal"): ("r-OK", "benzing2019"),
}

IMMEDIATE = Option(
    "row",
    lambda name, value: _check.one_of(name, value, ("row", "state")),
    "one added term for each row of W, or for each state as UORO has it",
)


def component(split: Split, reduction: type[Reduction]) -> Component:
    """Return the component that combines the two."""
    name, reference = KNOWN.get((split.tensor, reduction.solver), ("", ""))
    options = dict(reduction.options)
    if split.by_row_or_state:
        options["immediate"] = IMMEDIATE
    there = split.element_wise.get(reduction.solution)
    return Component(
        facing="past",
        tensor=split.tensor,
        randomness=reduction.randomness,
        solution=reduction.solution,
        solver=reduction.solver,
        title=reduction.title,
        known_as=name,
        bias=reduction.bias,
        memory=split.memory,
        time=split.numerical if reduction.solution == "numerical" else split.closed_form,
        references=(reference,) if reference else reduction.references,
        options=options,
        ranked=True,
        splits_current=True,
        needs_shared=split.shared,
        element_wise=None if there is None else Cost(reduction.bias, *there),
        least=lambda shape, options, rank: split.least(shape, rank),
    )


def components() -> Iterator[Component]:
    """Yield all of them."""
    for split in SPLITS:
        for reduction in REDUCTIONS:
            yield component(split, reduction)
