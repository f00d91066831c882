"""``axonomy demo``: a first comparison, in a minute or two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import axonomy as ax
from axonomy.cli import _common, _comparison, _options
from axonomy.tasks import Add

RULES = (
    "rtrl",
    "kf_rtrl",
    "uoro",
    "rflo",
    "ki|ij:deterministic:numerical",
    "ki|ij:stochastic:closed-form",
    "output_only",
)
STEPS, SEEDS = 100_000, 3


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo"),
    force: _options.Force = False,
) -> None:
    """Compare seven rules on the Add task, lags 6 and 10, in a minute or two.

    Known rules beside cells of the table that had none; the floors say which lags were learned.
    """
    setting = _common.Setting(task=Add(lags=(6, 10)), optimiser=ax.SGD(1e-3), hidden=32)
    plan = _comparison.Plan(setting, _comparison.named_rules(RULES), SEEDS, STEPS)
    _comparison.run(plan, out, jobs=None, force=force, figure=True)
