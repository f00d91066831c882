"""What a rule is: a frozen, hashable value that says how to learn, and makes the learner that does it.

There are four kinds: one cell of the table (:func:`axonomy.compose`), a convex combination of rules
(:func:`axonomy.mix`), a rule for each block of columns of W (:func:`axonomy.by_block`), and a rule for what
is older than some steps, over which the gradient is exact (:func:`axonomy.windowed`).
"""

from __future__ import annotations

import json
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from axonomy import _check, bibliography
from axonomy._toml import dumps as toml_dumps

if TYPE_CHECKING:
    from axonomy.cells.base import Cell
    from axonomy.shape import Shape

# How a dict becomes a rule, by the key that tells its kind; a dict without any is a cell of the table.
_KINDS: dict[str, Callable[[dict[str, Any]], Rule]] = {}
_CELL = ""


def kind(key: str, make: Callable[[dict[str, Any]], Rule]) -> None:
    """Let dicts with this key be read by `make`."""
    _KINDS[key] = make


class Rule(ABC):
    """A learning rule, as the choices it is made of."""

    @property
    @abstractmethod
    def axes(self) -> tuple[str, str, str, str]:
        """The four choices."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name in the literature, or what the rule is made of if it has none."""

    @property
    @abstractmethod
    def lag(self) -> int | None:
        """By how many steps the gradient is late; None for a hybrid of rules that differ in it."""

    @property
    @abstractmethod
    def period(self) -> int | None:
        """Every how many steps there is a gradient, the sum over as many; None as in :attr:`lag`."""

    @property
    @abstractmethod
    def needs_mask(self) -> bool:
        """Whether the rule runs on sparse recurrent weights only."""

    @property
    @abstractmethod
    def references(self) -> tuple[str, ...]:
        """Keys of the bibliography."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain values that :meth:`from_dict` makes this rule of."""

    @abstractmethod
    def _spec(self, shape: Shape) -> dict[str, Any]:
        """Return what the core needs to make the learner."""

    @property
    def facing(self) -> str:
        """``"past"``, ``"future"``, or ``"both"`` for a hybrid of the two."""
        return self.axes[0]

    @property
    def tensor(self) -> str:
        """What is stored."""
        return self.axes[1]

    @property
    def randomness(self) -> str:
        """Whether the rule draws random numbers."""
        return self.axes[2]

    @property
    def solution(self) -> str:
        """How the stored tensor is found."""
        return self.axes[3]

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Rule:
        """Return the rule of :meth:`to_dict`."""
        settings = _check.mapping("rule", data)
        for key, make in _KINDS.items():
            if key in settings:
                return make(settings)
        try:
            return _KINDS[_CELL](settings)
        except TypeError:
            raise ValueError(f"rule: expected names of settings as keys, got {list(settings)}") from None

    def to_json(self) -> str:
        """Return the rule as a JSON object."""
        return json.dumps(self.to_dict())

    @staticmethod
    def from_json(text: str) -> Rule:
        """Return the rule of :meth:`to_json`."""
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"rule: expected a JSON object, got text that is not: {error}") from None
        return Rule.from_dict(data)

    def to_toml(self) -> str:
        """Return the rule as the lines of a TOML table."""
        return toml_dumps(self.to_dict())

    @staticmethod
    def from_toml(text: str) -> Rule:
        """Return the rule of :meth:`to_toml`."""
        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
            raise ValueError(f"rule: expected a TOML table, got text that is not: {error}") from None
        return Rule.from_dict(data)

    def citation(self) -> str:
        """Return BibTeX of the framework and of the parts the rule is made of."""
        return bibliography.bibtex(("marschall2020", *self.references))

    def n_noise(self, cell: Cell | Shape) -> int:
        """Return how many random numbers the rule takes a step on this network."""
        from axonomy.learner import make_learner

        return make_learner(self, cell).n_noise
