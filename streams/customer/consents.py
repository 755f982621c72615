"""What a person allows: unknown is denied, the latest said counts, a withdrawal acts at once."""

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from streams.contracts.common import ChannelName, ConsentState, Purpose
from streams.contracts.inputs.events import Event, Profile
from streams.contracts.inputs.said import DENIED, GRANTED, folded
from streams.contracts.outputs.effects import DataDropped
from streams.contracts.times import to_ms
from streams.customer.activity import seen_on
from streams.customer.change import Change, EventTiming
from streams.customer.row import ChannelActivity, Consent, ConsentSignal, Customer
from streams.customer.signals import BITS, PURPOSES, PUSH, heard, said_in

COLLECTED_FROM_MS = 946_684_800_000  # 2000-01-01: an older clock was never set
FROM_BEACONS = "zone_visits"


def is_granted(person: Customer, purpose: Purpose) -> bool:
    """Granted by the person, and denied by no signal since.

    >>> from streams.customer.row import new_customer
    >>> is_granted(new_customer("c-1", 0), "personalization")
    False
    """
    consent = person.consents.get(purpose)
    if consent is None or consent.state != "granted":
        return False
    bit = BITS[purpose]
    for signal in person.consent_signals:
        if signal.denied & bit and (signal.firm or signal.at_ms >= consent.at_ms):
            return False
    return True


def is_refused(person: Customer, purpose: Purpose) -> bool:
    """Said no, or took it back; somebody who was never asked has not refused."""
    if purpose in person.consents:
        return not is_granted(person, purpose)
    bit = BITS[purpose]
    return any(signal.denied & bit for signal in person.consent_signals)


def is_push_refused(person: Customer) -> bool:
    """Whether the phone lets no push message through: refused, or the app is gone."""
    return any(signal.denied & PUSH for signal in person.consent_signals)


def states(person: Customer, purposes: tuple[Purpose, ...]) -> dict[str, str]:
    """What holds of each purpose, as a proof: signals are counted in."""
    return {p: _state(person, p) for p in purposes}


def _state(person: Customer, purpose: Purpose) -> ConsentState:
    if is_granted(person, purpose):
        return "granted"
    consent = person.consents.get(purpose)
    if is_refused(person, purpose) and (consent is None or consent.state == "granted"):
        return "denied"
    return "unset" if consent is None else consent.state


def answered(person: Customer, event: Profile, timing: EventTiming) -> Change:
    """`consent_updated`: each purpose by itself, as of when it was said."""
    answers, dropped = answers_in(event.purposes)
    effects = tuple(DataDropped(what, event.event_id, n) for what, n in dropped.items() if n)
    if not answers:
        return Change(person, ignored="not_applicable", effects=effects)
    at_ms = said_at_ms(event, timing.at_ms)
    by_account = event.identity.customer_id is not None
    consents = dict(person.consents)
    for purpose, state in answers.items():
        consents[purpose] = newer(consents.get(purpose), Consent(state, at_ms, by_account))
    version = event.policy_version or person.consent_version
    if person.consent_version and any(at_ms < c.at_ms for c in person.consents.values()):
        version = person.consent_version  # of a text that the person has answered since
    person = replace(person, consents=consents, consent_version=version)
    return Change(without_refused(person), effects=effects)


def answers_in(
    purposes: Mapping[str, str | bool | None] | None,
) -> tuple[dict[Purpose, ConsentState], dict[Literal["unknown_purpose", "unknown_state"], int]]:
    """What is said of the purposes that we know, and how much of it we do not know.

    Names and states are read in any letter case. An answer that cannot be read is a denial.
    """
    answers: dict[Purpose, ConsentState] = {}
    unknown_purposes = unknown_states = 0
    for name, raw in (purposes or {}).items():
        purpose = PURPOSES.get(name.strip().lower())
        if purpose is None:
            unknown_purposes += 1
            continue
        state = _state_said(raw)
        unknown_states += state is None
        said = state or "denied"
        answers[purpose] = max(answers.get(purpose, said), said, key=_RESTRICTS.__getitem__)
    return answers, {"unknown_purpose": unknown_purposes, "unknown_state": unknown_states}


