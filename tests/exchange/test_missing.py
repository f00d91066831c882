"""Without the extras: what asks for them says how to get them, and everything else works."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

import axonomy as ax
from axonomy._extras import MissingExtra

GRU = ax.GRU.random(2, 3, 1)


@pytest.mark.parametrize(
    "extra, use",
    [
        ("torch", GRU.to_torch),
        ("torch", GRU.to_torch_state),
        ("torch", lambda: ax.Cell.from_torch(None, None)),
        ("onnx", GRU.to_onnx),
    ],
)
def test_message(extra: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, extra, None)
    message = rf'needs {extra}, which is not installed: pip install "axonomy\[{extra}\]" brings it'
    with pytest.raises(MissingExtra, match=message):
        use()


def test_what_no_extra_would_help() -> None:
    """A kind of cell without a counterpart is said first."""
    with pytest.raises(ax.IncompatibleCell, match=r"^MGU: no module of torch\.nn"):
        ax.MGU.random(2, 3, 1).to_torch()
