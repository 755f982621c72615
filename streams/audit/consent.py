"""What a person allows, told anew: the latest word counts, of two at one time the one that denies.

Words are the person's own (`consent_updated`), consent strings and Global Privacy Control that a
browser sends, and what the phone's system permits. A string denies and never grants; the newest
string of the same browser or device stands for all earlier ones of it. An objection by Global
Privacy Control stands until the same browser or device takes it back. The person's own later grant
overrules both, and nothing that the phone's system refuses.
"""

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.audit.people import is_id
from streams.audit.verdicts import FINE, Answer, Broken, Unknown
from streams.contracts.inputs.events import App, Profile
from streams.contracts.times import to_ms

CHANNEL_PURPOSE = {"push": "marketing_push", "email": "marketing_email", "sms": "marketing_sms"}
STRING_BITS = {"location_beacon": 140, "profiling": 154, "personalization": 155}
OWN, STRING, OBJECTION, SYSTEM = "consent", "consent string", "Global Privacy Control", "the phone"
STATES = {
    "granted": "granted",
    "true": "granted",
    "1": "granted",
    "unset": "unset",
    "none": "unset",
}
CENTURY_MS = 946_684_800_000
STRICTNESS = {"granted": 0, "allowed": 0, "unset": 1, "denied": 2}


class Word(Struct, frozen=True):
    """One thing that was said of a purpose: from `at_ms` on, by a `source`, in an event."""

    at_ms: int
    state: str
    kind: str
    source: str
    event_id: str


def may(known: Iterable[Arrival], purpose: str) -> Answer:
    """Whether the person allows a purpose, by all that had come."""
    events = list(known)
    own = _own(events, purpose)
    if own is None:
        return Broken(f"{purpose} was never granted")
    if own.state != "granted":
        return Broken(f"{purpose} is {own.state}", (own.event_id,))
    objections = [w for w in _standing(_objections(events)) if w.at_ms >= own.at_ms]
    if objections:
        return Broken(f"{purpose}: objected to by {OBJECTION}", _ids(objections))
    strings = [w for w in _standing(_strings(events, purpose)) if w.at_ms >= own.at_ms]
    if strings:
        return Broken(f"{purpose}: denied by a {STRING}", _ids(strings))
    if purpose == "location_beacon" and (system := _system(events, "location")):
        return Broken(f"{purpose}: {SYSTEM} refuses it", (system.event_id,))
    if any(_is_unread(a) for a in events):
        return Unknown("a consent string that is not read here")
    return FINE


def may_by_channel(known: Iterable[Arrival], channel: str) -> Answer:
    """Whether the person allows a channel; channels without a purpose of their own are free."""
    events = list(known)
    purpose = CHANNEL_PURPOSE.get(channel)
    if channel == "push" and (system := _system(events, "push")):
        return Broken(f"{SYSTEM} refuses push", (system.event_id,))
    return None if purpose is None else may(events, purpose)


def _own(events: list[Arrival], purpose: str) -> Word | None:
    """The person's own newest word; what is granted without signing in adds none to an account's.

    On a shared device it may be another person's.
    """
    account: list[Word] = []
    unknown: list[Word] = []
    for a in events:
        event = a.event
        if not isinstance(event, Profile) or not event.purposes:
            continue
        states = [STATES.get(_folded(s), "denied") for n, s in event.purposes.items()
                  if _folded(n) == purpose]  # fmt: skip
        if not states:
            continue
        state = max(states, key=STRICTNESS.__getitem__)
        by_account = is_id(event.identity.customer_id)
        (account if by_account else unknown).append(
            Word(_said_ms(event, a.at_ms), state, OWN, "", a.event_id)
        )
    if account:
        unknown = [word for word in unknown if word.state != "granted"]
    return _newest([*account, *unknown])


def _said_ms(event: Profile, at_ms: int) -> int:
    """Nobody agrees in the future, nor before this century."""
    if event.collected_at is None:
        return at_ms
    collected_ms = to_ms(event.collected_at)
    return collected_ms if CENTURY_MS <= collected_ms <= at_ms else at_ms


def _folded(said: object) -> str:
    return str(said).strip().lower()


def _objections(events: list[Arrival]) -> Iterator[Word]:
    for a in events:
        signals = a.event.context.consent
        if signals is not None and signals.gpc is not None:
            if not signals.gpc and _named_browser(a) is None:
                continue  # it could be another browser's
            state = "denied" if signals.gpc else "allowed"
            yield Word(a.at_ms, state, OBJECTION, _browser(a), a.event_id)


def _strings(events: list[Arrival], purpose: str) -> Iterator[Word]:
    bit = STRING_BITS.get(purpose)
    for a in events:
        if bit is None:
            return
        read = [bits for text in _texts(a) if (bits := _bits(text)) is not None]
        if read:
            state = "denied" if any(bits[bit] == "0" for bits in read) else "allowed"
            yield Word(a.at_ms, state, STRING, _browser(a), a.event_id)


def _system(events: list[Arrival], kind: str) -> Word | None:
    """What the phone's system said last of a permission, if it refuses."""
    words = []
    for a in events:
        event = a.event
        if not isinstance(event, App):
            continue
        if event.event_name == "application_uninstalled" and kind == "push":
            words.append(Word(a.at_ms, "denied", SYSTEM, "", a.event_id))
        elif event.permission is not None and event.permission.kind == kind:
            state = {"not_determined": "unset"}.get(
                event.permission.status, event.permission.status
            )
            words.append(Word(a.at_ms, state, SYSTEM, "", a.event_id))
    newest = _newest(words)
    return newest if newest is not None and newest.state == "denied" else None


def _newest(words: Iterable[Word]) -> Word | None:
    return max(words, key=lambda w: (w.at_ms, STRICTNESS.get(w.state, 2)), default=None)


def _standing(words: Iterable[Word]) -> list[Word]:
    """The newest word of each browser or device, where it denies."""
    by_source: dict[str, list[Word]] = {}
    for word in words:
        by_source.setdefault(word.source, []).append(word)
    newest = (_newest(said) for said in by_source.values())
    return [word for word in newest if word is not None and word.state == "denied"]


def _browser(arrival: Arrival) -> str:
    """Which browser or device an event came from, as far as it says."""
    return _named_browser(arrival) or arrival.event.channel


def _named_browser(arrival: Arrival) -> str | None:
    identity = arrival.event.identity
    names = (identity.anonymous_id, identity.device_id)
    return next((n for n in names if n is not None and is_id(n)), None)


def _texts(arrival: Arrival) -> list[str]:
    signals = arrival.event.context.consent
    if signals is None:
        return []
    sections = signals.gpp.split("~")[1:] if signals.gpp else []
    return [text for text in (signals.tcf, *sections) if text]


def _is_unread(arrival: Arrival) -> bool:
    return any(_bits(text) is None for text in _texts(arrival))


def _bits(text: str) -> str | None:
    """The core of an IAB TCF v2 string as bits; None where it is something else."""
    core = text.split(".")[0]
    try:
        raw = urlsafe_b64decode(core + "=" * (-len(core) % 4))
    except ValueError:
        return None
    bits = "".join(f"{byte:08b}" for byte in raw)
    return bits if len(bits) >= 176 and bits.startswith("000010") else None


def _ids(words: list[Word]) -> tuple[str, ...]:
    return tuple(word.event_id for word in words)