def _state_said(raw: str | bool | None) -> ConsentState | None:
    """The state that an answer means; None where it cannot be read."""
    answer = folded(raw)
    if answer in GRANTED:
        return "granted"
    if answer in DENIED:
        return "denied"
    return "unset" if raw is None or answer == "unset" else None


def said_at_ms(event: Profile, at_ms: int) -> int:
    """When an answer was given: `collected_at`, never after the event that tells of it.

    A clock that is ahead, or was never set, says nothing: then it was said when the event happened.
    """
    if event.collected_at is None:
        return at_ms
    collected_ms = to_ms(event.collected_at)
    return collected_ms if COLLECTED_FROM_MS <= collected_ms <= at_ms else at_ms


def newer(old: Consent | None, new: Consent) -> Consent:
    """The later of two answers to one purpose; of answers at one time the one that denies.

    What was granted without signing in adds nothing to what the account said: on a shared device
    it may be another person's word. What was denied without signing in holds.

    >>> newer(Consent("granted", 5), Consent("denied", 5)).state
    'denied'
    >>> newer(Consent("denied", 5, by_account=True), Consent("granted", 6)).state
    'denied'

    The order in which answers are told does not matter, nor when it is known whose they are: what
    a browser denied and then granted is denied again once the account's older grant is known.

    >>> browser = newer(Consent("denied", 5), Consent("granted", 6))
    >>> browser.state, newer(browser, Consent("granted", 1, by_account=True)).state
    ('granted', 'denied')
    """
    if old is None:
        return new
    said = [one for each in (old, new) for one in (each, each.refusal) if one is not None]
    holding = [one for one in said if one.by_account or one.state != "granted"]
    if old.by_account or new.by_account:
        latest = _latest(holding)
        return latest if latest.by_account else replace(latest, by_account=True)
    latest = _latest(said)
    refusal = _latest(holding) if holding and latest.state == "granted" else None
    return latest if latest.refusal == refusal else replace(latest, refusal=refusal)


def _latest(said: list[Consent]) -> Consent:
    return max(said, key=lambda one: (one.at_ms, _RESTRICTS[one.state], one.by_account))


def signaled(person: Customer, event: Event, at_ms: int) -> Customer:
    """The person after what a banner or a browser said with an event: it can only deny."""
    return with_signals(person, said_in(event, at_ms))


def with_signals(person: Customer, said: tuple[ConsentSignal, ...]) -> Customer:
    """The person after what some sources said, each in its own time."""
    known = heard(person.consent_signals, said) if said else person.consent_signals
    if known == person.consent_signals:
        return person
    return without_refused(replace(person, consent_signals=known))


def without_refused(person: Customer) -> Customer:
    """The person without what rests on a purpose that they have refused.

    The churn case is ended by the pipeline, since that is said to the world.
    """
    if is_refused(person, "location_beacon") and (person.visits or FROM_BEACONS in person.counters):
        counters = {name: c for name, c in person.counters.items() if name != FROM_BEACONS}
        channels = _without_beacons(person)
        person = replace(person, visits=(), counters=counters, channels=channels)
    if is_refused(person, "personalization") and (person.affinities or person.views):
        person = replace(person, affinities=(), views=())
    if is_refused(person, "profiling") and person.signals:
        person = replace(person, signals=())
    return person


def _without_beacons(person: Customer) -> dict[ChannelName, ChannelActivity]:
    """The channels with the store as the orders alone know it."""
    channels = dict(person.channels)
    channels.pop("store", None)
    for order in person.orders:
        if order.channel == "store":
            channels = seen_on(channels, "store", order.at_ms)
    return channels


_RESTRICTS: dict[str, int] = {"granted": 0, "unset": 1, "denied": 2}
