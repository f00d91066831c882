"""``axonomy report``: the statistics and figures of a study on one page."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from axonomy._extras import require

STUDY = "study.toml"


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
    if not folder.is_dir():
        raise ValueError(f"DIR: expected the folder of a study, got {folder}")
    if not (folder / STUDY).is_file():
        raise ValueError(f"DIR: {folder} holds no results of axonomy study (no {STUDY})")
    study = (folder / STUDY).read_text(encoding="utf-8")
    write = importlib.import_module("axonomy.studies.report").write
    results = importlib.import_module("axonomy.studies.results").Results.open(folder)
    page = write(
        results,
        folder / "report" if out is None else out,
        name=_name(study, folder),
        study=study,
        seed=seed,
        tell=lambda what: typer.echo(f"{what} ...", err=True),
    )
    typer.echo(page)


def _name(study: str, folder: Path) -> str:
    """The study's own name, or its folder's."""
    try:
        name = tomllib.loads(study).get("study", {}).get("name")
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"DIR: {folder / STUDY} cannot be read: {error}") from None
    return str(name or folder.resolve().name)
