"""The IAB's consent strings, read for one thing: which of our purposes they deny.

TCF v2 core string: special feature 1 (precise location) is bit 140, purpose n is bit 151 + n.
Source: IAB Tech Lab, Transparency and Consent String with Global Vendor List Format, v2.
A GPP string holds sections between tildes; those that are TCF strings are read, others are not.
"""

from base64 import urlsafe_b64decode
from binascii import Error

from streams.contracts.common import ConsentSignals, Purpose

VERSION = 2
BITS_MIN = 176
PRECISE_LOCATION_BIT = 140
PURPOSE_BIT = 151
PROFILES_FOR_ADVERTISING = 3
USE_OF_PROFILES = 4


def denied_purposes(signals: ConsentSignals) -> tuple[Purpose, ...]:
    """Our purposes that any of the strings denies; an unreadable string denies nothing new.

    >>> denied_purposes(ConsentSignals(tcf="not a string of the IAB"))
    ()
    """
    strings = [signals.tcf] if signals.tcf else []
    strings += signals.gpp.split("~")[1:] if signals.gpp else []
    denied: set[Purpose] = set()
    for text in strings:
        denied |= _denied_by(text)
    return tuple(sorted(denied))


def _denied_by(text: str) -> set[Purpose]:
    bits = _bits(text.split(".")[0])
    if bits is None:
        return set()
    denied: set[Purpose] = set()
    if bits[PRECISE_LOCATION_BIT] == "0":
        denied.add("location_beacon")
    if bits[PURPOSE_BIT + PROFILES_FOR_ADVERTISING] == "0":
        denied.add("profiling")
    if bits[PURPOSE_BIT + USE_OF_PROFILES] == "0":
        denied.add("personalization")
    return denied


def _bits(core: str) -> str | None:
    """The core string's bits, or `None` where it is not a core string of version 2."""
    try:
        raw = urlsafe_b64decode(core + "=" * (-len(core) % 4))
    except (Error, ValueError):
        return None
    bits = "".join(f"{byte:08b}" for byte in raw)
    if len(bits) < BITS_MIN or int(bits[:6], 2) != VERSION:
        return None
    return bits
