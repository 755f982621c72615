"""The table of docs/privacy.md, a test a cell: which signal stops what, from its own event on."""

from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any, Literal, NamedTuple

import pytest
from msgspec.structs import replace

from streams.contracts.common import (
    ChannelName,
    ConsentSignals,
    ConsentState,
    Context,
    Identity,
    Product,
    Purpose,
)
from streams.contracts.inputs import events as kinds
from streams.contracts.inputs.beacon_addresses import EddystoneEid
from streams.contracts.inputs.events import InputEvent
from streams.contracts.internal.routing import Message, Tick
from streams.contracts.outputs.effects import (
    AlertRaised,
    CaseFollowed,
    DecisionLogged,
    Effect,
    OutcomeLabeled,
    SegmentChanged,
    ZoneVisitChanged,
)
from streams.contracts.reference.structs import BeaconPlace, ChurnDefinition, TriggerKind
from streams.contracts.times import DAY_MS, MINUTE_MS, from_ms
from streams.customer import Customer, Places, address_key, counters
from streams.customer import row as rows
from streams.customer.parts import ZoneVisit
from streams.customer.rhythm import record_purchase
from streams.customer.row import AlertCase, CaseFollowUp
from streams.decisions import Policy
from streams.features import CONTEXT_FEATURES, FEATURES_VERSION, OFFER_FEATURES
from streams.models import initial_models
from streams.pipeline import World, process
from tests.unit.decisions.people import T0, offer, rule, shop, someone

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
BEACON = EddystoneEid(eid="0011223344556677")
PLACE = BeaconPlace(beacon_ref="b", address=BEACON, store_id="s-1", zone=kinds.Zone(id="z-1"))
EVERYTHING = "every purpose"

# By signal: the purposes that it denies. `own` is the row's own purpose.
SIGNALS: dict[str, tuple[str, ...]] = {
    "`consent_updated`: denied": ("own",),
    "`consent_updated`: unset": ("own",),
    "TCF, nothing allowed": ("personalization", "profiling", "location_beacon"),
    "GPP: opt-out of sale or targeted advertising": ("personalization", "profiling"),
    "GPP: precise geolocation refused": ("location_beacon",),
    "GPP: further use refused": ("model_training",),
    "GPP: sub-section Gpc": (EVERYTHING,),
    "`gpc: true`": (EVERYTHING,),
    "phone: push denied": ("push",),
    "phone: location denied": ("location_beacon",),
    "phone: tracking denied": ("personalization", "profiling"),
}
# By what stops: the purposes of which one is enough.
STOPS: dict[str, tuple[Purpose | Literal["push"], ...]] = {
    "state: interests, products viewed": ("personalization",),
    "offers of that purpose, on any channel": ("personalization",),
    "state: risk, band, churn signals": ("profiling",),
    "stage on `segment-changes`": ("profiling",),
    "alert: none raised": ("profiling",),
    "alert: an open case ends": ("profiling",),
    "learning: the churn model": ("profiling", "model_training"),
    "what became of a case, on `case-outcomes`": ("profiling",),
    "learning: what contacts are worth": ("profiling", "model_training"),
    "state: visits, zone counter, the store as a channel": ("location_beacon",),
    "`zone-visits`, offers by zone": ("location_beacon",),
    "channel push": ("marketing_push", "push"),
    "channel e-mail": ("marketing_email",),
    "channel SMS": ("marketing_sms",),
    "learning: the response model": ("model_training",),
    "learning: what offers add": ("model_training",),
}


def is_stopped(signal: str, what: str) -> bool:
    """What the table says of a cell."""
    denied = SIGNALS[signal]
    purposes = STOPS[what]
    if "own" in denied:
        return True
    if denied == (EVERYTHING,):
        return any(purpose != "push" for purpose in purposes)
    return not set(denied).isdisjoint(purposes)


