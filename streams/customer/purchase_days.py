"""Who has come back: on how many days somebody has bought, which is what tells a new customer."""

from streams.customer.row import Customer


def purchase_days(person: Customer) -> int:
    """On how many days the person has bought, by their own clock; 0 before the first purchase.

    Two orders of one day are one visit: who made them has not come back yet. The rhythm counts a
    day twice where two people who became one had both bought on it, so orders bound it. What was
    cancelled or given back counts: somebody came and bought.
    """
    if person.spend is None or person.rhythm is None:
        return 0
    return min(person.spend.orders, person.rhythm.repeats + 1)
