"""``axonomy compare``: several rules on one task, ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from axonomy.cli import _common, _comparison, _options, _parse


def compare(
    rule: Annotated[
        list[str],
        typer.Option(
            help=f"{_parse.FORMS}; repeat for several.",
            metavar="RULE",
        ),
    ],
    seeds: Annotated[int, typer.Option(help="Runs of each rule.", min=1)] = 3,
    jobs: Annotated[int | None, typer.Option(help="Runs at a time; one a core by default.", min=1)] = None,
    task: _options.Task = "add",
    lags: _options.Lags = None,
    hold: _options.Hold = None,
    inputs: _options.Inputs = None,
    targets: _options.Targets = None,
    loss: _options.Loss = None,
    task_option: _options.TaskOption = None,
    hidden: _options.Hidden = 32,
    cell: _options.Cell = _common.LEAKY,
    cell_option: _options.CellOption = None,
    alpha: _options.Alpha = None,
    activation: _options.Activation = None,
    density: _options.Density = None,
    dtype: _options.Dtype = "float64",
    steps: _options.Steps = None,
    lr: _options.Lr = 1e-3,
    optimiser: _options.Optimiser = "sgd",
    update_every: _options.UpdateEvery = 1,
    streams: _options.Streams = 1,
    out: _options.Out = Path("compare"),
    force: _options.Force = False,
    no_figure: _options.NoFigure = False,
) -> None:
    """Run several rules on the same data from the same weights, and rank them.

    For each seed all rules see one stream, or several side by side, and start from one network; no two
    seeds share a stream. Writes config.toml,
    compare.csv and learning_curves.png into the folder. Ctrl-C keeps the runs that were finished.
    """
    base = _common.Setting(
        task=_common.task_from_options(
            task,
            lags=lags,
            hold=hold,
            inputs=inputs,
            targets=targets,
            loss=loss,
            task_option=task_option,
        ),
        optimiser=_parse.parse_optimiser(optimiser, lr),
        hidden=hidden,
        cell=cell,
        options=_common.cell_options(cell_option, alpha=alpha, activation=activation, density=density),
        dtype=dtype,
        update_every=update_every,
        streams=streams,
    )
    _comparison.run(
        _comparison.Plan(base, _comparison.named_rules(rule), seeds, steps),
        out,
        jobs=jobs,
        force=force,
        figure=not no_figure,
    )
