"""What a contact would do on the average of the luck that is still to come.

One life tells little: most whom a contact would keep would have stayed this half year anyway. So
the effect is averaged over when the person leaves, and over the draws of the contact, given all
that is true of them by now: who they are, how their rate of leaving runs, what they would buy for
as long as they stay. Contacts that are chosen by what can be seen by now have the same mean effect
by this average as by single lives, with far less noise.

A person stays up to t with probability exp(-(H(t) - H(c))), H the cumulative rate of leaving and c
the moment up to which it shows already that they stay (the threshold of leaving is exponential, so
it has no memory). Where it shows already that they leave, nothing is left to average.
"""

from collections.abc import Callable
from math import exp

from msgspec import Struct

from streams.contracts.outputs.payloads import NextStep
from streams.contracts.times import DAY_MS
from streams.simulator.worlds.course import Course, coupon_moves


class Foreseen(Struct, frozen=True):
    """Expected change of margin by a contact, in the play and in what is known after it.

    In the shop's currency, without the cost of the contact and what a coupon does to orders.
    """

    margin: float
    margin_later: float


def foreseen(course: Course, now_ms: int, action: NextStep = "contact") -> Foreseen:
    """What this contact would do now, on the average; the course stays as it is.

    Args:
        course: of the person.
        now_ms: when.
        action: what the shop does.
    """
    persuadable = course.person.contact_type == "persuadable"
    moved = coupon_moves(course.person) if persuadable and action == "offer" else 1.0
    if course.is_gone(now_ms):
        return _won_back(course, now_ms, moved * course.win_back_chance(now_ms) * persuadable)
    twin = course.twin()
    later = twin.margin_later()
    _, margin = twin.contact(now_ms, 0.0, action)
    known_ms = course.known_to_stay_ms(now_ms)
    if course.leaves_ms <= known_ms:
        return Foreseen(moved * margin, moved * (twin.margin_later() - later))
    known = course.leaving(known_ms)

    def changes(until_ms: int) -> float:
        stays = min(1.0, exp(known - twin.leaving(until_ms)))
        return moved * (stays - min(1.0, exp(known - course.leaving(until_ms))))

    return _summed(course, now_ms, changes)


def _won_back(course: Course, now_ms: int, chance: float) -> Foreseen:
    """They come back with a new threshold, which counts from the next day on."""
    if chance <= 0.0:
        return Foreseen(0.0, 0.0)
    tomorrow_ms = now_ms + DAY_MS - (now_ms - course.start_ms) % DAY_MS
    begun = course.leaving(tomorrow_ms)
    return _summed(
        course, now_ms, lambda until_ms: chance * min(1.0, exp(begun - course.leaving(until_ms)))
    )


def _summed(course: Course, now_ms: int, changes: Callable[[int], float]) -> Foreseen:
    """Over the orders that may come, by how much likelier each is with the contact."""
    margin = margin_later = 0.0
    for order, until_ms in course.may_come(now_ms):
        share = changes(until_ms)
        margin += share * course.margin_of(order)
        margin_later += share * course.margin_later_of(order)
    return Foreseen(margin, margin_later)
