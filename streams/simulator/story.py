"""The demo's story: the example shop, with a shorter rhythm, a larger experiment, and a budget."""

from msgspec.structs import replace

from streams.contracts.reference.files import load_reference
from streams.contracts.reference.structs import (
    Arm,
    ChurnDefinition,
    Experiment,
    Reference,
    RiskBand,
)
from streams.simulator import SHOP

ARMS = (
    Arm(name="policy", share=0.6, chooser="policy"),
    Arm(name="uniform", share=0.3, chooser="uniform"),
    Arm(name="holdout", share=0.1, chooser="holdout"),
)
CHURN = ChurnDefinition(
    definition_id="no-purchase-4-weeks",
    tick="day",
    horizon_ticks=28,
    bands=(RiskBand(name="medium", from_risk=0.5), RiskBand(name="high", from_risk=0.75)),
    min_purchases=2,
)
BUDGETED, BUDGET = "wine-3-off", 5_000.0
"""An offer with money enough for all who come, so that its dashboard shows where it goes."""


def story() -> Reference:
    """Daily ticks and a third of the people offered at random, so that a minute shows something."""
    reference = load_reference(SHOP)
    policies = replace(
        reference.policies,
        policy_version="demo",
        experiment=Experiment(id="demo", salt="offerstream-demo", arms=ARMS),
        churn=CHURN,
    )
    offers = tuple(
        replace(offer, budget=BUDGET) if offer.offer_id == BUDGETED else offer
        for offer in reference.offers
    )
    return replace(reference, policies=policies, offers=offers)
