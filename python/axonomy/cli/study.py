"""``axonomy study``: many rules on many tasks, each tuned alike, from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from axonomy.cli import _study


def study(
    source: Annotated[
        str,
        typer.Argument(
            metavar="STUDY", help="A .toml file, or paper, table or axes, which come with axonomy."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; the same one to go on.")] = Path("study"),
    quick: Annotated[bool, typer.Option("--quick", help="The short form, its table [quick].")] = False,
    engine: Annotated[
        str, typer.Option(help="joblib, the cores of this machine, or dask, a cluster.", metavar="NAME")
    ] = "joblib",
    address: Annotated[
        str | None,
        typer.Option(help="dask: its scheduler, tcp://HOST:PORT; without one a cluster is started here."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Runs at a time; one a core by default.", min=1)] = None,
) -> None:
    """Run a study: tune the learning rate of each rule, then train it with fresh seeds.

    Each finished run is a file in the folder. Ctrl-C or worse loses what was running and nothing else: the
    same command goes on where it stopped. axonomy report draws what is there.
    """
    _study.run(source, out, quick=quick, engine=engine, address=address, jobs=jobs)
