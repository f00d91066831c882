"""``axonomy report``: the statistics and figures of a study on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from axonomy._build import made_by
from axonomy._extras import require


def report(
    folder: Annotated[Path, typer.Argument(help="What axonomy study wrote.", metavar="DIR")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the report; DIR/report by default.", metavar="FOLDER")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of bootstraps and permutations.", min=0)] = 0,
) -> None:
    """Write the report of a study: index.html, which needs nothing beside it, and its figures and tables.

    What the study does not have, such as metrics, is left out, and the page says so. The same results give
    the same files.
    """
    for package in ("pandas", "scipy", "statsmodels", "sklearn", "matplotlib"):
        require(package, "study")
    from axonomy.studies import Results
    from axonomy.studies.report import write

    if not folder.is_dir():
        raise ValueError(f"DIR: expected the folder of a study, got {folder}")
    results = Results.open(folder)
    if not len(results.runs()) and (others := results.others()):
        raise ValueError(
            f"DIR: the {others} results in {folder} are of another version or other sources of axonomy than "
            f"this one, {made_by()}, or of an earlier form of the study; the report of a study is made by "
            "the axonomy that ran it"
        )
    page = write(
        results,
        folder / "report" if out is None else out,
        name=results.study.name,
        study=results.study.to_toml(),
        seed=seed,
        tell=lambda what: typer.echo(f"{what} ...", err=True),
    )
    typer.echo(page)
