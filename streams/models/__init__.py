"""Everything that learns: what is used of offers (`response`), who is leaving (`churn`).

Deciding reads `Models`, immutable views; learning happens in the learners, that the `Teacher`
feeds. Between the two lies a `ModelSnapshot`: every parameter by its name.
"""

from streams.models.churn import ChurnModel
from streams.models.library import Models, initial_models, with_snapshot
from streams.models.response import ResponseModel
from streams.models.teacher import LEARNERS, Teacher

__all__ = [
    "LEARNERS",
    "ChurnModel",
    "Models",
    "ResponseModel",
    "Teacher",
    "initial_models",
    "with_snapshot",
]
