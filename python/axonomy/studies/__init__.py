"""Studies: many rules on many tasks, each tuned alike, from one file, on all cores or a cluster.

>>> from axonomy import studies
>>> study = studies.Study.load("axes", quick=True)
>>> results = studies.conduct(study, "results", studies.JoblibEngine())  # doctest: +SKIP
>>> results.runs()  # doctest: +SKIP
"""

from __future__ import annotations

from axonomy.studies.conduct import conduct
from axonomy.studies.engines import DaskEngine, Engine, JoblibEngine
from axonomy.studies.plan import Run
from axonomy.studies.results import Results
from axonomy.studies.store import Corrupt, Store
from axonomy.studies.study import Study, StudyError

__all__ = [
    "Corrupt",
    "DaskEngine",
    "Engine",
    "JoblibEngine",
    "Results",
    "Run",
    "Store",
    "Study",
    "StudyError",
    "conduct",
]
