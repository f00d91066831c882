"""What the hybrids share: the axes, lag and references of several rules as of one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from axonomy.rule import Rule

Value = TypeVar("Value")


def common(values: Iterable[Value], otherwise: Value) -> Value:
    """Return the value that all have, or `otherwise`."""
    different = set(values)
    return different.pop() if len(different) == 1 else otherwise


class Hybrid(Rule):
    """A rule made of other rules.

    Attributes
    ----------
    kind : str
        How they are put together; what :attr:`tensor` says where they differ in it.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def rules(self) -> tuple[Rule, ...]:
        """The rules it is made of."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the rule is made of."""

    @property
    def axes(self) -> tuple[str, str, str, str]:
        """The choices of the parts where they agree; where not, what holds of the whole."""
        facings = {rule.facing for rule in self.rules} - {"none"}
        return (
            common(facings, "both" if facings else "none"),
            common((rule.tensor for rule in self.rules), self.kind),
            common((rule.randomness for rule in self.rules), "stochastic"),
            common((rule.solution for rule in self.rules), "numerical"),
        )

    @property
    def lag(self) -> int | None:
        """By how many steps the gradient is late; None if the parts differ."""
        return common((rule.lag for rule in self.rules), None)

    @property
    def period(self) -> int | None:
        """Every how many steps there is a gradient; None if the parts differ."""
        return common((rule.period for rule in self.rules), None)

    @property
    def needs_mask(self) -> bool:
        """Whether one of the parts runs on sparse recurrent weights only."""
        return any(rule.needs_mask for rule in self.rules)

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the bibliography, of all parts."""
        return tuple(dict.fromkeys(key for rule in self.rules for key in rule.references))


def leaves(rule: Rule) -> Iterator[Any]:
    """Yield the rules that a hybrid is made of in the end, or the rule itself."""
    if isinstance(rule, Hybrid):
        for part in rule.rules:
            yield from leaves(part)
    else:
        yield rule


def inner_name(rule: Rule) -> str:
    """Return the name of a part within that of the whole."""
    return f"({rule.name})" if isinstance(rule, Hybrid) else rule.name
