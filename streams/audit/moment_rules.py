"""Whether what an offer is about was so, and still was so, when it was spoken."""

from streams.audit.carts import cart_of
from streams.audit.cel_facts import dwell_ms_of, says
from streams.audit.consent import may
from streams.audit.verdicts import FINE, Answer, Broken, Unknown, holds
from streams.audit.views import OfferView
from streams.audit.world import Entry
from streams.audit.zones import Presence, is_at, presence_of, spot_of
from streams.contracts.inputs.events import App, Beacon, Clickstream, Purchase
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import to_ms

CART, ZONE, DWELL, CASE = "cart_abandoned", "zone_entered", "zone_dwelled", "churn_band_entered"
ASKED = "offer_requested"
DAYS_BEFORE = {"first_purchase_due": 0, "second_purchase_due": 1}
BY_EVENT = {
    "product_viewed": "product_viewed",
    "search_without_result": "products_searched",
    "application_opened": "application_opened",
    "order_completed": "order_completed",
    ASKED: "offer_requested",
}
UNANSWERED = ("deferred", "overtaken", "no_consent")
SLACK_MS = 1_000  # a decision may wait so long for a link that is under way


def rule_on(at: OfferView) -> Answer:
    """The trigger rule exists, is enabled, and listens to this kind for this channel and place."""
    rule, said = at.rule, at.offer
    if rule is None:
        return Broken(f"there is no trigger rule {said.trigger.rule_id}")
    if not rule.enabled:
        return Broken(f"the rule {rule.rule_id} is not enabled")
    same = (rule.kind, rule.placement) == (said.trigger.kind, said.placement)
    same = same and said.channel in (rule.channels or (rule.channel,))
    return holds(same, f"the rule {rule.rule_id} says another kind, channel or placement")


def right_person(at: OfferView) -> Answer:
    """The person stands under this id then, and what asked for the offer is theirs."""
    if at.person is None:
        return None
    if at.person.id != at.offer.customer_id:
        return Broken(f"{at.offer.customer_id} was {at.person.id} by then", _merged(at))
    if at.trigger is None or at.trigger.place in at.world.people.forgotten:
        return FINE
    who = at.world.people.landed.get(at.trigger.place)
    if who is None:
        return Broken("its event names nobody, or had come before", (at.trigger.event_id,))
    return holds(who.top(at.place) is at.person, f"its event is of {who.id}", at.trigger.event_id)


def somebody(at: OfferView) -> Answer:
    """An erasure leaves nobody to speak to, and what is older than it brings nothing back."""
    if at.trigger is not None and at.trigger.place in at.world.people.forgotten:
        return Broken("its event is older than the person's erasure", (at.trigger.event_id,))
    return holds(bool(at.known), "nothing is known of the person, or it was erased")


def moment(at: OfferView) -> Answer:
    """What asked for the offer is an event of the right name, or an alert that went out."""
    kind, event_id = at.offer.trigger.kind, at.offer.trigger.event_id
    if kind == CASE:
        return holds(event_id in at.world.alerts_by_id, f"there is no alert {event_id}")
    if kind == CART or kind in DAYS_BEFORE:
        return None
    if at.trigger is None:
        return Broken(f"there is no event {event_id}")
    event = at.trigger.event
    if kind in (ZONE, DWELL):
        return holds(isinstance(event, Beacon), "its event is no sighting", event_id)
    if kind not in BY_EVENT:
        return Unknown(f"moments of the kind {kind}")
    if isinstance(event, Purchase) and event.total.value <= 0:
        return Broken("a purchase of zero or below is none", (event_id,))
    found = isinstance(event, Clickstream | App) and event.query is not None
    if kind == "search_without_result" and found and event.query.results_count != 0:  # type: ignore
        return Broken("the search had results", (event_id,))
    return holds(event.event_name == BY_EVENT[kind], f"its event is {event.event_name}", event_id)


