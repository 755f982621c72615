"""What contacts do later: how often people come after a decision, and whether they opt out."""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.contracts.times import WEEK_MS
from streams.customer.counters import count
from streams.customer.row import Comparison, Customer

FATIGUE = "fatigue"
CAME = ("page_views", "app_opens")
CONTACT_PURPOSES = ("personalization", "marketing_push", "marketing_email", "marketing_sms")


def after_contacts(
    person: Customer, comparison: Comparison, compared: LearningExample
) -> LearningExample:
    """The example of fatigue that goes with an example of what an offer adds.

    The label is how many pages and openings of the app there were in its time; `crowding`: for each
    contact in it the contacts of the seven days before, summed up.
    """
    since_ms, until_ms = comparison.opened_at_ms, comparison.ends_at_ms
    took_ms = until_ms - since_ms
    came = sum_of(count(person.counters.get(name), until_ms, took_ms) for name in CAME)
    kept = {name: x for name, x in compared.features.items() if name.startswith(("c.", "orders_"))}
    return replace(
        compared,
        example_id=derive_id("x", comparison.decision_id, FATIGUE),
        model=FATIGUE,
        label=round(came, 6),
        features={
            **kept,
            "offered": compared.features["offered"],
            "margin": compared.features["margin"],
            "treated": float(bool(comparison.offer_id)),
            "crowding": float(_crowding(person, since_ms, until_ms)),
            "opted_out": float(_opted_out(person, since_ms, until_ms)),
        },
        offer_id=None,
    )


def _crowding(person: Customer, since_ms: int, until_ms: int) -> int:
    times = [contact.at_ms for contact in person.contacts]
    return sum(
        sum(0 < at_ms - before_ms < WEEK_MS for before_ms in times)
        for at_ms in times
        if since_ms <= at_ms < until_ms
    )


def _opted_out(person: Customer, since_ms: int, until_ms: int) -> bool:
    said = [person.consents[p] for p in CONTACT_PURPOSES if p in person.consents]
    return any(c.state == "denied" and since_ms < c.at_ms <= until_ms for c in said)
