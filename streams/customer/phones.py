"""The app on a phone: installed, pushed to, allowed to; and what became of offers."""

from msgspec.structs import replace

from streams.contracts.inputs.events import App, OfferFeedback
from streams.customer.activity import counted
from streams.customer.change import Change, EventTiming
from streams.customer.consents import with_signals
from streams.customer.row import ConsentSignal, Customer
from streams.customer.signals import BITS, PUSH, TRACKING, device_of, source_of

COUNTED_AS = {
    "push_opened": "push_opens",
    "push_dismissed": "push_dismissals",
    "application_installed": "app_installs",
    "application_uninstalled": "app_uninstalls",
    "deep_link_opened": "deep_links",
    "offer_viewed": "offer_views",
    "offer_clicked": "offer_clicks",
    "offer_dismissed": "offer_dismissals",
    "offer_redeemed": "offer_redemptions",
    "offer_refused_not_relevant": "offer_refusals",
}

FIRM = {"push": PUSH, "location": BITS["location_beacon"]}


def happened(person: Customer, event: App | OfferFeedback, timing: EventTiming) -> Change:
    """Anything that only counts."""
    name = COUNTED_AS.get(event.event_name)
    if name is None:
        return Change(person)
    return Change(replace(person, counters=counted(person.counters, name, timing.at_ms)))


def permitted(person: Customer, event: App, timing: EventTiming) -> Change:
    """`permission_changed`: what the phone's system lets through, as of the event's own time.

    Push and location are facts of the phone that no consent overrules; to refuse tracking is a
    wish, as the opt-outs of the US sections are.
    """
    if event.permission is None:
        return Change(person)
    kind, refused = event.permission.kind, event.permission.status == "denied"
    if kind == "tracking":
        source = source_of(kind, device_of(event.identity) or event.channel)
        said = ConsentSignal(source, TRACKING if refused else 0, timing.at_ms)
    elif kind in FIRM:
        denied = FIRM[kind] if refused else 0
        said = ConsentSignal(source_of(kind), denied, timing.at_ms, firm=True)
    else:
        return Change(person)
    return Change(with_signals(person, (said,)))


def uninstalled(person: Customer, event: App, timing: EventTiming) -> Change:
    """`application_uninstalled`: nothing can be pushed any more."""
    counters = counted(person.counters, "app_uninstalls", timing.at_ms)
    said = ConsentSignal(source_of("push"), PUSH, timing.at_ms, firm=True)
    return Change(with_signals(replace(person, counters=counters), (said,)))