def in_time(at: OfferView) -> Answer:
    """An event that came later than `offer_ttl_late_ms` makes no offer."""
    if at.trigger is None or at.person is None:
        return None
    before = at.person.known_events(at.trigger.place)
    newest = max(before, key=lambda a: a.at_ms, default=at.trigger)
    late_ms = newest.at_ms - at.trigger.at_ms
    most_ms = at.world.policies.offer_ttl_late_ms
    proof = (at.trigger.event_id, newest.event_id)
    return holds(late_ms <= most_ms, f"its event came {late_ms} ms late", *proof)


def dwell(at: OfferView) -> Answer:
    """A rule that asks for a dwell is not woken by less."""
    if at.rule is None or not at.rule.min_dwell_ms or at.rule.kind in (CART, CASE, ZONE, DWELL):
        return None
    found = dwell_ms_of(at)
    if isinstance(found, Unknown):
        return found
    proof = at.offer.trigger.event_id
    return holds(found >= at.rule.min_dwell_ms, f"it was looked at for {found} ms", proof)


def when(at: OfferView) -> Answer:
    """The rule's own condition is true at that moment."""
    if at.rule is None or at.rule.when.strip() == "true":
        return None
    return says(at.rule.when, at)


def rearmed(at: OfferView) -> Answer:
    """A rule that fired rests for `rearm_ms` before it fires for the same person again."""
    if at.rule is None or at.person is None or not at.rule.rearm_ms or at.rule.kind == ASKED:
        return None
    own = at.of_this_life(at.world.entries_by_id.get(at.offer.decision_id, []))
    if not own:
        return Unknown("it has no entry in the decision log")
    fired_ms = to_ms(own[0].said.decided_at)
    # an event fires a rule for the person as known when it comes, before its own link; what was
    # put off is asked again, for the person as merged when it is spoken
    put_off = len(own) > 1
    place = at.place if at.trigger is None or put_off else min(at.place, at.trigger.place)
    person = at.world.people.at(at.offer.customer_id, place)
    for entry in () if person is None else at.world.entries_of(person, place):
        other = entry.said
        if other.trigger.rule_id != at.rule.rule_id or other.decision_id == at.offer.decision_id:
            continue
        first = at.world.entries_by_id[other.decision_id][0]
        age_ms = fired_ms - to_ms(first.said.decided_at)
        before = first.moment.turn < own[0].moment.turn and not _overtaken(at, other, own[0])
        if put_off:
            before = entry.moment.turn < own[-1].moment.turn and other.verdict not in UNANSWERED
            age_ms = abs(age_ms)
        if before and age_ms < at.rule.rearm_ms - SLACK_MS:
            return Broken(f"the rule had fired {age_ms} ms before", (other.decision_id,))
    return FINE


def _overtaken(at: OfferView, other: DecisionLog, by: Entry) -> bool:
    """Whether a decision had been overtaken by then: so it does not count as the rule's."""
    entries = at.world.entries_by_id[other.decision_id]
    return any(e.said.verdict == "overtaken" and e.moment.turn < by.moment.turn for e in entries)


def cart_there(at: OfferView) -> Answer:
    """A reminder of a cart is sent while the cart holds something that was not bought."""
    if at.offer.trigger.kind != CART:
        return None
    cart = cart_of(at.accepted, at.at_ms)
    proof = (cart.emptied_by,) if cart.emptied_by else ()
    return holds(bool(cart.lines), "the cart is empty: bought or taken out", *proof)


def cart_rested(at: OfferView) -> Answer:
    """A reminder of a cart is sent when the cart has not changed for the rule's `after_ms`."""
    if at.offer.trigger.kind != CART or at.rule is None:
        return None
    cart = cart_of(at.accepted, at.at_ms)
    rested_ms = at.at_ms - cart.changed_ms
    good = rested_ms >= at.rule.after_ms
    return holds(good, f"the cart had rested for {rested_ms} ms", cart.changed_by)


