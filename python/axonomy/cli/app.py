"""The program and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

import axonomy as ax
from axonomy.cli._errors import tell_user_errors
from axonomy.cli.bench import bench
from axonomy.cli.compare import compare
from axonomy.cli.demo import demo
from axonomy.cli.report import report
from axonomy.cli.study import study
from axonomy.cli.table import table
from axonomy.cli.train import train

app = typer.Typer(
    name="axonomy",
    help="Train recurrent networks online, with a learning rule put together on four axes.",
    no_args_is_help=True,
    add_completion=False,
    # What is not an error of the user is a bug, and its traceback should stay readable.
    pretty_exceptions_enable=False,
)
for command in (table, train, compare, study, report, demo, bench):
    app.command()(tell_user_errors(command))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"axonomy {ax.__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass
