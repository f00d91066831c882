"""One cell of the table as a rule: a choice on each axis.

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
E-BPTT, F-BPTT                  future     c_i       deterministic  closed-form
node perturbation               future     c_i       stochastic     closed-form
DNI                             future     A_il      deterministic  numerical
==============================  =========  ========  =============  ===========

A new rule is another line: ``compose(facing="past", tensor="kj|ij", randomness="stochastic",
solution="closed-form")``. :func:`axonomy.table` prints them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axonomy import _check, registry
from axonomy import rule as rule_module
from axonomy.axes import FACINGS, RANDOMNESS, SOLUTIONS, TENSORS, tensor_named
from axonomy.component import Component
from axonomy.errors import IncompatibleAxes, IncompatibleCell
from axonomy.rule import Rule

if TYPE_CHECKING:
    from axonomy.shape import Shape

CURRENT = ("exact", "estimated")
NOT_SHARED = (
    "needs one set of regressors for all rows of W, and in an element-wise cell each row has its own; RTRL "
    "is exact and costs O(m n) there (axonomy.rules.rtrl())"
)
NO_COUPLINGS = (
    "follows the couplings between units, and an element-wise cell has none; RTRL is exact and costs O(m n) "
    "there (axonomy.rules.rtrl())"
)


@dataclass(frozen=True)
class ComposedRule(Rule):
    """A rule that is one cell of the table. Make one with :func:`compose` or ``axonomy.rules``.

    Attributes
    ----------
    solver : str
        Which component fills the cell.
    rank : int
        The rank r of a factored influence; 1 otherwise.
    current : str
        ``"exact"``: this step's own term is exact in the gradient; ``"estimated"``: it is part of what is
        estimated.
    settings : tuple of (str, value)
        All settings of the component, sorted; :attr:`options` gives them as a dict.
    """

    _axes: tuple[str, str, str, str]
    solver: str
    rank: int
    current: str
    settings: tuple[tuple[str, Any], ...]

    @property
    def axes(self) -> tuple[str, str, str, str]:
        """The four choices."""
        return self._axes

    @property
    def component(self) -> Component:
        """What fills the cell."""
        for component in registry.find(*self.axes):
            if component.solver == self.solver:
                return component
        raise IncompatibleAxes(f"no component {self.solver!r} for {', '.join(self.axes)}")

    @property
    def options(self) -> dict[str, Any]:
        """All settings of the component."""
        return dict(self.settings)

    @property
    def name(self) -> str:
        """The name in the literature, or the cell's if it has none."""
        return self.component.known_as or f"{self.tensor} {self.component.title}"

    @property
    def lag(self) -> int:
        """By how many steps the gradient is late."""
        return self.component.lag_steps(self.options)

    @property
    def period(self) -> int:
        """Every how many steps there is a gradient, the sum over as many."""
        return self.component.period(self.options)

    @property
    def needs_mask(self) -> bool:
        """Whether the rule runs on sparse recurrent weights only."""
        return self.component.needs_mask

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the bibliography."""
        return self.component.references

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

    def _spec(self, shape: Shape) -> dict[str, Any]:
        if self.needs_mask and shape.element_wise:
            raise IncompatibleCell(f"{self.name} {NO_COUPLINGS}")
        if self.component.needs_shared and shape.element_wise:
            raise IncompatibleCell(f"{self.name} {NOT_SHARED}")
        if self.needs_mask and shape.pattern is None:
            raise IncompatibleCell(
                f"{self.name} needs sparse recurrent weights, a network with a mask: on dense ones n >= 2 is "
                "RTRL (axonomy.rules.rtrl() or rtrl_lazy()), and n = 1 is axonomy.rules.snap(1)"
            )
        return {
            "tensor": self.tensor,
            "solver": self.solver,
            "rank": self.rank,
            "current": self.current,
            **self.component.core_options(self.options),
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
) -> ComposedRule:
    """Compose a learning rule from one choice on each axis.

    Parameters
    ----------
    facing : {"past", "future"}, optional
        Direction in which the gradient is carried; by default the one that the tensor belongs to.
    tensor : str
        What is stored: ``"kij"``, ``"k|ij"``, ``"ki|j"``, ``"kj|i"``, ``"ki|ij"``, ``"kj|ij"``,
        ``"k=i"``, ``"sparse"`` of the influence, ``"c_i"``, ``"A_il"`` of the credit; the paper's spellings
        (``"A_k B_ij"``, ...) are accepted.
    randomness : {"stochastic", "deterministic"}
        Whether the rule draws random numbers.
    solution : {"closed-form", "numerical"}
        How the stored tensor is found.
    rank : int
        Rank r of a factored influence.
    solver : str, optional
        Which component, where several fill the cell; by default the first in :func:`axonomy.table`.
    current : {"exact", "estimated"}
        Whether this step's own term is exact in the gradient, where a rule leaves the choice: a factored
        rule's gradient is taken before or after this step's reduction; a model of the credit predicts what
        comes after this step, or this step's error too.
    **options
        Settings of the component.

    Returns
    -------
    ComposedRule

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
    return ComposedRule((facing, name, randomness, solution), component.solver, rank, current, settings)


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
        registry.components(), key=lambda c: (distance(c), c.tensor != tensor, order.index(c.tensor))
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


rule_module.kind("", lambda settings: compose(**settings))
