"""`process()` corrects the score, lifts it, and remembers both for the horizon's label."""

import math

import pytest
from msgspec.structs import replace

from streams.contracts.internal.routing import Tick
from streams.contracts.reference.structs import ChurnDefinition
from streams.customer.rhythm import record_purchase
from streams.customer.row import Customer, Said, SeenSignal
from streams.feedback import start_ticks
from streams.models import Models, initial_models
from streams.models.calibration import Calibration, Correction
from streams.models.churn import ChurnModel
from streams.models.own_data import OwnData
from streams.models.signal_lifts import LearnedLift, SignalLifts
from streams.pipeline import World, process
from tests.unit.decisions.people import T0, offer, shop, someone

POLICY = shop(offer("a"), churn=ChurnDefinition(horizon_ticks=4))
CARRIED = replace(initial_models(), churn=ChurnModel(own_data=OwnData(50.0, 10_000, 5_000)))
CANCEL = SeenSignal("cancel_page", 1.0, T0 + 1, ("e-9",))


def said_with(models: Models) -> Said | None:
    """What was said at the first tick of somebody who looked at the cancel page."""
    bought = record_purchase(None, T0, 20.0)
    row = someone(rhythm=bought, signals=(CANCEL,), last_at_ms=T0)
    row = start_ticks(row, T0, POLICY.policies.churn)
    due_ms = row.churn.next_tick_ms
    assert due_ms is not None
    after = process(Tick("c-1", due_ms), row, World(models, POLICY)).row
    assert isinstance(after, Customer)
    return after.churn.horizons[-1].said


def odds(p: float) -> float:
    """Of a probability."""
    return p / (1.0 - p)


def test_a_tick_remembers_what_it_said() -> None:
    """Score, stated risk with the judgment's lift, silence in own gaps, the signal."""
    said = said_with(CARRIED)
    assert said is not None
    assert odds(said.risk) / odds(said.score) == pytest.approx(3.0, rel=1e-3)
    assert said.signals == (("cancel_page", 1.0),)
    assert said.own_gaps > 0.0


def test_before_own_data_nothing_is_remembered() -> None:
    """What is published of another shop is not judged by this one, nor corrected."""
    assert said_with(initial_models()) is None


def test_learned_lifts_and_corrections_are_in_the_risk_and_not_in_the_score() -> None:
    """What is learned from is the score of the models; what is said has both on top."""
    lifts = SignalLifts("v", {"cancel_page": LearnedLift(2.0, 40)})
    plain, lifted = said_with(CARRIED), said_with(replace(CARRIED, signal_lifts=lifts))
    moved = replace(CARRIED, signal_lifts=lifts, calibration=Calibration("v", Correction(1.0)))
    corrected = said_with(moved)
    assert plain is not None
    assert lifted is not None
    assert corrected is not None
    assert plain.score == lifted.score == corrected.score
    assert odds(lifted.risk) / odds(plain.score) == pytest.approx(2.0, rel=1e-3)
    assert odds(corrected.risk) / odds(lifted.risk) == pytest.approx(math.e, rel=1e-3)
