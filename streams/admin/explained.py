"""An explanation as lines for a terminal of 80 columns."""

from collections.abc import Iterator

from streams.admin.decision_words import LOWERS, RAISES, WHY_NOT
from streams.admin.explaining import Explanation, Possible
from streams.contracts.chances import decimal, percent
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import Terms
from streams.decisions import DRAWN


def told(one: Explanation, language: LanguageTag) -> Iterator[str]:
    """What happened, what was possible and worth, why not the rest, and what the model goes by."""
    yield f"{one.decision_id}  {one.decided_at}  {one.customer_id}"
    yield f"  {one.trigger_text} ({one.trigger.kind}, event {one.trigger.event_id})"
    yield f"  rule {one.trigger.rule_id}, {one.channel}, {one.placement}, arm {one.arm}"
    yield f"  -> {one.text}" + (f": {one.chosen_offer_id}" if one.chosen_offer_id else "")
    if one.channels_text:
        yield f"     {one.channels_text}"
    if one.withheld_offer_id:
        yield f"     {one.withheld_offer_id}: {WHY_NOT['offer_holdout'][language]} (offer_holdout)"
    drawn = one.verdict in DRAWN
    if drawn:
        yield f"  drawn with probability {decimal(one.action_probability)}"
    yield from _possible(one, drawn=drawn)
    yield from _withheld(one)
    yield from _reasons(one, language)
    yield f"  policy {one.policy.version}, model {one.model.version}{_uplift(one)}"


def _possible(one: Explanation, *, drawn: bool) -> Iterator[str]:
    if one.possible:
        yield f"  possible, with what each is worth ({_equation(one)} = priority):"
    for offer in one.possible:
        with_probability = f", drawn with {decimal(offer.probability)}" if drawn else ""
        yield _terms(offer, chosen=offer.offer_id == one.chosen_offer_id) + with_probability
    if drawn:
        yield f"      no offer, drawn with {decimal(one.no_offer_probability)}"
    for text in one.levers_text:
        yield f"      {text}"


def _terms(offer: Possible, *, chosen: bool) -> str:
    terms = offer.terms
    return (
        f"    {'*' if chosen else ' '} {offer.offer_id}  {terms.value:.3f} - {terms.cost:.3f}"
        f" - {terms.fatigue:.3f}{_lever(terms)} = {terms.priority:.3f}"
        f"  used by {percent(terms.response_probability, 1)}{_anyway(terms)}{_effect(terms)}"
    )


def _equation(one: Explanation) -> str:
    pulled = any(offer.terms.lever for offer in one.possible)
    return "value - cost - fatigue" + (" + lever" if pulled else "")


def _lever(terms: Terms) -> str:
    """Only where the owner has one."""
    return f" {'+' if terms.lever > 0 else '-'} {abs(terms.lever):.3f}" if terms.lever else ""


def _anyway(terms: Terms) -> str:
    """Older records do not say it."""
    share = terms.bought_anyway
    if share is None:
        return ""
    ordered = terms.ordered_anyway
    own = "" if ordered is None else f" (orders what fits anyway: {percent(ordered)})"
    return f", {percent(share)} of them anyway{own}"


def _effect(terms: Terms) -> str:
    """What comparisons say of sending it, once there were enough."""
    told = terms.effect
    if told is None:
        return ""
    orders, orders_error, margin, margin_error = told
    return (
        f"; sent it adds {orders:.3f} +- {orders_error:.3f} orders,"
        f" {margin:.2f} +- {margin_error:.2f} of margin"
    )


def _uplift(one: Explanation) -> str:
    return "" if one.uplift is None else f", uplift {one.uplift.version}"


def _withheld(one: Explanation) -> Iterator[str]:
    if one.withheld:
        yield "  not possible:"
    for offer in one.withheld:
        yield f"      {offer.offer_id}  {offer.text} ({offer.why_not})"


def _reasons(one: Explanation, language: LanguageTag) -> Iterator[str]:
    if one.about_offer_id is None:
        return
    yield f"  what moves the probability that {one.about_offer_id} is used:"
    for reason in one.reasons:
        how = RAISES if reason.odds > 1.0 else LOWERS
        yield f"      {reason.text}: {how[language]} (odds x {reason.odds:.2f})"
    if one.no_reasons:
        yield f"      {one.no_reasons}"
