"""Generated lives for the auditor: few people, browsers and phones, and all that can go wrong.

Logins at bad moments, refunds, disorder and repetition, withdrawal, quiet hours, several channels,
carts, zones, erasure. A life is a list of steps; each step becomes one event.
"""

from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from tests.support.told import (
    ALL_PURPOSES,
    Fields,
    a_shop,
    an_offer,
    consent,
    event,
    order,
    sighting,
)

PRODUCTS: tuple[Fields, ...] = (
    {"product_id": "p1", "category": "tea", "price": 5.0, "gtin": "4006381333931"},
    {"product_id": "p2", "category": "cups", "price": 9.0},
)
ZONES = ("Europe/Berlin", "Asia/Kolkata", "America/New_York")
IDENTITIES: tuple[Fields, ...] = (
    {"customer_id": "c1"},
    {"customer_id": "c1", "anonymous_id": "x"},
    {"customer_id": "c2", "anonymous_id": "x"},
    {"customer_id": "c2", "device_id": "d"},
    {"anonymous_id": "x"},
    {"anonymous_id": "y"},
    {"customer_id": "c1", "device_id": "d"},
)
NIGHT_MINUTES = 60 * 9


class Step(Struct, frozen=True):
    """One event: so many minutes after the last, told so many minutes late, by whom, what."""

    wait: float
    late: float
    who: int
    what: str
    which: int


ACTIONS = (
    "view", "view", "view", "open", "search", "add", "add", "remove", "show_cart", "checkout",
    "buy", "buy", "refund", "cancel", "agree", "agree_all", "withdraw", "object", "no_objection",
    "push_off", "push_on", "unlink", "link", "erase", "enter", "sight", "exit", "zone", "again",
    "redeem", "refuse", "dismiss", "undelivered",
)  # fmt: skip
waits = st.sampled_from((0.0, 0.05, 0.2, 1.0, 7.0, 20.0, 45.0, 70.0, 300.0, NIGHT_MINUTES, 1440.0))
lates = st.sampled_from((0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 3.0, 9.0, 15.0, 90.0))
steps = st.builds(
    Step,
    waits,
    lates,
    st.integers(0, len(IDENTITIES) - 1),
    st.sampled_from(ACTIONS),
    st.integers(0, 5),
)
lives = st.lists(steps, min_size=1, max_size=30)


def events_of(life: list[Step]) -> list[Fields]:
    """The events of a life: at first everybody agrees, at the end somebody else is there later."""
    events = [
        consent(-10, f"yes-{n}", identity=identity)
        for n, identity in enumerate(({"customer_id": "c1"}, {"customer_id": "c2"},
                                      {"anonymous_id": "x"}, {"anonymous_id": "y"}))
    ]  # fmt: skip
    now = 0.0
    for number, step in enumerate(life):
        now += step.wait
        events.append(_event(step, number, now - step.late, events))
    return [*events, event("end", "application_opened", now + 4_000, identity={"device_id": "z"})]


def _event(step: Step, number: int, minutes: float, before: list[Fields]) -> Fields:
    if step.what == "again":
        return before[-1 - step.which % len(before)]
    made: Fields = WHAT[step.what](f"e{number}", minutes, step)
    return made | {"identity": IDENTITIES[step.who]} | _request_of(made)


def _request_of(made: Fields) -> Fields:
    if made["event_name"] != "erasure_requested":
        return {}
    return {"request_id": f"r-{made['event_id']}", "requested_at": made["occurred_at"]}


def _product(step: Step) -> Fields:
    return PRODUCTS[step.which % 2]


def _browse(name: str, **fields: Any) -> Any:
    return lambda id_, minutes, step: event(
        id_,
        name,
        minutes,
        product=_product(step),
        screen={"name": "s", "dwell_ms": 5_000},
        **fields,
    )


def _order(name: str) -> Any:
    def made(id_: str, minutes: float, step: Step) -> Fields:
        line = _product(step) | {"unit_price": 5.0, "quantity": 1}
        items = [] if step.which == 5 else [line]
        channel = ("web", "store", "app")[step.which % 3]
        return order(minutes, id_, event_name=name, items=items, channel=channel) | {
            "order_id": f"o{step.which}",
            "coupons": [{"code": "TEA-10"}] if step.which == 1 else [],
        }

    return made


def _consent(state: str) -> Any:
    def made(id_: str, minutes: float, step: Step) -> Fields:
        purpose = ALL_PURPOSES[step.which % len(ALL_PURPOSES)]
        return consent(minutes, id_, purposes={purpose: state})

    return made


