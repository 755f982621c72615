"""Reports on offers: what they change in the row, and the label that they make."""

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity
from streams.contracts.inputs.events import App, Push
from streams.contracts.outputs.effects import Effect, OutcomeLabeled, OutcomeSeen
from streams.contracts.reference.structs import Reference
from streams.contracts.times import DAY_MS, HOUR_MS, from_ms
from streams.customer.row import Contact, Redeemed, Refused
from streams.decisions import compile_policy
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.feedback import credit, expire
from tests.support.decisions_open import (
    T0,
    WINDOW_MS,
    decision,
    labels,
    person,
    report,
    seen,
)
from tests.unit.decisions.people import OBJECTS

POLICY = compile_policy(Reference())
NOON = T0 + 12 * HOUR_MS


def test_a_redemption_is_label_one_at_once() -> None:
    """The example carries the features of decision time, the probability and the model."""
    after, effects = credit(person(decision(1)), report("offer_redeemed", 1, NOON), NOON, POLICY)
    assert seen(effects) == [("d-1", "redeemed")]
    (labeled,) = [e for e in effects if isinstance(e, OutcomeLabeled)]
    example = labeled.example
    assert (example.model, example.label, example.weight) == ("response", 1.0, 1.0)
    assert (example.offer_id, example.action_probability) == ("o-1", 0.25)
    assert (example.model_version, example.observed_at_ms) == ("response-200", NOON)
    assert len(example.features) == len(CONTEXT_FEATURES) + len(OFFER_FEATURES)
    assert example.features["c.recency"] == -1.0
    assert example.features["o.affinity"] == 0.5
    assert after.redemptions == (Redeemed("o-1", NOON),)
    assert after.open_decisions[0].redeemed_at_ms == NOON


def test_a_second_report_of_a_redemption_changes_nothing() -> None:
    """The till and the app both report; one outcome credits one decision once."""
    first, _ = credit(person(decision(1)), report("offer_redeemed", 1, NOON), NOON, POLICY)
    again = report("offer_redeemed", 1, NOON + HOUR_MS)
    assert credit(first, again, NOON + HOUR_MS, POLICY) == (first, ())


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("offer_delivered", ["delivered"]),
        ("offer_presented", ["viewed"]),
        ("offer_viewed", ["viewed"]),
        ("offer_clicked", ["viewed", "clicked"]),
        ("offer_accepted", ["viewed", "clicked"]),
        ("offer_dismissed", ["dismissed"]),
        ("offer_refused_not_relevant", ["dismissed"]),
        ("offer_expired", []),
    ],
)
def test_reports_without_a_label(name: str, outcomes: list[str]) -> None:
    """Only use and the deadline make labels; the rest is counted."""
    event = report(name, 1, NOON)  # type: ignore[arg-type]
    after, effects = credit(person(decision(1)), event, NOON, POLICY)
    assert [outcome for _, outcome in seen(effects)] == outcomes
    assert labels(effects) == []
    assert after.open_decisions[0].status == "open"


def test_the_first_view_counts_whatever_comes_first() -> None:
    """Two views in either order leave the earlier time, and are seen once."""
    early, late = report("offer_viewed", 1, NOON), report("offer_viewed", 1, NOON + HOUR_MS)
    for events in ((early, late), (late, early)):
        row = person(decision(1))
        effects: tuple[Effect, ...] = ()
        for event in events:
            row, more = credit(row, event, NOON + HOUR_MS, POLICY)
            effects += more
        assert row.open_decisions[0].viewed_at_ms == NOON
        assert seen(effects) == [("d-1", "viewed")]


def test_a_report_on_another_offer_than_the_decisions_is_not_believed() -> None:
    """Decision 1 was for offer 1; a redemption of offer 2 under it changes nothing."""
    row = person(decision(1))
    event = report("offer_redeemed", 1, NOON, offer=2)
    assert credit(row, event, NOON, POLICY) == (row, ())


def test_an_offer_that_was_not_delivered_is_no_label() -> None:
    """The decision goes, unless the person has seen it all the same."""
    failed = report("delivery_failed", 1, NOON)
    after, effects = credit(person(decision(1)), failed, NOON, POLICY)
    assert after.open_decisions == ()
    assert [e.outcome for e in effects if isinstance(e, OutcomeSeen)] == ["undelivered"]
    viewed = person(decision(1, viewed_at_ms=T0 + 1))
    assert credit(viewed, failed, NOON, POLICY) == (viewed, ())


def test_an_offer_that_was_not_delivered_is_no_contact() -> None:
    """Cap and gap come back, also after its window; not where it was seen, or is another offer."""
    failed = report("delivery_failed", 1, NOON)
    contacts = (Contact(T0, "o-1", "push", "d-1"), Contact(T0 + 1, "o-2", "push", "d-2"))
    for decisions in ((decision(1),), (decision(1, status="closed"),), ()):
        after, _ = credit(person(*decisions, contacts=contacts), failed, NOON, POLICY)
        assert after.contacts == contacts[1:]
    seen_already = person(decision(1, viewed_at_ms=T0 + 1), contacts=contacts)
    assert credit(seen_already, failed, NOON, POLICY)[0].contacts == contacts
    other = report("delivery_failed", 1, NOON, offer=2)
    assert credit(person(contacts=contacts), other, NOON, POLICY)[0].contacts == contacts


