"""What banners, browsers and phones say beside the person's own words, each by its source.

A signal can only deny. It holds until the same source says otherwise, later; or until the person
grants the purpose in so many words, later. A source is a kind of signal on one browser or phone.
"""

from collections.abc import Iterable
from typing import Final, get_args

from streams.contracts.common import Identity, Purpose
from streams.contracts.ids import hash64
from streams.contracts.inputs.events import Event
from streams.customer.gpp import read_strings
from streams.customer.row import CONSENT_SIGNALS_MAX, ConsentSignal

PURPOSES: Final[dict[str, Purpose]] = {name: name for name in get_args(Purpose)}
BITS: Final[dict[Purpose, int]] = {name: 1 << at for at, name in enumerate(PURPOSES.values())}
EVERY_PURPOSE: Final = sum(BITS.values())
PUSH: Final = 1 << 15  # no purpose: whether the phone lets a push message through
TRACKING: Final = BITS["personalization"] | BITS["profiling"]
ANY_BROWSER: Final = 0


def source_of(kind: str, device: str = "") -> int:
    """The source of a kind of signal on a device, as a number that says nothing of the device."""
    return hash64(f"{kind}:{device}")


def device_of(identity: Identity) -> str | None:
    """The browser or phone that an event came from, where it says so."""
    return identity.anonymous_id or identity.device_id


def said_in(event: Event, at_ms: int) -> tuple[ConsentSignal, ...]:
    """What the consent strings and the Global Privacy Control of an event say.

    A `gpc` that is false is heard only from a browser with an id: from anywhere else it could be
    another browser's.
    """
    signals = event.context.consent
    if signals is None:
        return ()
    device = device_of(event.identity)
    place = device or event.channel
    said = [
        ConsentSignal(source_of(name, place), sum(BITS[p] for p in denied), at_ms)
        for name, denied in read_strings(signals.tcf or "", signals.gpp or "")
    ]
    if signals.gpc and device is None:
        said.append(ConsentSignal(ANY_BROWSER, EVERY_PURPOSE, at_ms))
    elif signals.gpc is not None and device is not None:
        said.append(
            ConsentSignal(source_of("gpc", device), EVERY_PURPOSE if signals.gpc else 0, at_ms)
        )
    return tuple(said)


def heard(
    known: tuple[ConsentSignal, ...], said: Iterable[ConsentSignal]
) -> tuple[ConsentSignal, ...]:
    """The newest of every source; of two at one time both hold. The order does not matter.

    Beyond `CONSENT_SIGNALS_MAX` sources the oldest that deny nothing are forgotten, then the
    oldest denials become one of no known source, which only the person's own word ends.

    >>> heard((ConsentSignal(7, 1, 5),), (ConsentSignal(7, 0, 6), ConsentSignal(7, 2, 4)))
    (ConsentSignal(source=7, denied=0, at_ms=6, firm=False),)
    """
    by_source = {one.source: one for one in known}
    for one in said:
        by_source[one.source] = _newer(by_source.get(one.source), one)
    while len(by_source) > CONSENT_SIGNALS_MAX:
        _forget_one(by_source)
    return tuple(by_source.values())


def _newer(old: ConsentSignal | None, new: ConsentSignal) -> ConsentSignal:
    if old is None or new.at_ms > old.at_ms:
        return new
    if new.at_ms < old.at_ms:
        return old
    return ConsentSignal(old.source, old.denied | new.denied, old.at_ms, old.firm)


def _forget_one(by_source: dict[int, ConsentSignal]) -> None:
    wishes = [one for one in by_source.values() if not one.firm and one.source != ANY_BROWSER]
    leaving = min(wishes, key=lambda one: (one.denied != 0, one.at_ms, one.source))
    del by_source[leaving.source]
    if leaving.denied:
        rest = by_source.get(ANY_BROWSER, ConsentSignal(ANY_BROWSER, 0, 0))
        by_source[ANY_BROWSER] = ConsentSignal(
            ANY_BROWSER, rest.denied | leaving.denied, max(rest.at_ms, leaving.at_ms)
        )
