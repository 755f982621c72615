"""What the auditor finds in the product today: the smallest life that shows each, and its rules.

An entry that the product has mended makes its test pass, which strict xfail reports: then the entry
goes, and with it the rules that the property test must still pass over.
"""

from msgspec import Struct

from tests.support.lives import Step

C1, C1_X, C2_X, C2_D, X = 0, 1, 2, 3, 4


class Finding(Struct, frozen=True):
    """A life, the rule that it breaks, and others that the same fault breaks in longer lives."""

    rule: str
    life: tuple[Step, ...]
    others: tuple[str, ...] = ()


def step(what: str, who: int = C1, wait: float = 0.0, late: float = 0.0, which: int = 0) -> Step:
    """A step; on time and at once unless said otherwise."""
    return Step(wait, late, who, what, which)


CONSENT = ("purpose_consent", "channel_consent", "zone_consent", "alert_consent", "case_open")
PUT_OFF = ("in_zone", "quiet_hours", "segment", "case_open", *CONSENT)
LIMITS = (
    "caps", "calendar_day", "min_gap", "offer_cap", "already_open", "never_with", "not_after",
    "once_per_person", "rearm",
)  # fmt: skip
FINDINGS: dict[str, Finding] = {
    "a zone that is named first in an event that is not the newest is not kept": Finding(
        "quiet_hours",
        (step("zone", late=90.0, which=2), step("open", wait=540.0), step("add")),
    ),
}
OPEN_RULES = frozenset(rule for f in FINDINGS.values() for rule in (f.rule, *f.others))
