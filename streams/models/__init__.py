"""Everything that learns: what is used of offers, who is leaving, when new customers buy again.

Deciding reads `Models`, immutable views; learning happens in the learners, that the `Trainer`
feeds. Between the two lies a `ModelSnapshot`: every parameter by its name.
"""

from streams.models.churn import ChurnModel
from streams.models.library import Models, initial_models, may_serve, with_snapshot
from streams.models.response import ResponseModel
from streams.models.trainer import LEARNERS, Trainer

__all__ = [
    "LEARNERS",
    "ChurnModel",
    "Models",
    "ResponseModel",
    "Trainer",
    "initial_models",
    "may_serve",
    "with_snapshot",
]
