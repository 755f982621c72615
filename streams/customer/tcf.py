"""The IAB's TCF consent strings, read for one thing: which of our purposes they deny.

TCF v2 (EU): special feature 1 (precise location) is bit 140, consent to purpose n is bit 151 + n.
TCF Canada v1: express consent to special feature 1 is bit 139, to purpose n bit 150 + n; implied
consent to purpose n is bit 174 + n.
Source: IAB Tech Lab, Transparency and Consent String with Global Vendor List Format, v2; GPP
Extension: IAB Canada TCF.
"""

from string import ascii_lowercase, ascii_uppercase, digits

from streams.contracts.common import Purpose

PROFILES_FOR_ADVERTISING = 3
USE_OF_PROFILES = 4
BITS_MIN = 176
CANADA_BITS_MIN = 199

_SIX_BITS = {
    ord(letter): f"{value:06b}"
    for value, letter in enumerate(ascii_uppercase + ascii_lowercase + digits + "-_")
}


def bits_of(text: str) -> str:
    """The bits of a web-safe base64 string, six a letter; none where a letter is no base64.

    The IAB's strings are cut at any letter, not at whole bytes: Python's decoder refuses a quarter
    of them.

    >>> bits_of("DB"), bits_of("D B")
    ('000011000001', '')
    """
    letters = text.rstrip("=")
    bits = letters.translate(_SIX_BITS)
    return bits if len(bits) == 6 * len(letters) else ""


def read_tcf(text: str) -> frozenset[Purpose] | None:
    """What a TCF v2 string denies; None where it cannot be read and so says nothing.

    >>> read_tcf("not a string of the IAB")
    """
    bits = bits_of(text.split(".", 1)[0])
    if len(bits) < BITS_MIN or int(bits[:6], 2) != 2:
        return None
    return _denied(bits, location=140, consents=(151,))


def read_tcf_canada(text: str) -> frozenset[Purpose] | None:
    """What a TCF Canada v1 string denies: what it consents to neither expressly nor implicitly.

    >>> read_tcf_canada("")
    """
    bits = bits_of(text.split(".", 1)[0])
    if len(bits) < CANADA_BITS_MIN or int(bits[:6], 2) != 1:
        return None
    return _denied(bits, location=139, consents=(150, 174))


def _denied(bits: str, location: int, consents: tuple[int, ...]) -> frozenset[Purpose]:
    denied: set[Purpose] = set()
    if bits[location] == "0":
        denied.add("location_beacon")
    if all(bits[start + PROFILES_FOR_ADVERTISING] == "0" for start in consents):
        denied.add("profiling")
    if all(bits[start + USE_OF_PROFILES] == "0" for start in consents):
        denied.add("personalization")
    return frozenset(denied)
