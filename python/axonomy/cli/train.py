"""``axonomy train``: one rule on one task, into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import axonomy as ax
from axonomy.cli import _common, _options, _parse, _results
from axonomy.cli._progress import training_bar
from axonomy.tasks import Stream

_RULE = "Rule: by name, or by its axes"
DIVERGED, INTERRUPTED = 1, 130


def train(
    context: typer.Context,
    task: _options.Task = "add",
    lags: _options.Lags = None,
    hold: _options.Hold = None,
    inputs: _options.Inputs = None,
    targets: _options.Targets = None,
    loss: _options.Loss = None,
    task_option: _options.TaskOption = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help=f"{_parse.FORMS}; see axonomy table.",
            rich_help_panel=_RULE,
            metavar="RULE",
        ),
    ] = None,
    facing: Annotated[str | None, typer.Option(rich_help_panel=_RULE)] = None,
    tensor: Annotated[str | None, typer.Option(rich_help_panel=_RULE)] = None,
    randomness: Annotated[str | None, typer.Option(rich_help_panel=_RULE)] = None,
    solution: Annotated[str | None, typer.Option(rich_help_panel=_RULE)] = None,
    solver: Annotated[str | None, typer.Option(rich_help_panel=_RULE)] = None,
    rank: Annotated[int | None, typer.Option(rich_help_panel=_RULE)] = None,
    current: Annotated[str | None, typer.Option(rich_help_panel=_RULE)] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Any other option of the rule; repeatable.",
            rich_help_panel=_RULE,
        ),
    ] = None,
    hidden: _options.Hidden = 32,
    cell: _options.Cell = _common.LEAKY,
    cell_option: _options.CellOption = None,
    alpha: _options.Alpha = None,
    activation: _options.Activation = None,
    density: _options.Density = None,
    dtype: _options.Dtype = "float64",
    steps: _options.Steps = None,
    seed: Annotated[
        int,
        typer.Option(help="Draws the stream, the weights and the rule's noise.", rich_help_panel="Training"),
    ] = 0,
    lr: _options.Lr = 1e-3,
    optimiser: _options.Optimiser = "sgd",
    update_every: _options.UpdateEvery = 1,
    streams: _options.Streams = 1,
    threads: _options.Threads = 1,
    out: _options.Out = Path("run"),
    force: _options.Force = False,
    no_figure: _options.NoFigure = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Continue the run in this folder, as if it had never stopped: for --steps more, "
            "or up to the steps it was meant to have.",
            rich_help_panel="Result",
        ),
    ] = None,
) -> None:
    """Train one network by one rule on one task.

    Writes config.toml, metrics.npz (the loss of every step), checkpoint.npz (all that it takes to
    go on) and curve.png into the folder. Ctrl-C keeps what was done.
    """
    if resume is not None:
        _refuse_others(context)
        run = _resumed(resume, steps)
    else:
        axes = {"facing": facing, "tensor": tensor, "randomness": randomness, "solution": solution}
        axes |= {"solver": solver}
        options = _parse.parse_options(option or (), rank=rank, current=current)
        setting = _common.Setting(
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
            threads=threads,
        )
        chosen = _rule(rule, axes, options)
        trainer = setting.trainer(chosen, seed)
        stream = setting.stream(steps, seed)
        run = Run(out, setting, chosen, seed, trainer, stream, trainer.history.loss)
        _results.prepare_folder(out, force, _results.METRICS, _results.CHECKPOINT, _results.CURVE)
    _results.write_config(run.folder, run.to_dict())
    code = run.go()
    _results.save(run.folder, run.trainer, run.loss, run.stream)
    if not no_figure and len(run.loss):
        _draw(run)
    typer.echo(
        f"{run.rule.name} on {run.setting.task.name}: {len(run.loss):,} steps, "
        f"loss {_common.shown(_common.tail_mean(run.loss))} over the last tenth; results in {run.folder}"
    )
    if code:
        raise typer.Exit(code)


@dataclass
class Run:
    """A run in its folder: what has been done is ``loss`` (steps,) or (steps, B), out of ``stream``."""

    folder: Path
    setting: _common.Setting
    rule: ax.Rule
    seed: int
    trainer: ax.Trainer
    stream: Stream
    loss: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Everything that determines the run, for ``config.toml``."""
        settled = {"steps": len(self.stream), "seed": self.seed, **self.setting.to_dict()}
        return settled | {"rule": self.rule.to_dict()}

    def go(self) -> int:
        """Train to the end of the stream, or as far as it goes; returns the exit code."""
        done = len(self.loss)
        rest = self.stream.part(done)
        code = 0
        with training_bar(len(self.stream), done) as callback:
            try:
                history = self.trainer.run(
                    rest.X,
                    rest.Y,
                    mask=rest.mask,
                    reset=rest.reset,
                    callback=lambda step, loss: callback(done + step, loss),
                )
            except ax.Diverged as error:
                history, code = error.history, DIVERGED
                message = f"diverged at step {error.step:,}; the last finite state is kept"
            except KeyboardInterrupt:
                history, code = self.trainer.history, INTERRUPTED
                message = f"interrupted; continue with axonomy train --resume {self.folder}"
        if code:
            typer.echo(message, err=True)
        self.loss = np.concatenate([self.loss, history.loss])
        return code


def _resumed(folder: Path, more: int | None) -> Run:
    config = _results.read_config(folder)
    try:
        setting = _common.Setting.from_dict(config)
        rule, seed, planned = ax.Rule.from_dict(config["rule"]), config["seed"], config["steps"]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"--resume: {folder / _results.CONFIG} describes no run of axonomy train: {error!r}"
        ) from None
    trainer, loss, seen = _results.load(folder)
    steps = planned if more is None else len(loss) + more
    if steps <= len(loss):
        raise ValueError(
            f"--resume: {folder} has all of its {len(loss):,} steps; say with --steps how many more"
        )
    stream = setting.stream(steps, seed)
    if _results.digest(stream.part(0, len(loss))) != seen:
        raise ValueError(f"--resume: the data of {folder} are not those it was trained on; they have changed")
    return Run(folder, setting, rule, seed, trainer, stream, loss)


def _refuse_others(context: typer.Context) -> None:
    """With --resume the folder says everything but the number of steps."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name not in ("resume", "steps", "no_figure"):
            raise ValueError(
                f"--resume takes everything but --steps from the folder's {_results.CONFIG}, "
                f"got {parameter.opts[0]} too"
            )


def _rule(name: str | None, axes: dict[str, Any], options: dict[str, Any]) -> ax.Rule:
    by_axes = [f"--{axis}" for axis, choice in axes.items() if choice is not None]
    if name is not None and by_axes:
        raise ValueError(f"give --rule or the axes, not both: got --rule and {', '.join(by_axes)}")
    if name is not None:
        return _parse.parse_rule(name, **options)
    if not by_axes:
        raise ValueError("give --rule NAME, or the axes --facing, --tensor, ...; see axonomy table")
    return _parse.compose(axes, options)


def _draw(run: Run) -> None:
    from axonomy.plots import learning_curves  # matplotlib is slow to load, and not always needed

    task = run.setting.task
    figure = learning_curves(
        {run.rule.name: run.loss.T},
        task.floors,
        title=run.setting.title,
        loss=_common.loss_name(task),
    )
    figure.savefig(run.folder / _results.CURVE)
