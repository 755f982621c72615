"""The reference data, compiled: CEL rules once, offers by trigger, stock and places by key."""

from collections.abc import Mapping
from typing import Any, Protocol

import cel
from msgspec import Struct

from streams.contracts.check_reference import check_reference
from streams.contracts.reference import Offer, Policies, Reference, TriggerRule
from streams.contracts.times import to_ms
from streams.customer import Places
from streams.customer.places import places_of
from streams.errors import ReferenceDataError


class Rule(Protocol):
    """A compiled CEL program."""

    def execute(self, context: Any) -> Any:
        """Its value for these variables; raises on missing names."""


class CompiledOffer(Struct, frozen=True):
    """An offer with its segment rule compiled and its window in milliseconds."""

    offer: Offer
    segment: Rule
    from_ms: int
    until_ms: int


class CompiledTrigger(Struct, frozen=True):
    """A trigger rule with its condition compiled."""

    rule: TriggerRule
    when: Rule


class Policy(Struct, frozen=True):
    """Everything that decisions stand on; swapped as a whole."""

    policies: Policies
    places: Places
    offers: tuple[CompiledOffer, ...]
    triggers: tuple[CompiledTrigger, ...]
    stock: Mapping[tuple[str, str], int]
    version: str


def compile_policy(reference: Reference) -> Policy:
    """Check and compile all of it.

    Raises:
        ReferenceDataError: every error, each with where it stands.
    """
    errors = list(check_reference(reference))
    offers = [_compile_offer(offer, errors) for offer in reference.offers]
    triggers = [_compile_trigger(rule, errors) for rule in reference.policies.triggers]
    if errors:
        raise ReferenceDataError("\n".join(["the reference data does not hold:", *errors]))
    return Policy(
        policies=reference.policies,
        places=places_of(reference),
        offers=tuple(offer for offer in offers if offer is not None),
        triggers=tuple(rule for rule in triggers if rule is not None),
        stock={(s.product_id, s.store_id): s.quantity for s in reference.inventory},
        version=reference.policies.policy_version,
    )


def holds(rule: Rule, context: Any) -> bool:
    """Whether the rule says true; a rule that fails on this person says no."""
    try:
        return rule.execute(context) is True
    except Exception:
        return False


def _compile_offer(offer: Offer, errors: list[str]) -> CompiledOffer | None:
    segment = _compile(offer.segment, f"offers.{offer.offer_id}.segment", errors)
    if segment is None:
        return None
    return CompiledOffer(offer, segment, to_ms(offer.valid_from), to_ms(offer.valid_until))


def _compile_trigger(rule: TriggerRule, errors: list[str]) -> CompiledTrigger | None:
    when = _compile(rule.when, f"policies.triggers.{rule.rule_id}.when", errors)
    return None if when is None else CompiledTrigger(rule, when)


def _compile(source: str, place: str, errors: list[str]) -> Rule | None:
    try:
        program: Rule = cel.compile(source)
    except ValueError as error:
        errors.append(f"{place}: {str(error).splitlines()[0]}")
        return None
    return program
