"""Contact limits: rolling caps, the calendar day in the person's zone, and the minimum gap."""

from datetime import datetime
from typing import Literal

from streams.contracts.reference.structs import ContactPolicy, FrequencyCap, QuietHours
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS, from_ms
from streams.customer import Customer
from streams.customer.row import CONTACTS_MAX, Contact
from streams.customer.zone_time import zone_of
from streams.decisions.policy import Policy

QUARTER_MS = 15 * MINUTE_MS
LONGEST_DAY_MS = 26 * HOUR_MS  # 25 hours where the clock is set back, and an hour to spare


def blocked(
    person: Customer, policy: Policy, now_ms: int
) -> Literal["person_cap", "min_gap"] | None:
    """Why nobody may be contacted now, over all offers and channels; None: nothing in the way.

    A row that is full of contacts which some limit still counts takes no more: it would have to
    forget one, and a limit would be exceeded unseen.
    """
    contact = policy.policies.contact
    if cap_remaining(person, contact, now_ms) <= 0 or is_full(person, policy, now_ms):
        return "person_cap"
    return "min_gap" if gap_until_ms(person, contact.min_gap_ms, now_ms) is not None else None


def gap_until_ms(person: Customer, gap_ms: int, now_ms: int) -> int | None:
    """Until when the last contact is less than `gap_ms` ago; None: it is longer ago."""
    if not person.contacts:
        return None
    last = max([c.at_ms for c in person.contacts])
    return last + gap_ms if now_ms - last < gap_ms else None


def cap_remaining(person: Customer, contact: ContactPolicy, now_ms: int) -> int:
    """How many more contacts the tightest limit leaves; at least 0."""
    if not person.contacts:
        return max(0, min([contact.calendar_day_max, *[cap.count for cap in contact.caps]]))
    left = [contact.calendar_day_max - _same_day(person, now_ms)]
    left += [cap.count - within(person, cap, now_ms) for cap in contact.caps]
    return max(0, min(left))


def _same_day(person: Customer, now_ms: int) -> int:
    """Contacts on the calendar day of `now_ms`, by the person's own clock."""
    lately = [c.at_ms for c in person.contacts if now_ms - c.at_ms <= LONGEST_DAY_MS]
    if not lately:
        return 0
    zone = zone_of(person.timezone)
    today = from_ms(now_ms).astimezone(zone).date()
    return sum([from_ms(at_ms).astimezone(zone).date() == today for at_ms in lately])


def with_contact(person: Customer, new: Contact, policy: Policy) -> tuple[Contact, ...]:
    """The contacts with one more; where there is no room, the oldest that no limit counts goes."""
    contacts = person.contacts
    if len(contacts) >= CONTACTS_MAX:
        spare = (c for c in contacts if not _counts(c, policy, new.at_ms))
        leaving = next(spare, contacts[0])
        contacts = tuple(c for c in contacts if c is not leaving)
    return (*contacts, new)[-CONTACTS_MAX:]


def is_full(person: Customer, policy: Policy, now_ms: int) -> bool:
    """Whether the row has no room for one more contact: all are still counted by some limit."""
    return len(person.contacts) >= CONTACTS_MAX and all(
        _counts(c, policy, now_ms) for c in person.contacts
    )


def _counts(contact: Contact, policy: Policy, now_ms: int) -> bool:
    return now_ms - contact.at_ms < policy.reach_ms.get(contact.offer_id, policy.reach_other_ms)


def within(person: Customer, cap: FrequencyCap, now_ms: int, offer_id: str | None = None) -> int:
    """Contacts inside the cap's rolling window, of one offer or of all."""
    since = now_ms - cap.days * DAY_MS
    lately = [c for c in person.contacts if c.at_ms > since]
    return len(lately) if offer_id is None else sum([c.offer_id == offer_id for c in lately])


def quiet_until_ms(person: Customer, quiet: QuietHours, now_ms: int) -> int | None:
    """The end of the quiet hours that `now_ms` lies in, by the person's own clock; None: not in."""
    if quiet.from_hour == quiet.to_hour:
        return None
    local = from_ms(now_ms).astimezone(zone_of(person.timezone))
    if not _is_quiet(local, quiet):
        return None
    zone = zone_of(person.timezone)

    def is_over(at_ms: int) -> bool:
        return not _is_quiet(from_ms(at_ms).astimezone(zone), quiet)

    first_ms = now_ms - now_ms % QUARTER_MS + QUARTER_MS
    ends = range(first_ms, first_ms + LONGEST_DAY_MS, QUARTER_MS)
    end_ms = next((at_ms for at_ms in ends if is_over(at_ms)), None)
    if end_ms is None:
        return now_ms + DAY_MS
    while end_ms - MINUTE_MS > now_ms and is_over(end_ms - MINUTE_MS):
        end_ms -= MINUTE_MS  # a zone whose offset is no whole number of quarters
    return end_ms


def _is_quiet(local: datetime, quiet: QuietHours) -> bool:
    if quiet.from_hour < quiet.to_hour:
        return quiet.from_hour <= local.hour < quiet.to_hour
    return local.hour >= quiet.from_hour or local.hour < quiet.to_hour
