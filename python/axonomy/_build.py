"""How the compiled core was built."""

from __future__ import annotations

from axonomy import _core


def build_info() -> dict[str, str | int]:
    """Return how the core was compiled, and of what.

    Returns
    -------
    dict
        Keys ``compiler``, ``sources``, ``flags``, ``build_type``, ``simd``, ``simd_bytes``, ``eigen``,
        ``pybind11``. ``sources`` is a digest of the core's sources, the same wherever these are.
    """
    return _core.build_info()


def made_by() -> str:
    """Return the version and the core's sources: what another one computes may not be the same."""
    import axonomy as ax

    return f"{ax.__version__} {build_info()['sources']}"