def _context(**consents: Any) -> Any:
    return lambda id_, minutes, step: event(
        id_, "application_opened", minutes, context={"consent": consents}
    )


def _zone_named(id_: str, minutes: float, step: Step) -> Fields:
    zone = ZONES[step.which % len(ZONES)]
    return event(id_, "application_opened", minutes, context={"timezone": zone})


def _push(status: str) -> Any:
    permission = {"kind": "push", "status": status}
    return lambda id_, minutes, step: event(
        id_, "permission_changed", minutes, permission=permission
    )


def _link(name: str) -> Any:
    def made(id_: str, minutes: float, step: Step) -> Fields:
        pairs = (("x", "c1"), ("d", "c1"), ("y", "c2"), ("x", "c2"), ("y", "x"), ("c2", "c1"))
        from_, to = pairs[step.which]
        link = {"from": from_, "to": to, "method": "loyalty_scan"}
        return event(id_, name, minutes, link=link)

    return made


def _feedback(name: str) -> Any:
    def made(id_: str, minutes: float, step: Step) -> Fields:
        offer_id = ("tea", "cups", "push", "night")[step.which % 4]
        return event(id_, name, minutes, decision_id=f"d{step.which}", offer_id=offer_id)

    return made


def _sight(observation: str) -> Any:
    return lambda id_, minutes, step: sighting(
        minutes * 60, id_, observation, dwell_ms=6_000 * (step.which % 2)
    )


WHAT: dict[str, Any] = {
    "view": _browse("product_viewed"),
    "add": _browse("product_added"),
    "remove": _browse("product_removed"),
    "open": _browse("application_opened"),
    "checkout": _browse("checkout_started"),
    "search": _browse("products_searched", query={"text": "x", "results_count": 0}),
    "show_cart": lambda id_, minutes, step: event(
        id_, "cart_viewed", minutes,
        cart={"cart_id": "k", "items": list(PRODUCTS[: step.which % 3])},
    ),
    "buy": _order("order_completed"),
    "refund": _order("order_refunded"),
    "cancel": _order("order_cancelled"),
    "agree": _consent("granted"),
    "agree_all": lambda id_, minutes, step: consent(minutes, id_),
    "withdraw": _consent("denied"),
    "object": _context(gpc=True),
    "no_objection": _context(gpc=False),
    "push_off": _push("denied"),
    "push_on": _push("granted"),
    "unlink": _link("identity_unlinked"),
    "link": _link("identity_linked"),
    "erase": lambda id_, minutes, step: event(id_, "erasure_requested", minutes),
    "enter": _sight("enter"),
    "sight": _sight("sighting"),
    "exit": _sight("exit"),
    "zone": _zone_named,
    "redeem": _feedback("offer_redeemed"),
    "refuse": _feedback("offer_refused_not_relevant"),
    "dismiss": _feedback("offer_dismissed"),
    "undelivered": _feedback("delivery_failed"),
}  # fmt: skip


def shop() -> Fields:
    """A shop in which every rule has something to do."""
    offers = [
        an_offer(offer_id="tea", coupon_code="TEA-10", once_per_person=True, redeem_within_days=1),
        an_offer(offer_id="cups", never_with=["tea"], cap={"count": 2, "days": 2}, margin=4.0),
        an_offer(offer_id="push", channels=["push"], purpose="profiling", not_after={"night": 0.1}),
        an_offer(offer_id="night", channels=["push", "app"], segment="person.orders >= 1.0"),
    ]
    made = a_shop(
        *[o | {"expected_rate": 0.5, "margin": 50.0} for o in offers],
        contact={
            "caps": [{"count": 3, "days": 1.0}, {"count": 6, "days": 7.0}],
            "calendar_day_max": 2,
            "min_gap_ms": 600_000,
        },
        arbitration={"epsilon": 0.2},
        experiment={
            "arms": [
                {"name": "policy", "share": 0.6, "chooser": "policy"},
                {"name": "uniform", "share": 0.3, "chooser": "uniform"},
                {"name": "holdout", "share": 0.1, "chooser": "holdout"},
            ]
        },
    )
    rules = [
        t | {"rearm_ms": 300_000} | ({"channel": "push"} if t["kind"] in PUSHED else {})
        for t in made["policies"]["triggers"]
    ]
    rules.append(
        {"rule_id": "nothing", "kind": "search_without_result", "channel": "push",
         "placement": "home"}
    )  # fmt: skip
    return made | {"policies": made["policies"] | {"triggers": rules}}


PUSHED = ("cart_abandoned",)
