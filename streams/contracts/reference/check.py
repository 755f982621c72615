"""Whether reference data holds together: what no single record can show."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from streams.contracts.check_digits import is_gcn, is_gln, is_gtin
from streams.contracts.fault_words import plain
from streams.contracts.inputs.beacon_addresses import EddystoneEid
from streams.contracts.reference.addresses import address_key, keys_of
from streams.contracts.reference.structs import BeaconPlace, Offer, Policies, Reference

SHARES_TOLERANCE = 1e-6
BAND_ORDER = ("low", "medium", "high")


def check_reference(reference: Reference) -> list[str]:
    """Every fault between the records of a reference, as `file: record: path: what is wrong`.

    >>> check_reference(Reference())
    []
    """
    return [
        *_duplicates(reference),
        *_offers(reference.offers),
        *_gs1(reference),
        *_wallets(reference.offers),
        *_policies(reference.policies),
        *_levers(reference.policies),
        *_money(reference.policies),
        *_stores(reference),
    ]


def _duplicates(reference: Reference) -> Iterator[str]:
    levels = (f"{level.product_id}@{level.store_id}" for level in reference.inventory)
    beacons = reference.beacons
    yield from _twice("offers", "offer_id", (offer.offer_id for offer in reference.offers))
    yield from _twice("products", "product_id", (item.product_id for item in reference.products))
    yield from _twice("inventory", "product_id@store_id", levels)
    yield from _twice("beacons", "beacon_ref", (beacon.beacon_ref for beacon in beacons))
    yield from _addresses(beacons)
    rules = (rule.rule_id for rule in reference.policies.triggers)
    yield from _twice("policies", "triggers.rule_id", rules)


def _addresses(beacons: tuple[BeaconPlace, ...]) -> Iterator[str]:
    """One beacon hangs in one place, however its address is spelled."""
    first: dict[str, str] = {}
    for beacon in beacons:
        for key in keys_of(beacon):
            if key in first:
                field = "address" if key == address_key(beacon.address) else "eids"
                yield (
                    f"beacons: {beacon.beacon_ref}: $.{field}: is that of {first[key]} (hyphens "
                    "and upper or lower case make no other address)"
                )
            first.setdefault(key, beacon.beacon_ref)
        if beacon.eids and not isinstance(beacon.address, EddystoneEid):
            yield f"beacons: {beacon.beacon_ref}: $.eids: only an eddystone_eid rolls"


def _twice(file: str, field: str, ids: Iterable[str]) -> Iterator[str]:
    for id_, count in Counter(ids).items():
        if count > 1:
            yield f"{file}: {id_}: $.{field}: is given {count} times"


def _offers(offers: tuple[Offer, ...]) -> Iterator[str]:
    known = {offer.offer_id for offer in offers}
    for offer in offers:
        where = f"offers: {offer.offer_id}"
        if offer.valid_from >= offer.valid_until:
            yield f"{where}: $.valid_until: is not after valid_from"
        for other in (*offer.never_with, *offer.not_after):
            if other not in known:
                field = "never_with" if other in offer.never_with else "not_after"
                yield f"{where}: $.{field}: names {other}, which is no offer"
        if offer.offer_id in offer.never_with:
            yield f"{where}: $.never_with: names the offer itself"
        if offer.class_ == "mandatory" and offer.holdout_share:
            yield f"{where}: $.holdout_share: a mandatory offer is for everybody"
        if not offer.title:
            yield f"{where}: $.title: needs at least one language"
        yield from _budget(offer, where)


def _budget(offer: Offer, where: str) -> Iterator[str]:
    """The most that one use can cost is known, and the budget bears at least one."""
    if offer.budget is None:
        if offer.discount_max is not None:
            yield f"{where}: $.discount_max: bounds a budget, and the offer has none"
        return
    if offer.class_ == "mandatory":
        yield f"{where}: $.budget: a mandatory offer is for everybody, whatever it costs"
    most = offer.discount if offer.discount_max is None else offer.discount_max
    if most <= 0.0:
        yield f"{where}: $.budget: needs a discount_max or a discount above 0: the most of a use"
    elif offer.discount > most:
        yield f"{where}: $.discount_max: is below discount, {plain(offer.discount)}"
    elif offer.budget < most:
        yield f"{where}: $.budget: is below what one use can cost, {plain(most)}: it is never sent"


def _levers(policies: Policies) -> Iterator[str]:
    most = policies.arbitration.lever_max
    yield from _twice("policies", "levers.lever_id", (each.lever_id for each in policies.levers))
    for lever in policies.levers:
        where = f"policies: $.levers.{lever.lever_id}"
        if abs(lever.amount) > most:
            yield (
                f"{where}.amount: {plain(lever.amount)} is beyond arbitration.lever_max, "
                f"{plain(most)}; set lever_max higher, or the amount nearer to 0"
            )
        if lever.valid_from is not None and lever.valid_from >= lever.valid_until:
            yield f"{where}.valid_until: is not after valid_from"
        if lever.offer_id is None and lever.class_ is None and lever.channel is None:
            yield f"{where}: names no offer_id, class or channel"


def _gs1(reference: Reference) -> Iterator[str]:
    for offer in reference.offers:
        if offer.gcn is not None and not is_gcn(offer.gcn):
            yield f"offers: {offer.offer_id}: $.gcn: check digit is wrong"
    for product in reference.products:
        if product.gtin is not None and not is_gtin(product.gtin):
            yield f"products: {product.product_id}: $.gtin: length or check digit is wrong"
    for beacon in reference.beacons:
        if beacon.gln is not None and not is_gln(beacon.gln):
            yield f"beacons: {beacon.beacon_ref}: $.gln: length or check digit is wrong"


def _wallets(offers: tuple[Offer, ...]) -> Iterator[str]:
    for offer in offers:
        wallet, code = offer.wallet, offer.coupon_code
        where = f"offers: {offer.offer_id}: $.wallet"
        if wallet is None:
            continue
        if wallet.barcode == "code_128" and code is not None and not code.isascii():
            yield f"{where}.barcode: code_128 has ASCII letters only, and coupon_code has others"
        if bool(wallet.apple_pass_type_id) != bool(wallet.apple_team_id):
            field = "apple_team_id" if wallet.apple_pass_type_id else "apple_pass_type_id"
            yield f"{where}.{field}: is required beside the other id of Apple"


def _money(policies: Policies) -> Iterator[str]:
    rates = policies.exchange_rates
    dated = (f"{rate.currency} from {rate.from_.isoformat()}" for rate in rates)
    yield from _twice("policies", "exchange_rates", dated)
    if any(rate.currency == policies.currency for rate in rates):
        yield f"policies: $.exchange_rates: {policies.currency} is the shop's own currency"


def _stores(reference: Reference) -> Iterator[str]:
    """A GLN is one store, on `policies.stores` and over all beacons."""
    named = reference.policies.stores
    for store_id, gln in named.items():
        if not is_gln(gln):
            yield f"policies: $.stores.{store_id}: length or check digit is wrong"
    yield from _twice("policies", "stores", named.values())
    by_gln = {gln: store_id for store_id, gln in named.items()}
    for beacon in reference.beacons:
        store_id = by_gln.setdefault(beacon.gln, beacon.store_id) if beacon.gln else ""
        if beacon.gln and store_id != beacon.store_id:
            yield f"beacons: {beacon.beacon_ref}: $.gln: is the one of store {store_id}"


def _policies(policies: Policies) -> Iterator[str]:
    arms = policies.experiment.arms
    total = sum(arm.share for arm in arms)
    if abs(total - 1) > SHARES_TOLERANCE:
        yield f"policies: $.experiment.arms: shares add up to {total:.6g}, not 1"
    yield from _twice("policies", "experiment.arms.name", (arm.name for arm in arms))
    bands = policies.churn.bands
    yield from _twice("policies", "churn.bands.name", (band.name for band in bands))
    for lower, upper in pairwise(bands):
        if lower.from_risk >= upper.from_risk:
            yield "policies: $.churn.bands: from_risk does not ascend"
        if BAND_ORDER.index(lower.name) > BAND_ORDER.index(upper.name):
            yield "policies: $.churn.bands: names do not ascend from low to high"
    quiet = policies.contact.quiet_hours
    if quiet.from_hour == 0 and quiet.to_hour == 24:
        yield (
            "policies: $.contact.quiet_hours: 0 to 24 never ends; to send nothing on a channel, "
            "switch its triggers off (enabled: false); equal hours mean that it is never quiet"
        )
    for rule in policies.triggers:
        where = f"policies: $.triggers.{rule.rule_id}.channels"
        if rule.channels and rule.channel not in rule.channels:
            yield f"{where}: channel {rule.channel} is not among them"
        if rule.channels and rule.kind == "offer_requested":
            yield f"{where}: who asks for an offer is on one channel: name channel alone"
        if rule.kind == "offer_requested" and rule.channel in policies.contact.quiet_channels:
            yield (
                f"policies: $.triggers.{rule.rule_id}.channel: who asks for an offer waits for the "
                f"answer, and {rule.channel} has quiet hours (contact.quiet_channels)"
            )
    zones = policies.zones
    if zones.exit_rssi_dbm > zones.enter_rssi_dbm:
        yield "policies: $.zones.exit_rssi_dbm: is above enter_rssi_dbm"
