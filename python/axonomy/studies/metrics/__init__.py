"""What a rule's gradient is worth, measured on a trajectory that another rule trains.

`measure` lets rules ride along and compares them with each other and with the exact gradient: see there
for what is measured. The parts can be used by themselves: `Ride` gives the gradients,
`cosine`, `pairwise_cosines` and `spread` compare them, `Replay` tries a step.
"""

from axonomy.studies.metrics.compare import Spread, cosine, pairwise_cosines, spread
from axonomy.studies.metrics.measurement import measure
from axonomy.studies.metrics.plan import Trajectory
from axonomy.studies.metrics.replay import Replay
from axonomy.studies.metrics.ride import Ride, Sums
from axonomy.studies.metrics.table import alignment_columns, metric_columns

__all__ = [
    "Replay",
    "Ride",
    "Spread",
    "Sums",
    "Trajectory",
    "alignment_columns",
    "cosine",
    "measure",
    "metric_columns",
    "pairwise_cosines",
    "spread",
]
