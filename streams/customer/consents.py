"""What a person allows: unknown is denied, the newest word counts, a withdrawal erases at once."""

from msgspec.structs import replace

from streams.contracts.common import ConsentSignals, Purpose
from streams.contracts.inputs.events import Profile
from streams.contracts.times import to_ms
from streams.customer.change import Change, EventTiming
from streams.customer.gpp import denied_purposes
from streams.customer.row import Consent, Customer


def is_granted(person: Customer, purpose: Purpose) -> bool:
    """Granted explicitly, and no Global Privacy Control against it.

    >>> from streams.customer.row import new_customer
    >>> is_granted(new_customer("c-1", 0), "personalization")
    False
    """
    consent = person.consents.get(purpose)
    return consent is not None and consent.state == "granted" and not person.gpc


def states(person: Customer, purposes: tuple[Purpose, ...]) -> dict[str, str]:
    """What the person said of each purpose, as a proof."""
    known = person.consents
    return {p: known[p].state if p in known else "unset" for p in purposes}


def answered(person: Customer, event: Profile, timing: EventTiming) -> Change:
    """`consent_updated`: each purpose by itself, as of when it was collected."""
    if not event.purposes:
        return Change(person, ignored="not_applicable")
    at_ms = timing.at_ms if event.collected_at is None else to_ms(event.collected_at)
    consents = dict(person.consents)
    for purpose, state in event.purposes.items():
        consents[purpose] = newer(consents.get(purpose), Consent(state, at_ms))
    version = event.policy_version or person.consent_version
    return Change(without_refused(replace(person, consents=consents, consent_version=version)))


def newer(old: Consent | None, new: Consent) -> Consent:
    """The later of two answers to one purpose; of answers at one time the one that denies.

    >>> newer(Consent("granted", 5), Consent("denied", 5)).state
    'denied'
    """
    if old is None or new.at_ms > old.at_ms:
        return new
    if new.at_ms < old.at_ms:
        return old
    return max(old, new, key=lambda consent: _RESTRICTS[consent.state])


def signaled(person: Customer, signals: ConsentSignals, timing: EventTiming) -> Customer:
    """What a browser says with an event: it can deny, and never grants.

    A `gpc` that is false takes back an earlier `gpc` only; a string that allows something is not
    the person's word to us.
    """
    gpc = person.gpc
    if signals.gpc is not None and timing.in_order:
        gpc = signals.gpc
    denied = denied_purposes(signals)
    consents = dict(person.consents)
    for purpose in denied:
        consents[purpose] = newer(consents.get(purpose), Consent("denied", timing.at_ms))
    if gpc == person.gpc and consents == person.consents:
        return person
    return without_refused(replace(person, gpc=gpc, consents=consents))


def without_refused(person: Customer) -> Customer:
    """The person without what rests on a purpose that they have refused."""
    if _refused(person, "location_beacon") and person.visits:
        person = replace(person, visits=())
    if _refused(person, "personalization") and (person.affinities or person.views):
        person = replace(person, affinities=(), views=())
    if _refused(person, "profiling") and person.signals:
        person = replace(person, signals=())
    return person


def _refused(person: Customer, purpose: Purpose) -> bool:
    """Said no, or took it back; somebody who was never asked has not refused."""
    return person.gpc or (purpose in person.consents and not is_granted(person, purpose))


_RESTRICTS = {"granted": 0, "unset": 1, "denied": 2}
