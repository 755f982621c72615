"""US privacy sections of a GPP string, read for one thing: which of our purposes they deny.

The sections of the United States and of each state share one layout: a version, notices, opt-outs,
sensitive data by category, consents for a known child, consent to further use, all of two bits;
they differ in how many of each there are. In every field that is read, 1 means refused.
Source: IAB Tech Lab, Global Privacy Platform, Sections/US-National and Sections/US-States.
"""

from typing import Final, get_args

from msgspec import Struct

from streams.contracts.common import Purpose
from streams.customer.tcf import bits_of

ALL_PURPOSES: Final[frozenset[Purpose]] = frozenset(get_args(Purpose))
OFFERS: Final[frozenset[Purpose]] = frozenset({"personalization", "profiling"})
LOCATION: Final[frozenset[Purpose]] = frozenset({"location_beacon"})
FURTHER_USE: Final[frozenset[Purpose]] = frozenset({"model_training"})
CHILD: Final[frozenset[Purpose]] = OFFERS | LOCATION | FURTHER_USE

VERSION_BITS = 6
MSPA_FIELDS = 3
GPC_TYPE = "01"
USP_LETTERS = frozenset("YNyn-")


class Layout(Struct, frozen=True):
    """How many two-bit fields of each kind a section has, in this order.

    `geolocation` is the place of precise geolocation among the categories of sensitive data.
    """

    notices: int = 3
    opt_outs: int = 2
    sensitive: int = 8
    geolocation: int | None = 7
    child: int = 1
    further_use: bool = True

    @property
    def bits(self) -> int:
        """How long a core is, without the padding."""
        read = self.notices + self.opt_outs + self.sensitive + self.child + self.further_use
        return VERSION_BITS + 2 * (read + MSPA_FIELDS)


LAYOUTS: Final[dict[tuple[int, int], Layout]] = {
    (7, 1): Layout(notices=6, opt_outs=3, sensitive=12, child=2),  # United States
    (7, 2): Layout(notices=6, opt_outs=3, sensitive=16, child=3),
    (8, 1): Layout(sensitive=9, geolocation=2, child=2),  # California
    (9, 1): Layout(further_use=False),  # Virginia
    (10, 1): Layout(sensitive=7, geolocation=None, further_use=False),  # Colorado
    (11, 1): Layout(notices=4, further_use=False),  # Utah
    (12, 1): Layout(child=3, further_use=False),  # Connecticut
    (13, 1): Layout(child=3),  # Florida
    (14, 1): Layout(child=3),  # Montana
    (15, 1): Layout(sensitive=11, geolocation=10, child=3),  # Oregon
    (16, 1): Layout(),  # Texas
    (17, 1): Layout(sensitive=9, child=5),  # Delaware
    (18, 1): Layout(notices=4, further_use=False),  # Iowa
    (19, 1): Layout(),  # Nebraska
    (20, 1): Layout(child=3),  # New Hampshire
    (21, 1): Layout(sensitive=10, child=5),  # New Jersey
    (22, 1): Layout(),  # Tennessee
    (23, 1): Layout(),  # Minnesota
}
"""By section id and version. Later sections (24 Maryland and on) begin with a header of another
kind; their specification is a draft, and they are passed over."""


def read_us_section(section_id: int, text: str) -> frozenset[Purpose] | None:
    """What a section denies; None where it is unknown, of another version, or too short.

    >>> sorted(read_us_section(9, "BbYbG9s"))
    ['personalization', 'profiling']
    >>> read_us_section(9, "CbYbG9s")
    """
    core, *others = text.split(".")
    bits = bits_of(core)
    layout = LAYOUTS.get((section_id, int(bits[:VERSION_BITS] or "0", 2)))
    if layout is None or len(bits) < layout.bits:
        return None
    if any(bits_of(other)[:3] == GPC_TYPE + "1" for other in others):
        return ALL_PURPOSES
    return _denied_by_core(bits, layout)


def read_us_privacy(text: str) -> frozenset[Purpose] | None:
    """What a US Privacy string (`1YNN`, section 6) denies: its third letter is the opt-out of sale.

    >>> sorted(read_us_privacy("1YYN"))
    ['personalization', 'profiling']
    """
    if len(text) != 4 or text[0] != "1" or not USP_LETTERS.issuperset(text[1:]):
        return None
    return OFFERS if text[2] in "Yy" else frozenset()


def _denied_by_core(bits: str, layout: Layout) -> frozenset[Purpose]:
    at = VERSION_BITS + 2 * layout.notices
    denied: frozenset[Purpose] = frozenset()
    if _refused(bits, at, layout.opt_outs):
        denied |= OFFERS
    at += 2 * layout.opt_outs
    if layout.geolocation is not None and _refused(bits, at + 2 * layout.geolocation, 1):
        denied |= LOCATION
    at += 2 * layout.sensitive
    if _refused(bits, at, layout.child):
        denied |= CHILD
    at += 2 * layout.child
    if layout.further_use and _refused(bits, at, 1):
        denied |= FURTHER_USE
    return denied


def _refused(bits: str, start: int, fields: int) -> bool:
    """Does any of so many two-bit fields say 1, "opted out" or "no consent"?"""
    return any(bits[at : at + 2] == "01" for at in range(start, start + 2 * fields, 2))
