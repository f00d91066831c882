"""axonomy: online learning rules for recurrent networks, composed from four choices.

>>> import axonomy as ax
>>> rule = ax.compose(facing="past", tensor="ki|ij", randomness="deterministic", solution="numerical")
>>> rnn = ax.LeakyRNN.random(n_in=2, n_hidden=32, n_out=2, seed=0)
>>> trainer = ax.Trainer(rnn, rule, ax.SGD(1e-3))
"""

from __future__ import annotations

from axonomy import rules, tasks, testing
from axonomy._build import build_info
from axonomy.cells import ELSTM, GRU, LSTM, MGU, Cell, GatedCell, IndRNN, LeakyRNN
from axonomy.component import Option
from axonomy.composed import ComposedRule, compose
from axonomy.curriculum import Curriculum, CurriculumHistory
from axonomy.errors import Diverged, IncompatibleAxes, IncompatibleCell
from axonomy.gradients import Gradients, gradients
from axonomy.history import History
from axonomy.hybrid import ByBlock, Mix, Windowed, by_block, mix, windowed
from axonomy.influence.reductions import OptimalUnbiased, RandomSigns, Reduction, TruncatedSVD
from axonomy.learner import HandDriven, Learner, make_learner
from axonomy.optimisers import (
    SGD,
    Adam,
    ExponentialDecay,
    InverseDecay,
    Momentum,
    RMSProp,
    optimiser_from_dict,
)
from axonomy.order import Order
from axonomy.register import register, registered, unregister
from axonomy.rule import Rule
from axonomy.rules import as_rule
from axonomy.shape import Shape
from axonomy.step import Step
from axonomy.table import Table, TableCell, table
from axonomy.trainer import Trainer

__version__ = "0.1.0"

__all__ = [
    "ELSTM",
    "GRU",
    "LSTM",
    "MGU",
    "SGD",
    "Adam",
    "ByBlock",
    "Cell",
    "ComposedRule",
    "Curriculum",
    "CurriculumHistory",
    "Diverged",
    "ExponentialDecay",
    "GatedCell",
    "Gradients",
    "HandDriven",
    "History",
    "IncompatibleAxes",
    "IncompatibleCell",
    "IndRNN",
    "InverseDecay",
    "LeakyRNN",
    "Learner",
    "Mix",
    "Momentum",
    "OptimalUnbiased",
    "Option",
    "Order",
    "RMSProp",
    "RandomSigns",
    "Reduction",
    "Rule",
    "Shape",
    "Step",
    "Table",
    "TableCell",
    "Trainer",
    "TruncatedSVD",
    "Windowed",
    "__version__",
    "as_rule",
    "build_info",
    "by_block",
    "compose",
    "gradients",
    "make_learner",
    "mix",
    "optimiser_from_dict",
    "register",
    "registered",
    "rules",
    "table",
    "tasks",
    "testing",
    "unregister",
    "windowed",
]
