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
    "a refused offer is made again": Finding("refused", (step("refuse"), step("add"))),
    "an objection (GPC) in an event that is not the newest is not heard": Finding(
        "purpose_consent", (step("undelivered"), step("object", late=9.0)), CONSENT
    ),
    "a denial as anonymous, newer than the account's grant, is lost at login": Finding(
        "purpose_consent", (step("withdraw", X), step("open", C2_X), step("view", C2_D)), CONSENT
    ),
    "push refused by the phone in an event that is not the newest is not heard": Finding(
        "channel_consent", (step("push_off", late=15.0), step("add")), CONSENT
    ),
    "a reminder put off overnight speaks of a cart that was bought": Finding(
        "cart_there", (step("add", wait=540.0), step("buy", wait=300.0)), PUT_OFF
    ),
    "a cart that is merged by the order's own event is spoken of": Finding(
        "cart_there", (step("add", X), step("buy", C2_X))
    ),
    "what was taken out comes back when the addition before it arrives late": Finding(
        "cart_there", (step("remove"), step("add", late=90.0))
    ),
    "a started checkout does not postpone the reminder": Finding(
        "cart_rested", (step("add"), step("checkout", wait=1.0))
    ),
    "after a conflict the second person's login never links the device": Finding(
        "person",
        (
            step("view", C1_X),
            step("open", C2_X),
            step("unlink"),
            step("open", C2_X),
            step("view", C1_X, wait=1.0),
            step("view", X, wait=300.0),
        ),
        LIMITS,
    ),
    "an event as old as an erasure or older makes a person again, and decides again": Finding(
        "logged_once",
        (step("add", C1_X, wait=1440.0, late=90.0), step("erase"), step("again", which=1)),
        ("erased", "logged", "once", "person", *CONSENT, *LIMITS),
    ),
    "a decision is made before the link that its own event brings": Finding(
        "rearm", (step("view", X, which=1), step("view", C1_X, wait=4.0, which=1)), LIMITS
    ),
    "a zone that is named first in an event that is not the newest is not kept": Finding(
        "quiet_hours",
        (step("zone", late=90.0, which=2), step("open", wait=540.0), step("add")),
    ),
    "an exit that arrives before the sightings that it ends is not heard": Finding(
        "in_zone", (step("exit"), step("sight", late=9.0, which=5)), ("zone_dwell",)
    ),
    "a case stays open when profiling is withdrawn": Finding(
        "case_left_open", (step("buy", X), step("buy", X, which=4), step("object", C2_X)),
        ("one_case", "armed", "transition"),
    ),
}  # fmt: skip
OPEN_RULES = frozenset(rule for f in FINDINGS.values() for rule in (f.rule, *f.others))
