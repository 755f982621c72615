"""What was said at a moment, and which signals stood then, comes back with its label."""

from msgspec.structs import replace

from streams.contracts.ids import pseudonym
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.times import WEEK_MS
from streams.customer.rhythm import record_purchase
from streams.customer.row import AlertCase, Customer, Said
from streams.feedback import awaits_said, label_horizons, remember_said
from tests.unit.feedback.test_churn_labels import CHURN, FIRST, buyer, ticked

SIGNALS = (("cancel_page", 0.9), ("visit_drop", 0.6), ("purchase_overdue", 0.2))
SAID = Said(0.4, 0.6, 1.5, SIGNALS)  # type: ignore[arg-type]


def said(row: Customer) -> Customer:
    """The row after its first tick, with what was said."""
    row, _ = ticked(row, FIRST)
    assert awaits_said(row, FIRST)
    return remember_said(row, SAID)


def taught(row: Customer, model: str = "signal_lifts") -> list[LearningExample]:
    """What the end of the horizon teaches one model."""
    _, effects = label_horizons(row, FIRST + 4 * WEEK_MS, CHURN)
    examples = [e.example for e in effects if isinstance(e, OutcomeLabeled)]
    return [example for example in examples if example.model == model]


def test_a_moment_teaches_what_its_signals_were_worth() -> None:
    """Score, horizon and strengths of then; 1 when nothing was bought; silence is in the score."""
    row = said(buyer())
    (stayed_away,) = taught(row)
    assert stayed_away.label == 1.0
    assert stayed_away.observed_at_ms == FIRST + 4 * WEEK_MS
    assert stayed_away.features == {
        "score": 0.4,
        "own_gaps": 1.5,
        "horizon_ms": 4.0 * WEEK_MS,
        "signal_cancel_page": 0.9,
        "signal_visit_drop": 0.6,
    }
    (came,) = taught(replace(row, rhythm=record_purchase(row.rhythm, FIRST + WEEK_MS, 20.0)))
    assert came.label == 0.0
    assert came.features == stayed_away.features
    assert came.example_id == stayed_away.example_id


def test_a_moment_shows_whether_its_risk_came_true() -> None:
    """The risk as stated, the score before any correction, and the silence in own gaps."""
    (example,) = taught(said(buyer()), "calibration")
    assert example.label == 1.0
    assert example.features == {
        "score": 0.4,
        "risk": 0.6,
        "own_gaps": 1.5,
        "horizon_ms": 4.0 * WEEK_MS,
        "customer_key": float(pseudonym(buyer().customer_id)),
    }


def test_only_a_moment_of_now_takes_what_is_said() -> None:
    """An evaluation between two ticks belongs to no moment."""
    row, _ = ticked(buyer(), FIRST)
    assert not awaits_said(row, FIRST + 1)
    assert not awaits_said(buyer(), FIRST)


def test_a_treated_case_teaches_nothing_of_signals_and_a_control_does() -> None:
    """What a contacted person does is what the contact did as well."""
    for treated, examples in ((True, 0), (False, 1)):
        row, _ = ticked(buyer(), FIRST)
        case = AlertCase("case-1", "a-1", "medium", FIRST, treated)
        row = replace(row, churn=replace(row.churn, case=case))
        assert len(taught(remember_said(row, SAID))) == examples
        assert len(row.churn.horizons) == 1


def test_a_moment_of_an_earlier_version_teaches_nothing_of_signals() -> None:
    """It does not say what was said."""
    row, _ = ticked(buyer(), FIRST)
    assert taught(row) == []
