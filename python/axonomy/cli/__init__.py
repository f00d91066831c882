"""The command line, ``axonomy``; one file a command. It needs ``pip install "axonomy[cli]"``."""

from __future__ import annotations

import sys

from axonomy._extras import MissingExtra, require


def main() -> None:
    """Run the command line; the entry point of the installed program ``axonomy``."""
    try:
        for package in ("typer", "rich"):
            require(package, "cli")
    except MissingExtra as error:
        print(f"axonomy: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    from axonomy.cli.app import app

    app()
