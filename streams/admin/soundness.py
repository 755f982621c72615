"""What reference data says that can never work, or hardly is what somebody meant.

An error: it never works, or loses money on every use. A warning: it names what these files do not
have. A note: it works, but is worth nothing before something is learned. Faults of form are found
before (`load_validated`).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from msgspec import Struct

from streams.contracts.fault_words import plain
from streams.contracts.reference.structs import (
    ChurnDefinition,
    Lever,
    Offer,
    Reference,
    TriggerRule,
)
from streams.contracts.sums import sum_of
from streams.decisions.arbitration import margin_for
from streams.decisions.channels import channels_of
from streams.decisions.classes import DEFAULT, MANDATORY, TRANSACTIONAL
from streams.decisions.never import kinds_wanted, why_never
from streams.decisions.order_size import SIZE_MOST
from streams.features import expected_rates

SUFFIXES = (".yaml", ".yml", ".json")
HOLDOUT_SHARE_MUCH = 0.5
CLASSES = (MANDATORY, TRANSACTIONAL, DEFAULT)
CLASS_LIKENESS = 0.75
PARTS = ("offers", "products", "inventory", "beacons", "policies")


class Finding(Struct, frozen=True):
    """One of them: where it stands, and what is wrong."""

    level: Literal["error", "note", "warning"]
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.what}"


def findings(checked: Reference, whole: Reference, now: datetime) -> list[Finding]:
    """What is wrong at this moment with `checked`, which stands in `whole`: errors first."""
    rates = {**_rates(checked), **_rates(whole)}
    found = [
        *(
            one
            for offer in checked.offers
            for one in _offer(offer, rates[offer.offer_id], whole, now)
        ),
        *(one for rule in checked.policies.triggers for one in _rule(rule, whole)),
        *(one for lever in checked.policies.levers for one in _lever(lever, whole, now)),
        *_churn(checked.policies.churn),
        *_stock(checked, whole),
        *_no_triggers(checked, whole),
    ]
    return sorted(found, key=lambda one: one.level)


def _rates(reference: Reference) -> dict[str, float]:
    names = (offer.offer_id for offer in reference.offers)
    return dict(zip(names, expected_rates(reference), strict=True))


def unread_files(path: Path) -> list[Finding]:
    """Files of a folder that nobody reads: other names, or a second one for the same part."""
    if not path.is_dir():
        return []
    read = {
        next((path / f"{part}{s}" for s in SUFFIXES if (path / f"{part}{s}").is_file()), None)
        for part in PARTS
    }
    unread = (p for p in sorted(path.iterdir()) if p.is_file() and p not in read)
    return [
        Finding("warning", file.name, f"is not read{_meant(file)}")
        for file in unread
        if not file.name.startswith(".")
    ]


def _meant(file: Path) -> str:
    if file.stem in PARTS and file.suffix in SUFFIXES:
        return f": there is another {file.stem} file beside it"
    near = get_close_matches(file.stem.lower(), PARTS, 1)
    if near:
        return f"; is it {near[0]}.yaml?"
    return "; the files are " + ", ".join(f"{part}.yaml" for part in PARTS)


def _offer(offer: Offer, rate: float, whole: Reference, now: datetime) -> Iterator[Finding]:
    where = f"offers: {offer.offer_id}"
    for what in _never(offer, rate, whole, now):
        yield Finding("error", where, what)
    for what in _unknown(offer, whole):
        yield Finding("warning", where, what)
    if offer.holdout_share > HOLDOUT_SHARE_MUCH:
        what = f"$.holdout_share: {offer.holdout_share:g}: more people never get it than may"
        yield Finding("warning", where, what)
    later = _worth_later(offer, rate, whole)
    if later is not None:
        yield Finding("note", where, later)


def _never(offer: Offer, rate: float, whole: Reference, now: datetime) -> Iterator[str]:
    certain = offer.class_ == "mandatory"  # sent whatever it is worth
    if rate == 0 and not certain:
        yield "$.expected_rate: is 0: the model begins there and never offers it"
    least = offer.contact_cost + _cheapest(offer, whole)
    loses = margin_for(offer, SIZE_MOST) <= offer.discount + least
    if loses and not certain and not _is_lifted(offer, whole, now, least):
        contact = f" and contact_cost {plain(offer.contact_cost)}" if offer.contact_cost else ""
        by_channel = least - offer.contact_cost
        channel = f" and contact.channel_costs {plain(by_channel)}" if by_channel else ""
        yield (
            f"$.margin: {plain(offer.margin)} is not more than discount "
            f"{plain(offer.discount)}{contact}{channel}: it loses money on every use, and its "
            "priority is never above 0"
        )
    if offer.kind == "percent" and offer.value > 100:
        yield f"$.value: {offer.value:g} percent is more than the price"
    spend = offer.conditions.min_spend
    if offer.kind == "amount" and 0 < spend <= offer.value:
        yield f"$.value: {plain(offer.value)} off is all of min_spend {plain(spend)}, or more"
    if (why := why_never(offer.segment)) is not None:
        yield f"$.segment: can never be true: {why}"
    yield from _never_triggered(offer, whole)


def _cheapest(offer: Offer, whole: Reference) -> float:
    """What the cheapest channel adds to a contact; nothing by a rule that names one channel."""
    costs = whole.policies.contact.channel_costs
    wanted = [r for r in whole.policies.triggers if r.kind in (offer.triggers or (r.kind,))]
    return min(
        (
            costs.get(channel, 0.0) if rule.channels else 0.0
            for rule in wanted
            if rule.enabled
            for channel in channels_of(rule)
            if channel in offer.channels
        ),
        default=0.0,
    )


def _is_lifted(offer: Offer, whole: Reference, now: datetime, contact: float) -> bool:
    """Levers, now or later, may lift its priority above 0; those that are over lift nothing."""
    amounts = (
        lever.amount
        for lever in whole.policies.levers
        if lever.amount > 0
        and lever.valid_until > now
        and lever.offer_id in (None, offer.offer_id)
        and lever.class_ in (None, offer.class_)
        and (lever.channel is None or lever.channel in offer.channels)
    )
    lift = min(sum_of(amounts), whole.policies.arbitration.lever_max)
    brought = max(offer.margin - offer.discount, 0.0)  # by who always uses it, or by who never does
    return brought - contact + lift > 0


def _worth_later(offer: Offer, rate: float, whole: Reference) -> str | None:
    """An offer whose priority is not above 0 at its expected rate, as the policies begin."""
    cost, prior = offer.discount + offer.contact_cost, _prior(whole)
    if rate == 0 or offer.class_ == "mandatory":
        return None  # never: an error; or always
    if offer.margin <= cost < margin_for(offer, SIZE_MOST):
        return (
            f"$.margin: {plain(offer.margin)} is not more than discount {plain(offer.discount)} "
            f"and contact_cost {plain(offer.contact_cost)}: it is worth something only for who "
            "spends more on an order than others"
        )
    if offer.margin <= cost:
        return None  # never: an error
    cost = offer.discount + offer.contact_cost / rate
    most = 1.0 - cost / offer.margin
    if prior < most:
        return None
    if most <= 0.0:
        return (
            f"$.contact_cost: {plain(offer.contact_cost)} is more than a use brings at "
            f"expected_rate {rate:g}: it is worth something only for who uses it "
            "more often"
        )
    return (
        f"$.margin: {plain(offer.margin)} times 1 - redeemed_at_base_rate {prior:g} is not more "
        f"than discount {plain(offer.discount)} and contact_cost {plain(offer.contact_cost)} at "
        f"expected_rate {rate:g}: it is worth something once fewer than "
        f"{most:.0%} of its users are found to have bought anyway"
    )


def _prior(whole: Reference) -> float:
    return whole.policies.arbitration.redeemed_at_base_rate


def _never_triggered(offer: Offer, whole: Reference) -> Iterator[str]:
    rules = [rule for rule in whole.policies.triggers if rule.enabled]
    if not whole.policies.triggers:
        return  # said once, of the policies
    wanted = offer.triggers or tuple({rule.kind for rule in rules})
    for kind in offer.triggers:
        if all(rule.kind != kind for rule in rules):
            yield f"$.triggers: no trigger rule of the policies is of kind {kind}, or it is off"
    named = kinds_wanted(offer.segment)
    if named is not None and not named & set(wanted):
        kinds = ", ".join(sorted(named))
        yield f"$.segment: wants trigger.kind {kinds}, which $.triggers does not have"
    fitting = [rule for rule in rules if rule.kind in wanted]
    if fitting and not any(set(channels_of(rule)) & set(offer.channels) for rule in fitting):
        channels = ", ".join(sorted({c for rule in fitting for c in channels_of(rule)}))
        yield f"$.channels: its trigger rules are for {channels} only"


def _unknown(offer: Offer, whole: Reference) -> Iterator[str]:
    conditions = offer.conditions
    categories = {product.category for product in whole.products}
    products = {product.product_id for product in whole.products}
    yield from _not_in(conditions.categories, categories, "$.conditions.categories", "products")
    yield from _not_in(conditions.product_ids, products, "$.conditions.product_ids", "products")
    yield from _not_in(conditions.store_ids, _stores(whole), "$.conditions.store_ids", "stores")
    if offer.stock_product_id is not None:
        stocked = {level.product_id for level in whole.inventory}
        yield from _not_in([offer.stock_product_id], stocked, "$.stock_product_id", "inventory")
    yield from _class_meant(offer.class_)
    templates = {o.template_id for o in whole.offers if o.template_id != offer.template_id}
    near = get_close_matches(offer.template_id, templates | {"default"}, 1, 0.85)
    if offer.template_id != "default" and near and _only_one_has(offer.template_id, whole):
        yield f"$.template_id: no other offer has {offer.template_id}; is it {near[0]}?"


def _class_meant(name: str) -> Iterator[str]:
    near = get_close_matches(name.lower(), CLASSES, 1, CLASS_LIKENESS)
    if near and name not in CLASSES:
        yield f"$.class: {name} is a name of your own and means nothing; is it {near[0]}?"


def _only_one_has(template_id: str, whole: Reference) -> bool:
    return sum(offer.template_id == template_id for offer in whole.offers) == 1


def _not_in(names: Iterable[str], known: set[str], path: str, file: str) -> Iterator[str]:
    """Nothing where the files name none at all: they may live elsewhere."""
    for name in names if known else ():
        if name not in known:
            near = get_close_matches(name, known, 1)
            yield f"{path}: {name} is not among the {file}" + (
                f"; is it {near[0]}?" if near else ""
            )


def _stores(whole: Reference) -> set[str]:
    return {
        *whole.policies.stores,
        *(beacon.store_id for beacon in whole.beacons),
        *(level.store_id for level in whole.inventory if level.store_id != "*"),
    }


def _lever(lever: Lever, whole: Reference, now: datetime) -> Iterator[Finding]:
    where = f"policies: {lever.lever_id}"
    if lever.valid_until <= now:
        what = f"$.valid_until: {lever.valid_until.isoformat()} is over: the lever does nothing"
        yield Finding("note", where, what)
    own = () if lever.offer_id is None else (lever.offer_id,)
    for what in _not_in(own, {offer.offer_id for offer in whole.offers}, "$.offer_id", "offers"):
        yield Finding("warning", where, what)
    own = () if lever.class_ is None else (lever.class_,)
    for what in _not_in(own, {offer.class_ for offer in whole.offers}, "$.class", "classes"):
        yield Finding("warning", where, what)
    if _class_lifted(lever, whole) == MANDATORY:
        what = "mandatory offers are sent whatever they are worth: the lever does nothing for them"
        yield Finding("note", where, what)


def _class_lifted(lever: Lever, whole: Reference) -> str | None:
    """The class of all offers that a lever counts for, where it names one or an offer."""
    of_offer = (o.class_ for o in whole.offers if o.offer_id == lever.offer_id)
    return lever.class_ or next(of_offer, None)


def _rule(rule: TriggerRule, whole: Reference) -> Iterator[Finding]:
    where = f"policies: {rule.rule_id}"
    if (why := why_never(rule.when)) is not None:
        yield Finding("error", where, f"$.when: can never be true: {why}")
    named = kinds_wanted(rule.when)
    if named is not None and rule.kind not in named:
        yield Finding("error", where, f"$.when: wants another trigger.kind than {rule.kind}")
    shown = [
        offer
        for offer in whole.offers
        if set(channels_of(rule)) & set(offer.channels)
        and rule.kind in (offer.triggers or (rule.kind,))
    ]
    if rule.enabled and whole.offers and not shown:
        yield Finding("warning", where, "no offer has this kind of trigger and this channel")


def _churn(churn: ChurnDefinition) -> Iterator[Finding]:
    """Settings by which no case is ever contacted, or none ever eases."""
    lowest = min(band.from_risk for band in churn.bands)
    if churn.save_rate == 0:
        what = "$.churn.save_rate: is 0: no contact is ever worth its cost, so no case opens"
        yield Finding("warning", "policies", what)
    if churn.control_share == 1:
        what = "$.churn.control_share: is 1: every case is left alone, and nobody is contacted"
        yield Finding("warning", "policies", what)
    if churn.hysteresis >= lowest:
        what = (
            f"$.churn.hysteresis: {churn.hysteresis:g} is not below from_risk {lowest:g} of the "
            "lowest band: a case in that band never eases, however low its risk"
        )
        yield Finding("warning", "policies", what)


def _stock(checked: Reference, whole: Reference) -> Iterator[Finding]:
    products = {product.product_id for product in whole.products}
    stores = {*whole.policies.stores, *(beacon.store_id for beacon in whole.beacons)}
    for level in checked.inventory:
        where = f"inventory: {level.product_id}@{level.store_id}"
        for what in _not_in([level.product_id], products, "$.product_id", "products"):
            yield Finding("warning", where, what)
        if level.store_id != "*":
            for what in _not_in([level.store_id], stores, "$.store_id", "stores"):
                yield Finding("warning", where, what)


def _no_triggers(checked: Reference, whole: Reference) -> Iterator[Finding]:
    if checked.offers and not whole.policies.triggers:
        what = (
            "there are no trigger rules beside these offers: unless they are published already, "
            "nothing asks for an offer"
        )
        yield Finding("warning", "policies", what)
