"""Whatever the order and however often reports arrive, the labels are the same."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.inputs.events import CouponUse, OfferFeedback, Purchase
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import Reference
from streams.contracts.times import HOUR_MS
from streams.customer.row import OPEN_DECISIONS_MAX
from streams.decisions import compile_policy
from streams.feedback import credit, expire
from tests.support.decisions_open import (
    T0,
    WINDOW_MS,
    decision,
    labels,
    order,
    person,
    report,
    seen,
)

POLICY = compile_policy(Reference())
NAMES = ("offer_delivered", "offer_viewed", "offer_clicked", "offer_dismissed", "offer_redeemed")
LAST = T0 + 100 * HOUR_MS

reports = st.builds(
    report,
    st.sampled_from(NAMES),
    st.integers(0, 3),
    st.integers(1, 100).map(lambda hour: T0 + hour * HOUR_MS),
)
orders = st.builds(
    lambda number, hour: order(T0 + hour * HOUR_MS, CouponUse(decision_id=f"d-{number}")),
    st.integers(0, 3),
    st.integers(1, 100),
)
histories = st.lists(st.one_of(reports, orders), max_size=12)


def run(events: list[OfferFeedback | Purchase]) -> tuple[Effect, ...]:
    """All effects of the events in this order of arrival, and of the deadlines after them."""
    row = person(*(decision(n) for n in range(4)))
    effects: tuple[Effect, ...] = ()
    for event in events:
        row, more = credit(row, event, LAST, POLICY)
        effects += more
    row, closed = expire(row, T0 + WINDOW_MS)
    row, silent = expire(row, T0 + 3 * WINDOW_MS)
    assert silent == ()
    assert row.open_decisions == ()
    return effects + closed


@given(histories, st.randoms(use_true_random=False))
def test_disorder_and_redelivery_give_the_same_labels(
    history: list[OfferFeedback | Purchase], random: Random
) -> None:
    """One label a decision, the same for any order and any number of deliveries."""
    shuffled = [*history, *history[::2]]
    random.shuffle(shuffled)
    expected = sorted(labels(run(history)), key=str)
    assert sorted(labels(run(shuffled)), key=str) == expected
    assert [offer for offer, _ in expected] == ["o-0", "o-1", "o-2", "o-3"]


@given(histories)
def test_late_reports_correct_once(history: list[OfferFeedback | Purchase]) -> None:
    """All reports after the deadline: label 0 each, and one correction for each that was used."""
    row = person(*(decision(n) for n in range(4)))
    row, effects = expire(row, T0 + WINDOW_MS)
    for event in history:
        row, more = credit(row, event, T0 + WINDOW_MS + HOUR_MS, POLICY)
        effects += more
    used = {decision_id[2:] for decision_id, outcome in seen(effects) if outcome == "redeemed"}
    corrected = [str(offer) for offer, label in labels(effects) if label == 1.0]
    assert sorted(corrected) == [f"o-{number}" for number in sorted(used)]
    assert len(row.open_decisions) <= OPEN_DECISIONS_MAX
