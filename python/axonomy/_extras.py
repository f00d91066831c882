"""Optional packages, asked for where they are needed and missed with a clear message."""

from __future__ import annotations

import importlib
from typing import Any


class MissingExtra(ImportError):
    """An optional package is not installed; the message says how to install it."""


def require(package: str, extra: str) -> Any:
    """Import an optional package.

    Parameters
    ----------
    package : str
        Name to import, for example ``"matplotlib"`` or ``"matplotlib.figure"``.
    extra : str
        The extra of axonomy that brings it, for example ``"cli"``.

    Returns
    -------
    module

    Raises
    ------
    MissingExtra
        If the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        name = package.partition(".")[0]
        # A broken installation, where the package lacks something of its own, is another matter.
        if error.name is None or error.name.partition(".")[0] != name:
            raise
        raise MissingExtra(
            f'this needs {name}, which is not installed: pip install "axonomy[{extra}]" brings it',
            name=name,
        ) from error
