"""How the compiled core was built."""

from __future__ import annotations

from axonomy import _core


def build_info() -> dict[str, str | int]:
    """Return how the core was compiled: compiler, flags, build type, SIMD, versions of its libraries.

    Returns
    -------
    dict
        Keys ``compiler``, ``flags``, ``build_type``, ``simd``, ``simd_bytes``, ``eigen``, ``pybind11``.
    """
    return _core.build_info()
