"""Whatever is told of coupons, the auditor finds nothing in how the product keeps its budgets."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import BudgetUsed
from streams.contracts.times import DAY_MS
from streams.feedback import purchases, shown
from streams.leases import LeaseBook
from streams.leases import lease as leases
from tests.support.audited import compiled, judged, produced
from tests.support.told import Fields, a_shop, an_offer, broken, consent, event, order

DAY = 1_440.0
NAMED = ("code", "offer_id", "decision_id", "both")
IDENTITIES: tuple[Fields, ...] = (
    {"customer_id": "c1"},
    {"customer_id": "c2"},
    {"anonymous_id": "x"},
    {"customer_id": "c1", "anonymous_id": "x"},
)
TOLD = {
    "order": "order_completed",
    "update": "order_updated",
    "cancel": "order_cancelled",
    "refund": "order_refunded",
}


class Step(Struct, frozen=True):
    """So many minutes after the last, by whom, what; of which order, and how its coupon is told."""

    wait: float
    who: int
    what: str
    order: int
    named: str
    discount: float
    decision: int


steps = st.builds(
    Step,
    st.sampled_from((1.0, 10.0, 90.0, DAY, 5 * DAY, 9 * DAY)),
    st.integers(0, len(IDENTITIES) - 1),
    st.sampled_from(("open", "open", "open", "report", "order", "order", *TOLD)),
    st.integers(0, 2),
    st.sampled_from(NAMED),
    st.sampled_from((0.0, 1.0, 3.0, 5.0, 7.5)),
    st.integers(0, 2),
)


def shop(budget: float, after_cancel: str) -> Fields:
    """Two offers with little money, one of them without a coupon of its own."""
    more = {"expected_rate": 0.5, "margin": 50.0, "discount": 4.0, "discount_max": 5.0}
    tea = an_offer(offer_id="tea", coupon_code="TEA", redeem_within_days=1.0, budget=budget, **more)
    cups = an_offer(offer_id="cups", redeem_within_days=3.0, budget=budget, **more)
    return a_shop(tea, cups, orders={"coupon_after_cancel": after_cancel})


def events_of(life: list[Step]) -> list[Fields]:
    """The events of a life: everybody agrees first, and at the end all coupons are over."""
    told = [consent(-10, f"yes-{n}", identity=who) for n, who in enumerate(IDENTITIES[:3])]
    now, decided = 0.0, [""]
    for number, step in enumerate(life):
        now += step.wait
        made = _event(step, f"e{number}", now, decided)
        told.append(made | {"identity": IDENTITIES[step.who]})
        if step.what == "open":
            decided.append(derive_id("d", f"e{number}", "application_opened"))
    return [
        *told,
        event("end", "application_opened", now + 30 * DAY, identity={"customer_id": "c2"}),
    ]


def _event(step: Step, id_: str, now: float, decided: list[str]) -> Fields:
    decision = decided[-1 - step.decision % len(decided)]
    if step.what == "open":
        return event(id_, "application_opened", now)
    if step.what == "report":
        return event(id_, "offer_redeemed", now, decision_id=decision or "d0", offer_id="tea")
    names: dict[str, Fields] = {
        "code": {"code": "tea"},
        "offer_id": {"offer_id": "cups" if step.decision else "tea"},
        "decision_id": {"decision_id": decision or "d0"},
        "both": {"code": "TEA", "decision_id": decision or "d0"},
    }
    off: dict[str, Any] = {"discount": step.discount} if step.discount else {}
    return order(
        now,
        id_,
        event_name=TOLD[step.what],
        order_id=f"o{step.order}",
        coupons=[names[step.named] | off],
    )


@settings(max_examples=150)
@given(
    st.lists(steps, min_size=4, max_size=30),
    st.sampled_from((5.0, 10.0, 14.0)),
    st.sampled_from(("used", "free")),
)
def test_what_is_used_and_reserved_is_never_more_than_the_budget(
    life: list[Step], budget: float, after_cancel: str
) -> None:
    """By code, offer or decision, raised, cancelled, by visitors, before and after a login."""
    assert found_in(life, budget, after_cancel) == set()


def found_in(life: list[Step], budget: float, after_cancel: str = "used") -> set[str]:
    """The rules that the auditor finds broken in a life."""
    made, events = shop(budget, after_cancel), events_of(life)
    report = judged(events, produced(events, compiled(made)), made)
    assert report.refused == 0
    return broken(report)


def used_and_asked(words: tuple[float, ...]) -> list[Step]:
    """Each coupon is used, its order told in these words, and the next is asked for."""
    told: list[Step] = []
    for number in range(8):
        told.append(Step(DAY, 0, "open", 0, "code", 0.0, 0))
        for off in words:
            what = "update" if told[-1].what != "open" else "order"
            told.append(Step(1.0, 0, what, number, "decision_id", off, 0))
    return told


def test_a_charge_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product frees what was reserved and forgets what the use cost."""
    life = used_and_asked((3.0,))
    assert found_in(life, 10.0) == set()
    charge = LeaseBook.charge

    def freed(book: LeaseBook, used: BudgetUsed) -> None:
        charge(book, replace(used, cost=0))

    monkeypatch.setattr(LeaseBook, "charge", freed)
    assert found_in(life, 10.0) == {"budget"}


def test_a_raise_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word of an order is charged, and what an update says beyond it is not."""
    life = used_and_asked((1.0, 4.0))
    assert found_in(life, 10.0) == set()
    for room in (purchases, shown):
        monkeypatch.setattr(room, "charge_raised", lambda person, *_: (person, ()))
    assert found_in(life, 10.0) == {"budget"}


def test_a_reservation_that_ends_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody uses a coupon; its money is there again before the week of grace is over."""
    life = [Step(2 * DAY, n % 2, "open", 0, "code", 0.0, 0) for n in range(12)]
    assert found_in(life, 5.0) == set()
    last_day = leases.last_day
    monkeypatch.setattr(leases, "last_day", lambda until, at: last_day(until - 4 * DAY_MS, at))
    assert found_in(life, 5.0) == {"budget"}
