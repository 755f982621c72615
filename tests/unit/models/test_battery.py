"""Every model that learns, through every check of the battery, as River does it."""

from collections.abc import Callable

import pytest

from streams.models.calibration import CalibrationLearner
from streams.models.capacity import CapacityLearner
from streams.models.churn import ChurnLearner
from streams.models.fatigue import FatigueLearner
from streams.models.incremental_margin import MarginLearner
from streams.models.offer_margin import OfferMarginLearner
from streams.models.response import ChallengerLearner, ResponseLearner
from streams.models.save_rates import SaveRatesLearner
from streams.models.signal_lifts import SignalLiftsLearner
from streams.models.tracks import TrackLearner
from streams.models.uplift import UpliftLearner
from tests.checks import CHECKS, Subject, learners
from tests.unit.models import test_calibration as calibration
from tests.unit.models import test_capacity as capacity
from tests.unit.models import test_churn_model as churn
from tests.unit.models import test_fatigue as fatigue
from tests.unit.models import test_incremental_margin as margin
from tests.unit.models import test_offer_margin as offer_margin
from tests.unit.models import test_response_model as response
from tests.unit.models import test_save_rates as save_rates
from tests.unit.models import test_signal_lifts as lifts
from tests.unit.models import test_tracks as tracks
from tests.unit.models import test_uplift as uplift

# By example 9,000 of the churn stream all of its 700 customers have been seen.
SUBJECTS: dict[type, Subject] = {
    CalibrationLearner: Subject(
        CalibrationLearner, calibration.moments, lambda learner, example: learner.predict(example)
    ),
    ChurnLearner: Subject(
        ChurnLearner, churn.make_examples, churn.p_return, bound_at=(9000, 12_000)
    ),
    ResponseLearner: Subject(
        ResponseLearner,
        response.examples,
        lambda learner, example: response.scored(learner.view("v"), example),
        warm_up=1500,
        bound_at=(1500, 3000),
    ),
    ChallengerLearner: Subject(
        ChallengerLearner,
        response.examples,
        lambda learner, example: response.scored(learner.view("v"), example),
        warm_up=1500,
        bound_at=(1500, 3000),
    ),
    TrackLearner: Subject(TrackLearner, tracks.waits, tracks.p_made),
    CapacityLearner: Subject(CapacityLearner, capacity.looks, capacity.p_opened),
    SignalLiftsLearner: Subject(
        SignalLiftsLearner, lifts.moments, lambda learner, example: learner.predict(example)
    ),
    SaveRatesLearner: Subject(SaveRatesLearner, save_rates.examples, save_rates.p_bought),
    MarginLearner: Subject(MarginLearner, margin.bought, margin.p_bought),
    OfferMarginLearner: Subject(OfferMarginLearner, offer_margin.bought, offer_margin.p_bought),
    FatigueLearner: Subject(FatigueLearner, fatigue.examples, fatigue.p_came),
    UpliftLearner: Subject(UpliftLearner, uplift.examples, uplift.p_bought),
}
CASES = [
    pytest.param(kind, check, id=f"{kind.__name__}:{check.__name__}")
    for kind in learners()
    for check in CHECKS
]


def test_every_learner_has_something_to_learn_from() -> None:
    """A model that is new in `streams.models` is named here, or this fails."""
    assert set(learners()) == set(SUBJECTS)


@pytest.mark.parametrize(("kind", "check"), CASES)
def test_model(kind: type, check: Callable[[Subject], None]) -> None:
    """What a model owes the house: see the check's own sentence."""
    check(SUBJECTS[kind])