def test_a_push_that_is_opened_is_a_view_of_its_decision() -> None:
    """With the decision's id; without one, or for another decision, it is none."""
    for decision_id, viewed_at_ms in (("d-1", NOON), ("d-9", None), (None, None)):
        event = App(
            event_id="p",
            event_name="push_opened",
            occurred_at=from_ms(NOON),
            identity=Identity(customer_id="c-1"),
            channel="app",
            push=Push(message_id="m", decision_id=decision_id),
        )
        after, effects = credit(person(decision(1)), event, NOON, POLICY)
        assert after.open_decisions[0].viewed_at_ms == viewed_at_ms
        assert seen(effects) == ([] if viewed_at_ms is None else [("d-1", "viewed")])


def test_the_newest_refusal_of_an_offer_is_kept() -> None:
    """Whatever the order in which they come, and also of a decision that the row has forgotten."""
    early, late = (report("offer_refused_not_relevant", 1, at) for at in (NOON, NOON + HOUR_MS))
    for events in ((early, late), (late, early)):
        row = person()
        for event in events:
            row, _ = credit(row, event, NOON + HOUR_MS, POLICY)
        assert row.refusals == (Refused("o-1", NOON + HOUR_MS),)


def test_use_of_a_decision_that_the_row_no_longer_holds() -> None:
    """It counts as used, once; nothing is learned of it."""
    event = report("offer_redeemed", 9, NOON)
    after, effects = credit(person(), event, NOON, POLICY)
    assert after.redemptions == (Redeemed("o-9", NOON),)
    assert seen(effects) == [("d-9", "redeemed")]
    assert labels(effects) == []
    assert credit(after, event, NOON, POLICY) == (after, ())


def test_the_deadline_makes_label_zero() -> None:
    """Nothing happened until the window closed: expired, and label 0."""
    row = person(decision(1), decision(2, deadline_ms=T0 + 2 * WINDOW_MS))
    at_ms = T0 + WINDOW_MS
    assert expire(row, at_ms - 1) == (row, ())
    after, effects = expire(row, at_ms)
    assert seen(effects) == [("d-1", "expired")]
    assert labels(effects) == [("o-1", 0.0)]
    assert [d.status for d in after.open_decisions] == ["closed", "open"]
    assert all(d.deadline_ms > at_ms for d in after.open_decisions)


def test_a_used_decision_leaves_at_its_deadline_without_a_word() -> None:
    """Its label is known already."""
    row, _ = credit(person(decision(1)), report("offer_redeemed", 1, NOON), NOON, POLICY)
    after, effects = expire(row, T0 + WINDOW_MS)
    assert (after.open_decisions, effects) == ((), ())


@pytest.mark.parametrize("viewed_at_ms", [None, T0 + 1])
def test_a_late_outcome_makes_one_corrective_example(viewed_at_ms: int | None) -> None:
    """A till that was off line: label 1 with weight 1 / (1 - p), and only once."""
    closed, _ = expire(person(decision(1, viewed_at_ms=viewed_at_ms)), T0 + WINDOW_MS)
    now_ms = T0 + WINDOW_MS + DAY_MS
    event = report("offer_redeemed", 1, T0 + WINDOW_MS - HOUR_MS)
    after, effects = credit(closed, event, now_ms, POLICY)
    (labeled,) = [e for e in effects if isinstance(e, OutcomeLabeled)]
    assert (labeled.example.label, labeled.example.weight) == (1.0, 1.25)
    again = replace(event, event_id="again")
    assert credit(after, again, now_ms, POLICY) == (after, ())
    gone, effects = expire(after, T0 + 2 * WINDOW_MS)
    assert (gone.open_decisions, effects) == ((), ())


def test_closed_decisions_are_bounded() -> None:
    """Of eight windows that close together the last four wait for late reports."""
    after, effects = expire(person(*(decision(n) for n in range(8))), T0 + WINDOW_MS)
    assert len(labels(effects)) == 8
    assert [d.decision_id for d in after.open_decisions] == ["d-4", "d-5", "d-6", "d-7"]


@pytest.mark.parametrize("training", ["denied", "unset"])
def test_nothing_is_learned_without_consent(training: str) -> None:
    """Outcomes are counted, labels are not made."""
    row = person(decision(1), decision(2), training=training)
    _, effects = credit(row, report("offer_redeemed", 1, NOON), NOON, POLICY)
    assert labels(effects) == []
    assert seen(effects) == [("d-1", "redeemed")]
    assert labels(expire(row, T0 + WINDOW_MS)[1]) == []


def test_an_objection_wins_over_consent() -> None:
    """GPC on top of a granted purpose: nothing is learned."""
    row = person(decision(1), consent_signals=OBJECTS)
    assert labels(expire(row, T0 + WINDOW_MS)[1]) == []


def test_features_of_another_version_are_not_learned() -> None:
    """Numbers whose order is not known any more are not guessed at."""
    row = person(decision(1, features_version=0, context=b"", offer=b""))
    assert labels(expire(row, T0 + WINDOW_MS)[1]) == []
