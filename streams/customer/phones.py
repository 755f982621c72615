"""The app on a phone: installed, pushed to, allowed to; and what became of offers."""

from msgspec.structs import replace

from streams.contracts.inputs.events import App, OfferFeedback
from streams.customer.activity import counted
from streams.customer.change import Change, EventTiming
from streams.customer.row import Customer

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


def happened(person: Customer, event: App | OfferFeedback, timing: EventTiming) -> Change:
    """Anything that only counts."""
    name = COUNTED_AS.get(event.event_name)
    if name is None:
        return Change(person)
    return Change(replace(person, counters=counted(person.counters, name, timing.at_ms)))


def permitted(person: Customer, event: App, timing: EventTiming) -> Change:
    """`permission_changed`: whether the phone lets a push through."""
    if event.permission is None or event.permission.kind != "push" or not timing.in_order:
        return Change(person)
    allowed = {"granted": True, "denied": False, "not_determined": None}
    return Change(replace(person, push_allowed=allowed[event.permission.status]))


def uninstalled(person: Customer, event: App, timing: EventTiming) -> Change:
    """`application_uninstalled`: nothing can be pushed any more."""
    counters = counted(person.counters, "app_uninstalls", timing.at_ms)
    return Change(replace(person, counters=counters, push_allowed=False))
