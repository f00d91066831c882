"""A rule of its own for each block of columns of W: W_rec, W_in, b, or any others.

Columns j of the influence never interact, so each block may have another tensor: exact where that is cheap
(input weights and biases), approximate where it is dear. By blocks of exact rules is RTRL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from axonomy import _check
from axonomy import rule as rule_module
from axonomy.hybrid.parts import Hybrid
from axonomy.rule import Rule
from axonomy.rules import as_rule

if TYPE_CHECKING:
    from axonomy.shape import Shape

NAMES = ("W_rec", "W_in", "b")


@dataclass(frozen=True)
class ByBlock(Hybrid):
    """A rule for each block of columns. Make one with :func:`by_block`.

    Attributes
    ----------
    blocks : tuple of (str, Rule)
        What columns, and the rule for them.
    """

    kind: ClassVar[str] = "by block"

    blocks: tuple[tuple[str, Rule], ...]

    def __post_init__(self) -> None:
        for block, _ in self.blocks:
            _block(block)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the blocks."""
        return tuple(rule for _, rule in self.blocks)

    @property
    def name(self) -> str:
        """The blocks and the names of their rules."""
        return ", ".join(f"{block} {rule.name}" for block, rule in self.blocks)

    def __str__(self) -> str:
        return f"by block: {'; '.join(f'{block}: {rule}' for block, rule in self.blocks)}"

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"by_block": {block: {...}, ...}}``."""
        return {"by_block": {block: rule.to_dict() for block, rule in self.blocks}}

    def columns(self, shape: Shape) -> tuple[tuple[int, int], ...]:
        """Return start and width of each block on a network of this shape.

        Raises
        ------
        ValueError
            If the blocks leave out a column, share one, or reach beyond them.
        """
        assert shape.m is not None
        found = [_columns(block, shape) for block, _ in self.blocks]
        at = 0
        for start, width in sorted(found):
            if width and start != at:
                what = "has no rule" if start > at else "has two"
                raise ValueError(
                    f"by_block: expected one rule for each column of W, but {min(start, at)} {what}"
                )
            at = max(at, start + width)
        if at != shape.m:
            raise ValueError(
                f"by_block: expected blocks that cover the {shape.m} columns of W, got {at} columns"
            )
        return tuple(found)

    def _spec(self, shape: Shape) -> dict[str, Any]:
        used = [
            (rule, block)
            for (_, rule), block in zip(self.blocks, self.columns(shape), strict=True)
            if block[1]
        ]
        return {
            "tensor": "by_block",
            "parts": [rule._spec(shape.with_regressors(width)) for rule, (_, width) in used],
            "blocks": [block for _, block in used],
        }


def _columns(block: str, shape: Shape) -> tuple[int, int]:
    m = shape.m
    assert m is not None
    if block in NAMES:
        state, symbol = (1, "1") if shape.element_wise else (shape.n, "n")
        if m != state + shape.n_in + 1:
            raise ValueError(
                f"by_block: expected m = {symbol} + n_in + 1 = {state + shape.n_in + 1}, got {m}"
            )
        return {"W_rec": (0, state), "W_in": (state, shape.n_in), "b": (m - 1, 1)}[block]
    start, _, stop = block.partition(":")
    first, last = int(start), int(stop) if stop else m
    if max(first + 1, last) > m:
        raise ValueError(f"by_block: expected columns up to {m}, got {block!r}")
    return first, last - first


def _block(name: object) -> str:
    if isinstance(name, str):
        if name in NAMES:
            return name
        start, colon, stop = name.partition(":")
        if colon and start.isdecimal() and (not stop or (stop.isdecimal() and int(start) < int(stop))):
            return name
    raise ValueError(
        f"by_block: expected blocks named {', '.join(NAMES)} or 'start:stop', got {_check.describe(name)}"
    )


def by_block(blocks: Mapping[str, Any] | None = None, /, **named: Any) -> ByBlock:
    """Give each block of columns of W a rule of its own.

    Parameters
    ----------
    blocks : dict, optional
        From ``"W_rec"``, ``"W_in"``, ``"b"`` or columns ``"start:stop"``, ``"start:"`` to a rule.
    **named
        The same for the names: ``by_block(W_rec=..., W_in=..., b=...)``.

    Returns
    -------
    ByBlock

    Raises
    ------
    ValueError
        If a block has no known name, or one twice. That all columns are covered is looked at when the
        network is known.

    Examples
    --------
    >>> import axonomy as ax
    >>> rule = ax.by_block(W_rec="kf_rtrl", W_in="rtrl", b="rtrl")
    >>> rule.name
    'W_rec KF-RTRL, W_in RTRL, b RTRL'
    """
    given = _check.mapping("by_block", {} if blocks is None else blocks, "a dict of rules")
    twice = sorted(set(given) & set(named))
    if twice:
        raise ValueError(f"by_block: expected one rule for {twice[0]!r}, got two")
    given |= named
    if not given:
        raise ValueError("by_block: expected at least one block, got none")
    return ByBlock(tuple((_block(name), as_rule(rule)) for name, rule in given.items()))


def _from_dict(data: dict[str, Any]) -> ByBlock:
    if set(data) != {"by_block"}:
        raise ValueError(
            f"rule: expected {{'by_block': {{...}}}} and nothing else, got {_check.describe(data)}"
        )
    return by_block(data["by_block"])


rule_module.kind("by_block", _from_dict)
