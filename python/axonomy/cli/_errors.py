"""Errors of the user get a paragraph on stderr and exit code 2, not a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from axonomy._extras import MissingExtra

P = ParamSpec("P")
T = TypeVar("T")


def tell_user_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Wrap a command so that bad arguments, files and missing extras are told in words."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (ValueError, OSError, MissingExtra) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None

    return wrapped
