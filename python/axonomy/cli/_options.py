"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from axonomy import tasks
from axonomy.cells import CELLS

_TASK, _NETWORK, _TRAINING, _RESULT = "Task", "Network", "Training", "Result"
_TASKS = f"{', '.join(name for name in tasks.registry if name != 'file')}, or a .csv or .npz file."

Task = Annotated[
    str,
    typer.Option("--task", help=_TASKS, rich_help_panel=_TASK, metavar="TASK"),
]
Lags = Annotated[
    tuple[int, int] | None,
    typer.Option("--lags", help="add: the two lags, in samples.", rich_help_panel=_TASK),
]
Hold = Annotated[
    int | None,
    typer.Option("--hold", help="add: steps each sample is held.", rich_help_panel=_TASK),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--inputs", help="file: input columns, a,b,...", rich_help_panel=_TASK),
]
Targets = Annotated[
    list[str] | None,
    typer.Option("--targets", help="file: target columns, a,b,...", rich_help_panel=_TASK),
]
Loss = Annotated[
    str | None,
    typer.Option(
        "--loss",
        help="file: mse, cross_entropy or binary_cross_entropy.",
        rich_help_panel=_TASK,
    ),
]
TaskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--task-option",
        metavar="KEY=VALUE",
        help="Any other option of the task; repeatable.",
        rich_help_panel=_TASK,
    ),
]

Hidden = Annotated[int, typer.Option("--hidden", help="Units.", rich_help_panel=_NETWORK)]
Cell = Annotated[
    str, typer.Option("--cell", help=f"{', '.join(CELLS)}.", rich_help_panel=_NETWORK, metavar="NAME")
]
CellOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cell-option",
        metavar="KEY=VALUE",
        help="Any other option of the cell's random(): recurrent, inputs, keep_bias, chrono, feedback, "
        "state_noise; repeatable.",
        rich_help_panel=_NETWORK,
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option("--alpha", help="leaky_rnn: leak, in (0, 1]; 1 by default.", rich_help_panel=_NETWORK),
]
Activation = Annotated[
    str | None,
    typer.Option(
        "--activation",
        help="leaky_rnn, ind_rnn: tanh, relu, sigmoid, softplus or identity.",
        rich_help_panel=_NETWORK,
    ),
]
Density = Annotated[
    float | None,
    typer.Option("--density", help="Part of the recurrent weights that exist.", rich_help_panel=_NETWORK),
]
Dtype = Annotated[str, typer.Option("--dtype", help="float64 or float32.", rich_help_panel=_NETWORK)]

Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        help="Samples to learn from; 100,000 by default, or all of the file.",
        rich_help_panel=_TRAINING,
    ),
]
Lr = Annotated[float, typer.Option("--lr", help="Learning rate.", rich_help_panel=_TRAINING)]
Optimiser = Annotated[
    str,
    typer.Option(
        "--optimiser",
        metavar="NAME[:KEY=VALUE...]",
        help="sgd, momentum, rmsprop or adam.",
        rich_help_panel=_TRAINING,
    ),
]
Streams = Annotated[
    int,
    typer.Option(
        "--streams",
        help="Streams to learn from side by side, of the seed and those that follow.",
        rich_help_panel=_TRAINING,
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        help="Threads that share the streams out, or the work within a step of a single one.",
        rich_help_panel=_TRAINING,
    ),
]
UpdateEvery = Annotated[
    int,
    typer.Option("--update-every", help="Steps per update.", rich_help_panel=_TRAINING),
]

Force = Annotated[
    bool,
    typer.Option("--force", help="Replace the results in the folder.", rich_help_panel=_RESULT),
]
NoFigure = Annotated[bool, typer.Option("--no-figure", help="Draw nothing.", rich_help_panel=_RESULT)]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.", rich_help_panel=_RESULT)]
