"""One decision explained: what happened, what was possible, why not the rest, what it was worth."""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from streams.admin.decision_words import (
    FEATURES,
    TRIGGERS,
    VERDICTS,
    WHY_CHANNEL,
    WHY_LEVER,
    WHY_NOT,
)
from streams.admin.explained_words import NOT_KEPT, NOTHING_MOVES
from streams.alerts.step_wording import CHANNELS
from streams.contracts.chances import percent
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import CandidateLog, DecisionLog, Terms, Trigger, Versioned
from streams.features import CONTEXT_FEATURES
from streams.models import ResponseModel
from streams.models.response_reasons import parts_of_log_odds

REASONS_MAX = 4
EFFECT_MIN = 0.05  # of the log odds: five percent of the odds; less is not worth a line


class Possible(Struct, frozen=True):
    """An offer that was eligible: what it is worth, and how probable it was to be drawn."""

    offer_id: str
    probability: float
    terms: Terms


class Withheld(Struct, frozen=True):
    """An offer that could not be made, and why."""

    offer_id: str
    why_not: str
    text: str


class Reason(Struct, frozen=True):
    """What moves the response probability: `odds` is the factor on its odds."""

    code: str
    odds: float
    text: str


class Explanation(Struct, frozen=True, kw_only=True):
    """A decision in words and figures.

    Attributes:
        text: what became of it.
        trigger_text: what asked for it.
        chosen_offer_id: None where no offer was made.
        withheld_offer_id: the offer that was drawn and not sent: the person is in its holdout.
        channels_text: why this channel; empty where there was no choice.
        levers_text: what the owner has added by hand, an offer a sentence.
        action_probability: of what was drawn.
        possible: the offers that were eligible, the most valuable first; in the holdout and at a
            limit none of them was drawn from.
        withheld: all others.
        about_offer_id: the offer that `reasons` are about: the chosen, else the most valuable.
        reasons: the strongest first.
        no_reasons: why there are none.
    """

    decision_id: str
    customer_id: str
    decided_at: str
    verdict: str
    text: str
    trigger: Trigger
    trigger_text: str
    channel: str
    placement: str
    arm: str
    chosen_offer_id: str | None
    withheld_offer_id: str | None
    channels_text: str
    levers_text: tuple[str, ...]
    action_probability: float
    no_offer_probability: float
    possible: tuple[Possible, ...]
    withheld: tuple[Withheld, ...]
    about_offer_id: str | None
    reasons: tuple[Reason, ...]
    no_reasons: str
    policy: Versioned
    model: Versioned
    uplift: Versioned | None


def explain(entry: DecisionLog, model: ResponseModel | None, language: LanguageTag) -> Explanation:
    """The explanation of one entry.

    Args:
        entry: a record of the decision log.
        model: the response model that `entry.model` names; None where it is no longer kept.
        language: of the texts.
    """
    possible = sorted((c for c in entry.offers if c.terms is not None), key=lambda c: -_priority(c))
    chosen = [c for c in possible if c.offer_id == entry.chosen_offer_id]
    about = next(iter([*chosen, *possible]), None)
    reasons, no_reasons = ((), "") if about is None else _reasons(entry, about, model, language)
    return Explanation(
        decision_id=entry.decision_id,
        customer_id=entry.customer_id,
        decided_at=entry.decided_at.isoformat(),
        verdict=entry.verdict,
        text=VERDICTS[entry.verdict][language],
        trigger=entry.trigger,
        trigger_text=TRIGGERS[entry.trigger.kind][language]
        if entry.trigger.kind in TRIGGERS
        else entry.trigger.kind,
        channel=entry.channel,
        placement=entry.placement,
        arm=entry.experiment.arm,
        chosen_offer_id=entry.chosen_offer_id,
        withheld_offer_id=entry.withheld_offer_id,
        channels_text=_channels_text(entry, language),
        levers_text=_levers_text(possible, language),
        action_probability=entry.action_probability,
        no_offer_probability=entry.no_offer_probability,
        possible=tuple(
            Possible(c.offer_id, c.probability, c.terms) for c in possible if c.terms is not None
        ),
        withheld=tuple(
            Withheld(c.offer_id, c.why_not, WHY_NOT[c.why_not][language])
            for c in entry.offers
            if c.why_not is not None and c.terms is None
        ),
        about_offer_id=None if about is None else about.offer_id,
        reasons=reasons,
        no_reasons=no_reasons,
        policy=entry.policy,
        model=entry.model,
        uplift=entry.uplift,
    )


def _channels_text(entry: DecisionLog, language: LanguageTag) -> str:
    """By which channel, and how probable an answer is on each that was possible."""
    if not entry.channels or entry.chosen_offer_id is None:
        return ""
    rates = sorted(entry.channels.items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{CHANNELS[channel][language]} {percent(rate)}" for channel, rate in rates)
    return WHY_CHANNEL[language].format(channel=CHANNELS[entry.channel][language], rates=told)


def _levers_text(possible: Sequence[CandidateLog], language: LanguageTag) -> tuple[str, ...]:
    pulled = ((c.offer_id, 0.0 if c.terms is None else c.terms.lever) for c in possible)
    words = WHY_LEVER[language]
    return tuple(
        words.format(offer=name, amount=f"{lever:+.3f}") for name, lever in pulled if lever
    )


def _priority(candidate: CandidateLog) -> float:
    return 0.0 if candidate.terms is None else candidate.terms.priority


def _reasons(
    entry: DecisionLog, about: CandidateLog, model: ResponseModel | None, language: LanguageTag
) -> tuple[tuple[Reason, ...], str]:
    """What moves the probability of `about` most, or why that cannot be said."""
    if model is None:
        return (), NOT_KEPT[language].format(model=entry.model.version)
    context = np.array([entry.context.get(name, 0.0) for name in CONTEXT_FEATURES])
    parts = parts_of_log_odds(model, context, np.array(about.features), about.offer_id)
    moving = [(n, v) for n, v in parts.items() if n in FEATURES and abs(v) >= EFFECT_MIN]
    reasons = tuple(
        Reason(name, round(math.exp(value), 3), FEATURES[name][language])
        for name, value in sorted(moving, key=lambda pair: -abs(pair[1]))[:REASONS_MAX]
    )
    return reasons, "" if reasons else NOTHING_MOVES[language]
