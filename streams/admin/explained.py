"""An explanation as lines for a terminal of 80 columns, in the reader's language."""

from collections.abc import Iterator

from streams.admin import explained_words as words
from streams.admin.decision_words import LOWERS, RAISES, WHY_NOT
from streams.admin.explaining import Explanation, Possible
from streams.contracts.chances import decimal, percent
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import Terms, Texts
from streams.decisions import DRAWN


def told(one: Explanation, language: LanguageTag) -> Iterator[str]:
    """What happened, what was possible and worth, why not the rest, and what the model goes by."""
    asked = one.trigger
    yield f"{one.decision_id}  {one.decided_at}  {one.customer_id}"
    event = words.EVENT[language].format(
        text=one.trigger_text, kind=asked.kind, event=asked.event_id
    )
    yield f"  {event}"
    circumstances = words.CIRCUMSTANCES[language].format(
        rule=asked.rule_id, channel=one.channel, placement=one.placement, arm=one.arm
    )
    yield f"  {circumstances}"
    yield f"  -> {one.text}" + (f": {one.chosen_offer_id}" if one.chosen_offer_id else "")
    if one.channels_text:
        yield f"     {one.channels_text}"
    if one.withheld_offer_id:
        yield f"     {one.withheld_offer_id}: {WHY_NOT['offer_holdout'][language]} (offer_holdout)"
    drawn = one.verdict in DRAWN
    if drawn:
        yield f"  {_chance(words.DRAWN_WITH, language, one.action_probability)}"
    yield from _possible(one, language, drawn=drawn)
    yield from _withheld(one, language)
    yield from _reasons(one, language)
    versions = words.VERSIONS[language].format(policy=one.policy.version, model=one.model.version)
    yield f"  {versions}{_uplift(one, language)}"


def _possible(one: Explanation, language: LanguageTag, *, drawn: bool) -> Iterator[str]:
    if one.possible:
        yield f"  {words.POSSIBLE[language].format(equation=_equation(one, language))}"
    for offer in one.possible:
        chosen = offer.offer_id == one.chosen_offer_id
        chance = _chance(words.EACH_DRAWN_WITH, language, offer.probability) if drawn else ""
        yield _terms(offer, language, chosen=chosen) + chance
    if drawn:
        yield f"      {_chance(words.NO_OFFER_WITH, language, one.no_offer_probability)}"
    if any(offer.terms.effect for offer in one.possible):
        yield f"      {words.WHAT_ADDING_IS[language]}"
    for text in one.levers_text:
        yield f"      {text}"


def _chance(text: Texts, language: LanguageTag, probability: float) -> str:
    return text[language].format(probability=decimal(probability))


def _terms(offer: Possible, language: LanguageTag, *, chosen: bool) -> str:
    terms = offer.terms
    used = words.USED_BY[language].format(share=percent(terms.response_probability, 1))
    return (
        f"    {'*' if chosen else ' '} {offer.offer_id}  {terms.value:.3f} - {terms.cost:.3f}"
        f" - {terms.fatigue:.3f}{_lever(terms)} = {terms.priority:.3f}"
        f"  {used}{_anyway(terms, language)}{_effect(terms, language)}"
    )


def _equation(one: Explanation, language: LanguageTag) -> str:
    pulled = any(offer.terms.lever for offer in one.possible)
    return words.EQUATION[language] + (f" + {words.LEVER[language]}" if pulled else "")


def _lever(terms: Terms) -> str:
    """Only where the owner has one."""
    return f" {'+' if terms.lever > 0 else '-'} {abs(terms.lever):.3f}" if terms.lever else ""


def _anyway(terms: Terms, language: LanguageTag) -> str:
    """Older records do not say it."""
    share, ordered = terms.bought_anyway, terms.ordered_anyway
    if share is None:
        return ""
    told = words.ANYWAY[language].format(share=percent(share))
    if ordered is None:
        return told
    return told + words.ORDERS_ANYWAY[language].format(share=percent(ordered))


def _effect(terms: Terms, language: LanguageTag) -> str:
    """What comparisons say of sending it, once there were enough."""
    if terms.effect is None:
        return ""
    orders, orders_error, margin, margin_error = terms.effect
    return words.ADDS[language].format(
        orders=f"{orders:.3f} +- {orders_error:.3f}", margin=f"{margin:.2f} +- {margin_error:.2f}"
    )


def _uplift(one: Explanation, language: LanguageTag) -> str:
    if one.uplift is None:
        return ""
    return words.UPLIFT[language].format(uplift=one.uplift.version)


def _withheld(one: Explanation, language: LanguageTag) -> Iterator[str]:
    if one.withheld:
        yield f"  {words.NOT_POSSIBLE[language]}"
    for offer in one.withheld:
        yield f"      {offer.offer_id}  {offer.text} ({offer.why_not})"


def _reasons(one: Explanation, language: LanguageTag) -> Iterator[str]:
    if one.about_offer_id is None:
        return
    yield f"  {words.WHAT_MOVES[language].format(offer=one.about_offer_id)}"
    for reason in one.reasons:
        how = RAISES if reason.odds > 1.0 else LOWERS
        moves = words.MOVES[language].format(
            what=reason.text, how=how[language], odds=f"{reason.odds:.2f}"
        )
        yield f"      {moves}"
    if one.no_reasons:
        yield f"      {one.no_reasons}"