def table() -> str:
    """The table as it stands on the page."""
    lines = ["| what stops | " + " | ".join(SIGNALS) + " |", "|---" * (len(SIGNALS) + 1) + "|"]
    for what, purposes in STOPS.items():
        own = ", ".join(f"`{p}`" for p in purposes if p != "push")
        cells = ("stops" if is_stopped(signal, what) else "" for signal in SIGNALS)
        lines.append(f"| {what} ({own}) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


LETTERS = ascii_uppercase + ascii_lowercase + digits + "-_"


def base64(bits: str) -> str:
    """Bits as the IAB's web-safe letters."""
    bits += "0" * (-len(bits) % 6)
    return "".join(LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def us(refused: tuple[int, ...]) -> str:
    """A GPP string of the United States' section with these of its two-bit fields refused."""
    fields = ["00"] * 27
    for at in refused:
        fields[at] = "01"
    return "DBABLA~" + base64("000001" + "".join(fields))


STRINGS = {
    "TCF, nothing allowed": ConsentSignals(tcf=base64("000010" + "0" * 240)),
    "GPP: opt-out of sale or targeted advertising": ConsentSignals(gpp=us((6,))),
    "GPP: precise geolocation refused": ConsentSignals(gpp=us((6 + 3 + 7,))),
    "GPP: further use refused": ConsentSignals(gpp=us((6 + 3 + 12 + 2,))),
    "GPP: sub-section Gpc": ConsentSignals(gpp=us(()) + "." + base64("011")),
    "`gpc: true`": ConsentSignals(gpc=True),
}
ANSWERS: dict[str, ConsentState] = {
    "`consent_updated`: denied": "denied",
    "`consent_updated`: unset": "unset",
}
PHONES: dict[str, Literal["push", "location", "tracking"]] = {
    "phone: push denied": "push",
    "phone: location denied": "location",
    "phone: tracking denied": "tracking",
}


def common(number: int, channel: ChannelName = "app") -> dict[str, Any]:
    """What every event needs, a minute apart."""
    return {
        "event_id": f"e-{number}",
        "occurred_at": from_ms(T0 + number * MINUTE_MS),
        "identity": Identity(customer_id="c-1"),
        "channel": channel,
    }


def event_of(signal: str, purpose: Purpose) -> InputEvent:
    """The event that brings a signal."""
    if signal in ANSWERS:
        said: dict[str, str | bool | None] = {purpose: ANSWERS[signal]}
        return kinds.Profile(event_name="consent_updated", purposes=said, **common(1))
    if signal in PHONES:
        denied = kinds.Permission(kind=PHONES[signal], status="denied")
        return kinds.App(event_name="permission_changed", permission=denied, **common(1))
    context = Context(consent=STRINGS[signal])
    return kinds.App(event_name="screen_viewed", context=context, **common(1))


def sighted(number: int) -> kinds.Beacon:
    """A strong signal of the beacon in zone z-1."""
    return kinds.Beacon(
        event_name="beacon_sighted",
        beacon=BEACON,
        observation="sighting",
        rssi_dbm=-50,
        **common(number, "store"),
    )


LATER: tuple[Message, ...] = (
    kinds.Clickstream(
        event_name="product_viewed",
        page=kinds.Page(path="/p"),
        product=Product(product_id="p-2", category="bags"),
        **common(2, "web"),
    ),
    sighted(3),
    replace(sighted(4), occurred_at=from_ms(T0 + 3 * MINUTE_MS + 10_000)),
    kinds.OfferFeedback(
        event_name="offer_redeemed", decision_id="d-1", offer_id="old", **common(5)
    ),
    kinds.Clickstream(
        event_name="account_cancel_page_viewed", page=kinds.Page(path="/bye"), **common(6, "web")
    ),
    Tick("c-1", T0 + 7 * DAY_MS),
)


class Told(NamedTuple):
    """A person after a signal and after some more, and what was said meanwhile."""

    at_once: Customer
    after: Customer
    said_at_once: tuple[Effect, ...]
    said_after: tuple[Effect, ...]


def policy() -> Policy:
    """An offer by each channel's purpose, and one by zone; everything that is seen asks."""
    asks: tuple[tuple[TriggerKind, ChannelName], ...] = (
        ("product_viewed", "web"),
        ("product_viewed", "push"),
        ("product_viewed", "email"),
        ("product_viewed", "sms"),
        ("zone_entered", "app"),
    )
    made = shop(
        offer("any", channels=("web",)),
        offer("push", purpose="marketing_push", channels=("push",)),
        offer("email", purpose="marketing_email", channels=("email",)),
        offer("sms", purpose="marketing_sms", channels=("sms",)),
        offer("zone", purpose="location_beacon", channels=("app",)),
        rules=tuple(rule(f"{kind}-{on}", kind=kind, channel=on) for kind, on in asks),
        churn=ChurnDefinition(control_share=0.0),
    )
    return replace(made, places=Places(beacons={address_key(BEACON): PLACE}))


WORLD = World(initial_models(), policy())
FOLLOWED = CaseFollowUp(
    "k-0", T0 - 86 * DAY_MS, T0 + 5 * DAY_MS, T0 - 30 * DAY_MS, True, "high", 0.8, 9.0
)
COMPARED = rows.Compared(
    T0,
    FEATURES_VERSION,
    bytes(4 * len(CONTEXT_FEATURES)),
    (rows.Comparison("d-1", T0, T0 + 5 * DAY_MS, "old", "standard", 0.5),),
)


def regular(case: AlertCase | None) -> Customer:
    """Somebody who has granted everything, bought weekly, and has been silent for two months."""
    rhythm = None
    for week in range(10):
        rhythm = record_purchase(rhythm, T0 - (60 + 7 * (9 - week)) * DAY_MS, 50.0)
    assert rhythm is not None
    decision = rows.OpenDecision(
        "d-1", "old", "policy", T0, T0 + DAY_MS, 0.5, 0.1, "response-0", FEATURES_VERSION,
        bytes(4 * len(CONTEXT_FEATURES)), bytes(4 * len(OFFER_FEATURES)),
    )  # fmt: skip
    return someone(
        created_at_ms=T0 - 200 * DAY_MS,
        affinities=(rows.Affinity("shoes", 3.0, T0),),
        views=(rows.View("p-1", "shoes", 9.5, T0),),
        visits=(ZoneVisit("v", "s-1", "z-0", "", T0 - 90_000, T0, T0 - 60_000),),
        counters={"zone_visits": counters.add(None, T0, 1)},
        channels={"store": rows.ChannelActivity(T0, 1.0, 1.0, 1.0)},
        rhythm=rhythm,
        spend=rows.Spend(T0 - 60 * DAY_MS, total=500.0, orders=10),
        signals=(rows.SeenSignal("low_nps", 0.5, T0, ("n-1",)),),
        open_decisions=(decision,),
        compared=COMPARED,
        churn=rows.Churn(
            risk=0.4,
            scored_at_ms=T0,
            next_tick_ms=T0 + 7 * DAY_MS,
            waiting=rows.ScoringMoment(T0, T0 + 7 * DAY_MS, rhythm),
            band="medium" if case else "low",
            case=case,
            stage="new",
            followed=(FOLLOWED,),
        ),
    )


def told(signal: str, purpose: Purpose, case: AlertCase | None) -> Told:
    """A regular, the signal, and what comes later."""
    step = process(event_of(signal, purpose), regular(case), WORLD)
    at_once, said_at_once = step.row, step.effects
    said: list[Effect] = []
    for message in LATER:
        step = process(message, step.row, WORLD)
        said.extend(step.effects)
    assert isinstance(at_once, Customer)
    assert isinstance(step.row, Customer)
    return Told(at_once, step.row, said_at_once, tuple(said))


def eligible(told_: Told, offer_id: str) -> bool:
    """Whether the offer could have been chosen in any decision after the signal."""
    return any(
        candidate.offer_id == offer_id and candidate.why_not is None
        for effect in told_.said_after
        if isinstance(effect, DecisionLogged)
        for candidate in effect.entry.offers
    )


def learned(told_: Told, model: str) -> bool:
    """Whether the model got a label."""
    labels = [e.example.model for e in told_.said_after if isinstance(e, OutcomeLabeled)]
    return model in labels


def transitions(effects: tuple[Effect, ...]) -> list[str]:
    """The alerts, by transition and the last reason."""
    return [e.alert.transition for e in effects if isinstance(e, AlertRaised)]


def both(look: Callable[[Customer], bool]) -> Callable[[Told], bool]:
    """Something that goes on, right after the signal or later."""
    return lambda t: look(t.at_once) or look(t.after)


# Whether it goes on.
GOES_ON: dict[str, Callable[[Told], bool]] = {
    "state: interests, products viewed": both(lambda p: bool(p.affinities or p.views)),
    "offers of that purpose, on any channel": lambda t: eligible(t, "any"),
    "state: risk, band, churn signals": both(
        lambda p: p.churn.risk is not None or p.churn.band != "low" or bool(p.signals)
    ),
    "stage on `segment-changes`": lambda t: any(
        isinstance(e, SegmentChanged) for e in t.said_after
    ),
    "alert: none raised": lambda t: "entered" in transitions(t.said_after),
    "alert: an open case ends": lambda t: transitions(t.said_at_once) != ["resolved"],
    "learning: the churn model": lambda t: learned(t, "churn"),
    "what became of a case, on `case-outcomes`": lambda t: any(
        isinstance(e, CaseFollowed) for e in t.said_after
    ),
    "learning: what contacts are worth": lambda t: learned(t, "save_rates"),
    "state: visits, zone counter, the store as a channel": both(
        lambda p: bool(p.visits or "zone_visits" in p.counters or "store" in p.channels)
    ),
    "`zone-visits`, offers by zone": lambda t: (
        eligible(t, "zone") or any(isinstance(e, ZoneVisitChanged) for e in t.said_after)
    ),
    "channel push": lambda t: eligible(t, "push"),
    "channel e-mail": lambda t: eligible(t, "email"),
    "channel SMS": lambda t: eligible(t, "sms"),
    "learning: the response model": lambda t: learned(t, "response"),
    "learning: what offers add": lambda t: learned(t, "uplift"),
}
CASE = AlertCase("k-1", "a-1", "medium", T0)


@pytest.mark.parametrize("what", STOPS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_cell_of_the_table(signal: str, what: str) -> None:
    """What the table says stops, stops with the signal's own event; nothing else does."""
    case = CASE if what == "alert: an open case ends" else None
    for purpose in STOPS[what]:
        if purpose == "push":
            continue
        after = told(signal, purpose, case)
        assert GOES_ON[what](after) is not is_stopped(signal, what)


def test_the_page_has_this_table() -> None:
    """docs/privacy.md holds the table that these tests are made from."""
    assert table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("purpose", ["profiling"])
def test_an_ended_case_says_why_and_nothing_of_the_person(purpose: Purpose) -> None:
    """The last message of a case has the reason code, no risk and no signals."""
    after = told("`gpc: true`", purpose, CASE)
    (alert,) = [e.alert for e in after.said_at_once if isinstance(e, AlertRaised)]
    assert (alert.case_id, alert.reason_codes) == ("k-1", ("consent_withdrawn",))
    assert (alert.risk, alert.signals, alert.recommended) == (None, (), None)
