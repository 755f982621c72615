"""What the auditor once found: the smallest life that showed each, and the rule.

Most were faults of the product, some of the auditor.
"""

from msgspec import Struct

from tests.support.lives import Step

C1, C1_X, C2_X, C2_D, X, Y, C1_D = range(7)


class Finding(Struct, frozen=True):
    """A life, and the rule that it broke."""

    rule: str
    life: tuple[Step, ...]


def step(what: str, who: int = C1, wait: float = 0.0, late: float = 0.0, which: int = 0) -> Step:
    """A step; on time and at once unless said otherwise."""
    return Step(wait, late, who, what, which)


MENDED: dict[str, Finding] = {
    "a zone that is named first in an event that is not the newest": Finding(
        "quiet_hours",
        (step("zone", late=90.0, which=2), step("open", wait=540.0), step("add")),
    ),
    "a link of two others is told by a visitor who is somebody else by now": Finding(
        "person",
        (
            step("view"),
            step("link", wait=70.0, which=4),
            step("view", who=X, wait=540.0),
            step("link", who=5, which=1),
        ),
    ),
    "a second entry says how long the visit has lasted": Finding(
        "zone_dwell", (step("enter"), step("enter", which=1))
    ),
    "the exit is told by the visitor, the entry by the login": Finding(
        "in_zone", (step("exit", who=X), step("enter", who=C1_X))
    ),
    "a visitor and the login ask for one put-off rule in one night": Finding(
        "rearm",
        (
            *(step("view") for _ in range(4)),
            *(step("view", wait=300.0) for _ in range(2)),
            step("search", who=X),
            step("search", who=C2_X),
        ),
    ),
    "an erasure names a device that is another customer's": Finding(
        "rearm",
        (
            step("view", who=C2_D),
            step("erase", who=C1_D),
            step("view", who=C2_X, wait=0.05),
        ),
    ),
    "a link is told to a customer who was erased at that moment": Finding(
        "person",
        (
            step("view"),
            step("view"),
            step("erase", who=C2_X),
            step("link", which=2),
            step("view", who=Y),
        ),
    ),
    "a login that comes again is older than the erasure of the visitor": Finding(
        "person",
        (
            step("view", who=C2_X),
            step("view", who=C1_X),
            step("erase", who=C2_X, wait=20.0),
            step("again", which=1),
            step("view", who=X, wait=0.05),
        ),
    ),
    "a request that was overtaken is no use of the rule": Finding(
        "rearm",
        (
            step("view"),
            step("search", who=X),
            step("search", who=C1_X, wait=7.0),
            step("search", wait=70.0, late=15.0),
        ),
    ),
    "a second entry says that the visit began before the first": Finding(
        "zone_dwell",
        (
            *(step("view") for _ in range(3)),
            step("enter", who=C2_X, late=0.05),
            step("view"),
            step("enter", who=C2_X, which=1),
        ),
    ),
    "an event comes again after an erasure that was asked for before it": Finding(
        "logged_once",
        (
            *(step("view") for _ in range(5)),
            step("view", who=C2_X),
            step("erase", who=C1_X, late=0.05),
            *(step("view") for _ in range(2)),
            step("again", which=3),
        ),
    ),
    "a cart of before the consent is told after it": Finding(
        "cart_there", (step("add", late=90.0), step("sight", late=90.0))
    ),
    "a visit is over when the login shows that the person has gone on": Finding(
        "in_zone", (step("view", who=X, wait=7.0), step("sight", who=C1_X, late=15.0, which=1))
    ),
    "an unlink is older than what the customer did since, under an id of their own": Finding(
        "person",
        (
            step("link", which=5),
            step("agree_all", who=C2_X, wait=0.05),
            step("unlink", late=0.05, which=5),
            step("view", who=C2_X),
        ),
    ),
}
