"""What the results of a study say, as pure functions of its tables.

They need ``pip install "axonomy[study]"``.

All tests are those of scipy, statsmodels and scikit-learn. `scores` makes losses of several tasks comparable;
all that follows works on its table. Every function takes DataFrames and returns one, or a frozen dataclass of
a few, and draws its random numbers from a seed, so that a report can be made again to the last digit.
"""

from axonomy.studies.statistics.clusters import Clusters, alignment_clusters, performance_clusters
from axonomy.studies.statistics.equal_cost import at_equal_cost
from axonomy.studies.statistics.mixed import Mixed, mixed_model
from axonomy.studies.statistics.pairs import contrasts, differences, pairs
from axonomy.studies.statistics.prediction import predictors
from axonomy.studies.statistics.scores import AXES, CAP, means, scores
from axonomy.studies.statistics.variance import Decomposition, decompose

__all__ = [
    "AXES",
    "CAP",
    "Clusters",
    "Decomposition",
    "Mixed",
    "alignment_clusters",
    "at_equal_cost",
    "contrasts",
    "decompose",
    "differences",
    "means",
    "mixed_model",
    "pairs",
    "performance_clusters",
    "predictors",
    "scores",
]