def in_zone(at: OfferView) -> Answer:
    """An offer on entering a zone, or on staying, is made while the person is there."""
    there = _presence(at)
    if there is None or isinstance(there, Unknown):
        return there
    return holds(there.there, "the person was not in the zone", *_said_by(there))


def zone_dwell(at: OfferView) -> Answer:
    """A visit counts when it has lasted `zones.min_dwell_ms`, or what a rule of dwell asks for."""
    there = _presence(at)
    if there is None or isinstance(there, Unknown):
        return there
    if not there.there:
        return None
    since_ms = there.since_ms
    latest = _presence(at, until_ms=at.at_ms)
    if isinstance(latest, Presence) and latest.there:
        since_ms = min(since_ms, latest.since_ms)  # what came since may say that it began earlier
    stayed_ms = at.at_ms - since_ms
    least_ms = at.world.policies.zones.min_dwell_ms
    if at.offer.trigger.kind == DWELL and at.rule is not None:
        least_ms = max(least_ms, at.rule.min_dwell_ms)
    return holds(stayed_ms >= least_ms, f"the visit had lasted {stayed_ms} ms", *_said_by(there))


def zone_consent(at: OfferView) -> Answer:
    """Where somebody is in the store may be used with consent to `location_beacon` only."""
    return may(at.known, "location_beacon") if at.offer.trigger.kind in (ZONE, DWELL) else None


def case_open(at: OfferView) -> Answer:
    """An offer to who is leaving is made while the case is open, is treated, and may be known."""
    if at.offer.trigger.kind != CASE:
        return None
    alert = at.world.alerts_by_id.get(at.offer.trigger.event_id)
    if alert is None:
        return Broken("there is no such alert")
    said = alert.said
    if said.transition not in ("entered", "escalated"):
        return Broken(f"the case was {said.transition}", (said.alert_id,))
    if said.experiment.holdout:
        return Broken("the case is left untreated", (said.alert_id,))
    over = [
        a.said.alert_id
        for a in at.world.alerts
        if a.said.case_id == said.case_id
        and a.said.transition == "resolved"
        and alert.moment.turn < a.moment.turn
        and a.moment.at_ms <= at.at_ms
    ]
    if over:
        return Broken("the case was resolved", tuple(over))
    return may(at.known, "profiling")


def still_new(at: OfferView) -> Answer:
    """An offer to a new customer is made while the purchase that was due has not been made."""
    before = DAYS_BEFORE.get(at.offer.trigger.kind)
    if before is None:
        return None
    if not at.orders.simple:
        return Unknown("orders were changed or given back")
    least, most = at.days
    if not least <= before <= most:
        proof = tuple(order.event_id for order in at.orders.completed)
        return Broken(f"bought on {least} days by then", proof)
    return may(at.known, "profiling")


def _presence(at: OfferView, until_ms: int | None = None) -> Presence | Unknown | None:
    if at.offer.trigger.kind not in (ZONE, DWELL) or at.trigger is None:
        return None
    event, world = at.trigger.event, at.world
    if not isinstance(event, Beacon):
        return None
    spot = spot_of(event, world.beacons)
    if spot is None:
        return Unknown("the zone of a beacon that is not in the registry")
    known, rules = at.known, world.policies.zones
    if until_ms is not None:
        return presence_of(known, spot, world.beacons, rules, until_ms)
    now = presence_of(known, spot, world.beacons, rules, at.moment_ms)
    left = any(
        isinstance(a.event, Beacon)
        and a.event.observation == "exit"
        and is_at(a.event, spot, world.beacons)
        and at.moment_ms < a.at_ms <= at.at_ms
        for a in known
    )
    return presence_of(known, spot, world.beacons, rules, at.at_ms) if left else now


def _said_by(there: Presence) -> tuple[str, ...]:
    return (there.said_by,) if there.said_by else ()


def _merged(at: OfferView) -> tuple[str, ...]:
    person = at.contact.person
    return (person.merged_by,) if person is not None and person.merged_by else ()
