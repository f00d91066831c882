"""Figures. They need matplotlib: ``pip install "axonomy[cli]"``."""

from axonomy.plots.alignment_matrix import alignment_matrix
from axonomy.plots.curve_panels import curve_panels
from axonomy.plots.forest import forest
from axonomy.plots.learning_curves import learning_curves
from axonomy.plots.metric_panels import metric_panels
from axonomy.plots.pareto import loss_against_cost
from axonomy.plots.periodic import periodic_table
from axonomy.plots.ranking import ranking
from axonomy.plots.roofline import roofline

__all__ = [
    "alignment_matrix",
    "curve_panels",
    "forest",
    "learning_curves",
    "loss_against_cost",
    "metric_panels",
    "periodic_table",
    "ranking",
    "roofline",
]
