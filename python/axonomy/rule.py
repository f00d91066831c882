"""Rules: frozen values made of one choice on each axis.

==============================  =========  ========  =============  ===========
rule                            facing     tensor    randomness     solution
==============================  =========  ========  =============  ===========
RTRL                            past       kij       deterministic  closed-form
UORO                            past       k|ij      stochastic     closed-form
KF-RTRL                         past       ki|j      stochastic     closed-form
R-KF-RTRL                       past       kj|i      stochastic     closed-form
r-OK                            past       ki|j      stochastic     numerical
KeRNL                           past       ki|ij     stochastic     numerical
RFLO, SnAp-1                    past       k=i       deterministic  closed-form
SnAp-n                          past       sparse    deterministic  closed-form
==============================  =========  ========  =============  ===========

A new rule is another line: ``compose(facing="past", tensor="kj|ij", randomness="stochastic",
solution="closed-form")``. :func:`axonomy.table` prints them all.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axonomy import _check, bibliography, registry
from axonomy._toml import dumps as toml_dumps
from axonomy.axes import FACINGS, RANDOMNESS, SOLUTIONS, TENSORS, tensor_named
from axonomy.component import Component
from axonomy.errors import IncompatibleAxes

if TYPE_CHECKING:
    from axonomy.cells.base import Cell
    from axonomy.shape import Shape

CURRENT = ("exact", "estimated")


@dataclass(frozen=True)
class Rule:
    """A learning rule, as the choices it is made of. Make one with :func:`compose` or ``axonomy.rules``.

    Attributes
    ----------
    facing, tensor, randomness, solution : str
        The four choices.
    solver : str
        Which component fills the cell.
    rank : int
        The rank r of a factored influence; 1 otherwise.
    current : str
        ``"exact"``: the gradient is taken before this step's reduction; ``"estimated"``: after it.
    settings : tuple of (str, value)
        All settings of the component, sorted; :attr:`options` gives them as a dict.
    """

    facing: str
    tensor: str
    randomness: str
    solution: str
    solver: str
    rank: int
    current: str
    settings: tuple[tuple[str, Any], ...]

    @property
    def component(self) -> Component:
        """What fills the cell."""
        for component in registry.find(*self.axes):
            if component.solver == self.solver:
                return component
        raise IncompatibleAxes(f"no component {self.solver!r} for {', '.join(self.axes)}")

    @property
    def axes(self) -> tuple[str, str, str, str]:
        """The four choices."""
        return self.facing, self.tensor, self.randomness, self.solution

    @property
    def options(self) -> dict[str, Any]:
        """All settings of the component."""
        return dict(self.settings)

    @property
    def name(self) -> str:
        """The name in the literature, or the cell's if it has none."""
        return self.component.known_as or f"{self.tensor} {self.component.title}"

    def __str__(self) -> str:
        details = [self.component.title]
        if self.component.ranked:
            details.append(f"rank {self.rank}")
        if self.component.splits_current:
            details.append(f"current term {self.current}")
        details += [
            f"{key} {value}" for key, value in self.settings if value != self.component.options[key].default
        ]
        return f"{', '.join(self.axes)} ({', '.join(details)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments of :func:`compose` that give this rule."""
        return {
            "facing": self.facing,
            "tensor": self.tensor,
            "randomness": self.randomness,
            "solution": self.solution,
            "solver": self.solver,
            "rank": self.rank,
            "current": self.current,
            **self.options,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rule:
        """Return the rule of :meth:`to_dict`."""
        settings = _check.mapping("rule", data)
        try:
            return compose(**settings)
        except TypeError:
            raise ValueError(f"rule: expected names of settings as keys, got {list(settings)}") from None

    def to_json(self) -> str:
        """Return the rule as a JSON object."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Rule:
        """Return the rule of :meth:`to_json`."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"rule: expected a JSON object, got text that is not: {error}") from None
        return cls.from_dict(data)

    def to_toml(self) -> str:
        """Return the rule as the lines of a TOML table."""
        return toml_dumps(self.to_dict())

    @classmethod
    def from_toml(cls, text: str) -> Rule:
        """Return the rule of :meth:`to_toml`."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"rule: expected a TOML table, got text that is not: {error}") from None
        return cls.from_dict(data)

    def citation(self) -> str:
        """Return BibTeX of the framework and of the parts the rule is made of."""
        return bibliography.bibtex(("marschall2020", *self.component.references))

    def n_noise(self, cell: Cell | Shape) -> int:
        """Return how many random numbers the rule takes a step on this network."""
        from axonomy.learner import make_learner

        return make_learner(self, cell).n_noise

    def _spec(self) -> dict[str, Any]:
        """Return what the core needs to make the learner."""
        return {
            "tensor": self.tensor,
            "solver": self.solver,
            "rank": self.rank,
            "current": self.current,
            **self.options,
        }


def compose(
    facing: str | None = None,
    tensor: str | None = None,
    randomness: str | None = None,
    solution: str | None = None,
    *,
    rank: int = 1,
    solver: str | None = None,
    current: str = "exact",
    **options: Any,
) -> Rule:
    """Compose a learning rule from one choice on each axis.

    Parameters
    ----------
    facing : {"past", "future"}, optional
        Direction in which the gradient is carried; by default the one that the tensor belongs to.
    tensor : str
        What is stored: ``"kij"``, ``"k|ij"``, ``"ki|j"``, ``"kj|i"``, ``"ki|ij"``, ``"kj|ij"``,
        ``"k=i"``, ``"sparse"``; the paper's spellings (``"A_k B_ij"``, ...) are accepted.
    randomness : {"stochastic", "deterministic"}
        Whether the rule draws random numbers.
    solution : {"closed-form", "numerical"}
        How the stored tensor is found.
    rank : int
        Rank r of a factored influence.
    solver : str, optional
        Which component, where several fill the cell; by default the first in :func:`axonomy.table`.
    current : {"exact", "estimated"}
        Whether a factored rule's gradient is taken before or after this step's reduction.
    **options
        Settings of the component.

    Returns
    -------
    Rule

    Raises
    ------
    IncompatibleAxes
        If no rule makes this combination; says why and lists the nearest that exist.
    ValueError
        If a choice or a setting is not known, or its value is out of range.

    References
    ----------
    Marschall, Cho & Savin, JMLR 21(135), 2020, section 3.

    Examples
    --------
    >>> import axonomy as ax
    >>> rule = ax.compose("past", "ki|ij", "deterministic", "numerical")
    >>> print(rule)
    past, ki|ij, deterministic, numerical (TruncatedSVD, rank 1, current term exact)
    """
    if (facing, tensor) == ("none", "none"):
        facing = name = "none"
    else:
        about = tensor_named(tensor)
        name = about.name
        facing = about.facing if facing is None else _check.one_of("facing", facing, FACINGS)
    randomness = _check.one_of("randomness", randomness, RANDOMNESS)
    solution = _check.one_of("solution", solution, SOLUTIONS)
    found = registry.find(facing, name, randomness, solution)
    if not found:
        raise _incompatible(facing, name, randomness, solution)
    component = found[0]
    if solver is not None:
        by_name = {c.solver: c for c in found}
        component = by_name[_check.one_of("solver", solver, by_name)]
    rank = _check.integer("rank", rank, 1)
    if rank > 1 and not component.ranked:
        raise ValueError(f"rank: expected 1, as {component.title} has no rank, got {rank}")
    current = _check.one_of("current", current, CURRENT)
    if not component.splits_current:
        current = "exact"
    unknown = sorted(set(options) - set(component.options))
    if unknown:
        known = ", ".join(component.options) or "none"
        raise ValueError(
            f"{unknown[0]}: expected one of the settings of {component.title} ({known}), got {unknown[0]!r}"
        )
    settings = tuple(
        (key, option.check(key, options.get(key, option.default)))
        for key, option in sorted(component.options.items())
    )
    return Rule(facing, name, randomness, solution, component.solver, rank, current, settings)


def why_impossible(facing: str, tensor: str, randomness: str, solution: str) -> str:
    """Say why no rule makes this combination."""
    about = tensor_named(tensor)
    if about.facing != facing:
        held = (
            "an influence, which is past-facing"
            if about.facing == "past"
            else "a credit, which is future-facing"
        )
        return f"the tensor {tensor!r} holds {held}"
    return about.why_not(randomness, solution)


def _incompatible(facing: str, tensor: str, randomness: str, solution: str) -> IncompatibleAxes:
    axes = (facing, tensor, randomness, solution)
    reason = why_impossible(*axes)

    def distance(component: Component) -> int:
        return sum(a != b for a, b in zip(axes, component.axes, strict=True))

    order = [t.name for t in TENSORS]
    ranked = sorted(
        registry.COMPONENTS, key=lambda c: (distance(c), c.tensor != tensor, order.index(c.tensor))
    )
    nearest: list[str] = []
    for component in ranked:
        text = ", ".join(component.axes)
        if distance(component) == distance(ranked[0]) and text not in nearest:
            nearest.append(text)
    lines = "\n".join(f"  {text}" for text in nearest)
    return IncompatibleAxes(
        f"no rule is {', '.join(axes)}: {reason}.\nThe nearest cells that exist:\n{lines}",
        reason,
        tuple(nearest),
    )
