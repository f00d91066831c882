"""What an optimiser is: a frozen value that the core builds its own from."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from axonomy import _check
from axonomy.optimisers.schedules import Schedule, as_schedule


@dataclass(frozen=True)
class Optimiser(ABC):
    """Settings that all optimisers share.

    Parameters
    ----------
    lr : float or Schedule
        Learning rate, constant or decaying over updates.
    clip : float, optional
        Largest norm of the gradient over all parameters together; a longer one is scaled down to it.
    l2 : float
        Adds ``l2 * W`` to the gradient of the weights, after clipping; not of the bias columns.
    """

    lr: float | Schedule
    clip: float | None = None
    l2: float = 0.0

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        as_schedule("lr", self.lr)
        if self.clip is not None:
            _check.number("clip", self.clip, above=0)
        _check.number("l2", self.l2, least=0)
        self._check_own()

    def _check_own(self) -> None:  # noqa: B027
        """Check what the subclass adds, if anything."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; :func:`axonomy.optimiser_from_dict` reads them."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        if isinstance(self.lr, Schedule):
            values["lr"] = self.lr.to_dict()
        return {"optimiser": self.kind, **{k: v for k, v in values.items() if v is not None}}

    def _spec(self) -> dict[str, Any]:
        """Return what the core needs."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["lr"] = as_schedule("lr", self.lr)._spec()
        values["clip"] = 0.0 if self.clip is None else self.clip
        return {"kind": self.kind, **values}
