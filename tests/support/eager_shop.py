"""The simulator's shop, with bands so low that the few strong signals of a small play open cases.

A shop of a few weeks has no score of its own: at its real bands hardly anybody is alerted about.
"""

from functools import cache

from msgspec.structs import replace

from streams.contracts.reference.files import load_reference
from streams.contracts.reference.structs import Reference, RiskBand
from streams.simulator import SHOP

BANDS = (RiskBand(name="medium", from_risk=0.0), RiskBand(name="high", from_risk=0.3))


@cache
def eager_shop() -> Reference:
    """Its reference data; offers and everything else are the shop's own."""
    shop = load_reference(SHOP)
    churn = replace(shop.policies.churn, bands=BANDS, contact_cost=0.0, min_purchases=1)
    return replace(shop, policies=replace(shop.policies, churn=churn))
