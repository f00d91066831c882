"""The compiled core, in builds that have it for several instruction sets: the best that this processor has.

A build for one machine has the extension module itself, which is found before this file. Set
``AXONOMY_INSTRUCTIONS`` to choose another level than the best.
"""

# mypy: ignore-errors
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _path() -> Path:
    from axonomy import _processor

    folder = Path(__file__).with_name("_cores")
    there = [level for level in _processor.levels() if (folder / level).is_dir()]
    level = os.environ.get("AXONOMY_INSTRUCTIONS", there[-1])
    if level not in there:
        raise ImportError(
            f"AXONOMY_INSTRUCTIONS: expected one of {', '.join(there)}, as this processor has, got {level!r}"
        )
    return next(path for suffix in EXTENSION_SUFFIXES if (path := folder / level / f"_core{suffix}").exists())


_spec = spec_from_file_location(__name__, _path())
sys.modules[__name__] = module_from_spec(_spec)
_spec.loader.exec_module(sys.modules[__name__])
