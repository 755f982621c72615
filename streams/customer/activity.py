"""How active a person is: events by channel, the visit that is going on, named counts."""

from msgspec.structs import replace

from streams.contracts.common import ChannelName
from streams.contracts.ids import derive_id
from streams.contracts.inputs.events import App, Clickstream, Event
from streams.contracts.times import MINUTE_MS
from streams.customer import counters
from streams.customer.decay import ONCE, add_faded_sums
from streams.customer.row import ChannelActivity, Counter, Customer, Session

SESSION_SILENCE_MS = 30 * MINUTE_MS
PASSIVE = frozenset(
    {
        "beacon_sighted",
        "push_received",
        "offer_delivered",
        "offer_expired",
        "delivery_failed",
        "service_case_closed",
        "retention_outcome",
        "offer_requested",
        "customer_requested",
    }
)


def seen_on(
    channels: dict[ChannelName, ChannelActivity], channel: ChannelName, at_ms: int
) -> dict[ChannelName, ChannelActivity]:
    """The channels after one more event, at its own time."""
    old = channels.get(channel) or ChannelActivity(at_ms)
    last = old.last_at_ms
    return {
        **channels,
        channel: ChannelActivity(max(last, at_ms), *add_faded_sums(old, last, ONCE, at_ms)),
    }


def counted(held: dict[str, Counter], name: str, at_ms: int) -> dict[str, Counter]:
    """The named counters after one more of `name`."""
    return {**held, name: counters.add(held.get(name), at_ms)}


def session_with(session: Session | None, event: Clickstream | App, at_ms: int) -> Session | None:
    """The visit after an event: the same one, or a new one after 30 minutes of silence.

    An event from before the visit that is going on changes nothing.
    """
    if session is not None and at_ms < session.started_at_ms - SESSION_SILENCE_MS:
        return session
    if session is None or at_ms > session.last_at_ms + SESSION_SILENCE_MS:
        session_id = event.session_id or derive_id("s", event.event_id)
        session = Session(session_id, event.channel, at_ms, at_ms)
    name = event.event_name
    return Session(
        session.session_id,
        session.channel,
        min(session.started_at_ms, at_ms),
        max(session.last_at_ms, at_ms),
        session.views + (name in ("product_viewed", "page_viewed", "screen_viewed")),
        session.searches + (name == "products_searched"),
        session.dwell_ms + dwell_ms(event),
    )


def dwell_ms(event: Clickstream | App) -> int:
    """How long the page or the screen was looked at, if the event says so."""
    if isinstance(event, Clickstream):
        return event.page.dwell_ms or 0
    return (event.screen.dwell_ms or 0) if event.screen is not None else 0


def active(person: Customer, event: Event, name: str, at_ms: int) -> Customer:
    """The person after something that they did themselves, on the event's channel."""
    if name in PASSIVE:
        return person
    channels = seen_on(person.channels, event.channel, at_ms)
    if isinstance(event, Clickstream | App):
        session = session_with(person.session, event, at_ms)
        return replace(person, channels=channels, session=session)
    return replace(person, channels=channels)
