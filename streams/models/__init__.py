"""Everything that learns, and the views that deciding reads.

`response` says what is used of offers, `churn` who is leaving, `signal_lifts` what churn signals
are worth, `save_rates` what contacts are worth, `calibration` whether the risk that was said came
true, `tracks` when new customers buy again, `capacity` what must be gained for a case to open, and
`margin` what deciding brings against the other arms; `uplift` who of those that use an offer would
have bought anyway.

Deciding reads `Models`, immutable views; learning happens in the learners, that the `Trainer`
feeds. Between the two lies a `ModelSnapshot`: every parameter by its name.
"""

from streams.models.calibration import Calibration
from streams.models.churn import ChurnModel
from streams.models.library import Models, doubts_of, initial_models, may_serve, with_snapshot
from streams.models.response import ResponseModel
from streams.models.save_rates import SaveRates
from streams.models.signal_lifts import SignalLifts
from streams.models.trainer import LEARNERS, Trainer
from streams.models.uplift import UpliftModel

__all__ = [
    "LEARNERS",
    "Calibration",
    "ChurnModel",
    "Models",
    "ResponseModel",
    "SaveRates",
    "SignalLifts",
    "Trainer",
    "UpliftModel",
    "doubts_of",
    "initial_models",
    "may_serve",
    "with_snapshot",
]
