"""What an offer with a budget must keep: nothing is sent that the money does not cover."""

import math

from streams.audit.budgets import UNITS, reserved_of, spending_of, units_of, units_there
from streams.audit.verdicts import Answer, Broken, holds
from streams.audit.views import OfferView


def budget(at: OfferView) -> Answer:
    """What is used and reserved of an offer's budget is never more than the budget."""
    if at.spec is None or at.spec.budget is None:
        return None
    most = at.spec.discount if at.spec.discount_max is None else at.spec.discount_max
    reserved = reserved_of(at.contact)
    if reserved != units_of(most):
        return Broken(f"{reserved / UNITS:.2f} was reserved, one use may cost {most:.2f}")
    spending = spending_of(at.world)[at.spec.offer_id]
    if at.world.ordered:
        clock_ms = max(at.at_ms, at.world.timeline.clock_ms(at.place))
        taken = spending.taken(at.turn, at.place, clock_ms)
    else:  # a use, or an end, may have been known before what its time says it came after
        taken = spending.taken(at.turn, math.inf, at.world.timeline.clock_ms(math.inf))
    why = f"{taken / UNITS:.2f} is used and reserved of {at.spec.budget:.2f}"
    return holds(taken <= units_there(at.spec.budget), f"{why}, with this send")
