"""From reference data to a policy: all is checked, and what is fixed of it found once."""

from collections.abc import Mapping
from functools import reduce
from operator import or_

import numpy as np

from streams.contracts.outputs.payloads import (
    Coupon,
    ExperimentArm,
    Versioned,
)
from streams.contracts.reference.check import check_reference
from streams.contracts.reference.structs import (
    Experiment,
    Offer,
    Policies,
    ProductInfo,
    Reference,
    TriggerRule,
)
from streams.contracts.times import DAY_MS, to_ms
from streams.customer.offer_goods import categories_for
from streams.customer.places import places_of
from streams.decisions.arbitration import prices_of
from streams.decisions.cel_rules import compile_rule
from streams.decisions.classes import OTHERS, PASSING, rank_of
from streams.decisions.eligibility import rules_for
from streams.decisions.facts import FactNames
from streams.decisions.levers import levers_of
from streams.decisions.policy import CompiledOffer, CompiledTrigger, Policy
from streams.decisions.wording import OFFER_REASONS, OTHERWISE, offer_texts
from streams.errors import ReferenceDataError
from streams.features import (
    abouts_of,
    cards_of,
    expected_rates,
    fits_of,
    prior_log_odds,
    table_of,
)
from streams.leases import budget_of


def compile_policy(reference: Reference) -> Policy:
    """Check and compile all of it.

    Raises:
        ReferenceDataError: every error, each with where it stands.
    """
    errors = list(check_reference(reference))
    places, rates = places_of(reference), expected_rates(reference)
    offers = [
        _compile_offer((place, rate), offer, reference, places.products, errors)
        for place, (offer, rate) in enumerate(zip(reference.offers, rates, strict=True))
    ]
    triggers = [_compile_trigger(rule, errors) for rule in reference.policies.triggers]
    if errors:
        raise ReferenceDataError("\n".join(["the reference data does not hold:", *errors]))
    reach_other_ms = _reach_of_all(reference.policies)
    compiled_offers = tuple(offer for offer in offers if offer is not None)
    compiled_triggers = tuple(rule for rule in triggers if rule is not None)
    return Policy(
        policies=reference.policies,
        places=places,
        offers=compiled_offers,
        by_id={compiled.offer.offer_id: compiled for compiled in compiled_offers},
        catalog=tuple(compiled.offer for compiled in compiled_offers),
        offer_ids=tuple(compiled.offer.offer_id for compiled in compiled_offers),
        priors=np.array([compiled.prior_log_odds for compiled in compiled_offers], np.float64),
        rules=rules_for(compiled_offers),
        table=table_of(cards_of(reference)),
        prices=prices_of(reference.offers),
        fits=fits_of(reference),
        abouts=abouts_of(reference),
        triggers=compiled_triggers,
        listeners=_by_kind(compiled_triggers),
        segments_read=reduce(or_, (o.segment.reads for o in compiled_offers), FactNames()),
        purposes=frozenset(o.purpose for o in reference.offers),
        has_ranks=any(rank_of(o) != OTHERS for o in reference.offers),
        may_pass=any(o.class_ in PASSING for o in reference.offers),
        stock={(s.product_id, s.store_id): s.quantity for s in reference.inventory},
        contact_costs={o.offer_id: o.contact_cost for o in reference.offers},
        holdout_shares={o.offer_id: o.holdout_share for o in reference.offers if o.holdout_share},
        validity_ms={o.offer_id: _validity_ms(o) for o in reference.offers},
        reach_ms={
            o.offer_id: max(reach_other_ms, _reach_of(o, reference)) for o in reference.offers
        },
        reach_other_ms=reach_other_ms,
        budgets={o.offer.offer_id: o.budget for o in compiled_offers if o.budget is not None},
        named=_named(reference.policies),
        arms=_arms(reference.policies.experiment),
        placeholders=reference.policies.identity.words,
    )


def _compile_offer(
    at: tuple[int, float],
    offer: Offer,
    reference: Reference,
    products: Mapping[str, ProductInfo],
    errors: list[str],
) -> CompiledOffer | None:
    segment = compile_rule(offer.segment, f"offers.{offer.offer_id}.segment", errors)
    if segment is None:
        return None
    place, rate = at
    return CompiledOffer(
        offer=offer,
        place=place,
        segment=segment,
        from_ms=to_ms(offer.valid_from),
        until_ms=to_ms(offer.valid_until),
        never_with=_excluded_by(offer, reference),
        prior_log_odds=prior_log_odds(rate),
        texts=offer_texts(offer, OFFER_REASONS),
        texts_otherwise=offer_texts(offer, OTHERWISE),
        titles={str(language): title for language, title in offer.title.items()},
        categories=frozenset(categories_for(offer.conditions, products)),
        coupon=Coupon(code=offer.coupon_code, gcn=offer.gcn) if offer.coupons else None,
        levers=levers_of(offer, reference.policies),
        budget=budget_of(offer),
    )


def _compile_trigger(rule: TriggerRule, errors: list[str]) -> CompiledTrigger | None:
    when = compile_rule(rule.when, f"policies.triggers.{rule.rule_id}.when", errors)
    return None if when is None else CompiledTrigger(rule, when)


def _by_kind(triggers: tuple[CompiledTrigger, ...]) -> dict[str, tuple[CompiledTrigger, ...]]:
    enabled = [t for t in triggers if t.rule.enabled]
    kinds = {t.rule.kind for t in enabled}
    return {kind: tuple(t for t in enabled if t.rule.kind == kind) for kind in kinds}


def _named(policies: Policies) -> Versioned:
    arbitration = policies.arbitration
    version = f"{arbitration.version}-{policies.policy_version}"
    return Versioned(id=arbitration.policy_id, version=version)


def _arms(experiment: Experiment) -> dict[str, ExperimentArm]:
    return {
        arm.name: ExperimentArm(id=experiment.id, arm=arm.name, holdout=arm.chooser == "holdout")
        for arm in experiment.arms
    }


def _validity_ms(offer: Offer) -> int:
    return round(offer.redeem_within_days * DAY_MS)


def _reach_of_all(policies: Policies) -> int:
    """How far the limits over all offers look back; a calendar day may have 25 hours."""
    days = [cap.days for cap in policies.contact.caps]
    gap_ms = policies.contact.min_gap_ms
    return max(gap_ms, round(max(days, default=0.0) * DAY_MS), round(25 / 24 * DAY_MS))


def _reach_of(offer: Offer, reference: Reference) -> int:
    """How far back a contact with this offer is asked for: its cap, its use, waits after it."""
    days = [offer.redeem_within_days, offer.cap.days if offer.cap else 0.0]
    days += [o.not_after[offer.offer_id] for o in reference.offers if offer.offer_id in o.not_after]
    return round(max(days) * DAY_MS)


def _excluded_by(offer: Offer, reference: Reference) -> frozenset[str]:
    others = {o.offer_id for o in reference.offers if offer.offer_id in o.never_with}
    return frozenset((*offer.never_with, *others))
