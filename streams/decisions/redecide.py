"""Deciding again from the log: the record and the snapshot it names give the same bytes."""

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec.structs import replace

from streams.contracts.common import ChannelName
from streams.contracts.outputs.candidates import CandidateLog, columns_of, packed
from streams.contracts.outputs.challenger import ChallengerLog
from streams.contracts.outputs.payloads import DecisionLog, Terms, Verdict
from streams.contracts.outputs.terms import rows_of
from streams.contracts.reference.structs import Arm
from streams.contracts.times import to_ms
from streams.decisions.anyway import shares_of
from streams.decisions.arbitration import Response, weigh
from streams.decisions.channels import logged_options
from streams.decisions.classes import CERTAIN, was_certain
from streams.decisions.doubting import posterior_by
from streams.decisions.exploration import draw, exploring_of
from streams.decisions.holdouts import OFFER_HOLDOUT, without_held
from streams.decisions.known import NOTHING_LEARNED, Scorer, Uplift
from streams.decisions.policy import CompiledOffer, Policy
from streams.decisions.shadow import shadow_of
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES, prior_log_odds
from streams.features.expected import UNSTATED
from streams.features.offers import scaled_rate
from streams.features.packing import Vector

EXPECTED_RATE = OFFER_FEATURES.index("expected_rate")
DRAWN: frozenset[Verdict] = frozenset({"offer", "no_offer"})


def redecide(
    entry: DecisionLog,
    scorer: Scorer,
    policy: Policy,
    uplift: Uplift = NOTHING_LEARNED,
    challenger: Scorer | None = None,
) -> DecisionLog:
    """The entry as it comes out when its candidates are scored, weighed and drawn again.

    Args:
        entry: a record of `decision-log`. One of the holdout or at a limit is scored and weighed,
            for nothing was drawn; one without terms comes back as it is.
        scorer: the response model of the snapshot that `entry.model` names.
        policy: the reference data that `entry.policy` names.
        uplift: the model of the snapshot that `entry.uplift` names.
        challenger: that of the snapshot that `entry.challenger` names; None: what is said of it
            stays as it is.
    """
    eligible = [c for c in entry.offers if c.terms is not None]
    if not eligible:
        return entry
    weighed = _weighed(entry, eligible, scorer, policy, uplift)
    if entry.verdict not in DRAWN:
        return _with(entry, weighed)
    terms = columns_of([c.terms for c in weighed if c.terms is not None])
    arbitration, posterior = policy.policies.arbitration, None
    known = [policy.by_id[c.offer_id] for c in eligible]
    if was_certain(entry, known):
        drawn = CERTAIN
    else:
        posterior = posterior_by(scorer, arbitration, known, terms, _features(entry, eligible))
        exploring = exploring_of(arbitration, terms, scorer.version, posterior)
        arm = _arm(policy, entry.experiment.arm)
        drawn = draw(entry.decision_id, terms.priority, arm, exploring)
    held = frozenset(c.offer_id for c in eligible if c.why_not == OFFER_HOLDOUT)
    drawn = without_held(drawn, [c.offer_id for c in eligible], held)
    again = (replace(c, probability=p) for c, p in zip(weighed, drawn.probabilities, strict=True))
    again_beside = entry.challenger
    if challenger is not None and entry.challenger is not None:
        rival = _weighed(entry, eligible, challenger, policy, uplift)
        again_beside = _beside(entry, rival, challenger, policy, held)
    return replace(
        _with(entry, again),
        verdict="no_offer" if drawn.index is None else "offer",
        chosen_offer_id=_named(eligible, drawn.index),
        withheld_offer_id=_named(eligible, drawn.withheld),
        action_probability=drawn.probability,
        no_offer_probability=drawn.no_offer,
        channel=_channel(entry, weighed, drawn.index),
        challenger=again_beside,
        doubt=None if posterior is None else posterior.doubt,
    )


def _beside(
    entry: DecisionLog,
    rival: Sequence[CandidateLog],
    challenger: Scorer,
    policy: Policy,
    held: frozenset[str],
) -> ChallengerLog:
    """What the challenger would have drawn of what was possible, weighed by what it says."""
    arbitration = policy.policies.arbitration
    terms = columns_of([c.terms for c in rival if c.terms is not None])
    names = [c.offer_id for c in rival]
    known = [policy.by_id[name] for name in names]
    posterior = posterior_by(challenger, arbitration, known, terms, _features(entry, rival))
    exploring = exploring_of(arbitration, terms, challenger.version, posterior)
    return shadow_of(entry.decision_id, challenger.version, (names, terms), held, exploring)


def _weighed(
    entry: DecisionLog,
    eligible: Sequence[CandidateLog],
    scorer: Scorer,
    policy: Policy,
    uplift: Uplift,
) -> list[CandidateLog]:
    """What was possible, with the terms that follow from what a model says."""
    vectors, context = _features(entry, eligible)
    response_probabilities = scorer.response_probabilities(
        context,
        vectors,
        [c.offer_id for c in eligible],
        [_prior(c, policy.by_id[c.offer_id]) for c in eligible],
    )
    options = logged_options(entry.channels, policy.policies.contact)
    now_ms, known = to_ms(entry.decided_at), [policy.by_id[c.offer_id] for c in eligible]
    ordered = [None if c.terms is None else c.terms.ordered_anyway for c in eligible]
    shares = shares_of(known, ordered, policy, uplift)
    size = next((c.terms.order_size for c in eligible if c.terms is not None), None)
    effects = rows_of(uplift.effects([c.offer for c in known], context), len(known))

    def again(logged: CandidateLog, offer: CompiledOffer, told: Response) -> CandidateLog:
        response = offer.levers.on(told, now_ms, entry.channel)
        return replace(logged, terms=_terms(logged, offer, response))

    return [
        again(logged, offer, Response(float(p), share, options, 0.0, own, effect, size))
        for logged, offer, p, share, own, effect in zip(
            eligible, known, response_probabilities, shares, ordered, effects, strict=True
        )
    ]


def _prior(logged: CandidateLog, offer: CompiledOffer) -> float:
    """Log odds of its expected rate; older versions took `UNSTATED` where none is stated."""
    before = np.float32(scaled_rate(UNSTATED)) == np.float32(logged.features[EXPECTED_RATE])
    if before and offer.offer.expected_rate is None:
        return prior_log_odds(UNSTATED)
    return offer.prior_log_odds


def _features(entry: DecisionLog, eligible: Sequence[CandidateLog]) -> tuple[Vector, Vector]:
    """Of the offers, and of the context."""
    context = [entry.context[name] for name in CONTEXT_FEATURES]
    return np.array([c.features for c in eligible], np.float32), np.array(context, np.float32)


def _named(eligible: Sequence[CandidateLog], index: int | None) -> str | None:
    return None if index is None else eligible[index].offer_id


def _channel(entry: DecisionLog, weighed: Sequence[CandidateLog], index: int | None) -> ChannelName:
    """The chosen offer's; one that was not sent then has the rule's, which the record had."""
    terms = None if index is None else weighed[index].terms
    return (None if terms is None else terms.channel) or entry.channel


def _with(entry: DecisionLog, again: Iterable[CandidateLog]) -> DecisionLog:
    """The entry in its own form with what came out."""
    by_id = {c.offer_id: c for c in again}
    rows = tuple([by_id.get(c.offer_id, c) for c in entry.offers])
    return replace(entry, candidates=rows if isinstance(entry.candidates, tuple) else packed(rows))


def _terms(logged: CandidateLog, offer: CompiledOffer, response: Response) -> Terms:
    """The terms again; an older record says nothing of who bought anyway, or of the effect."""
    before = logged.terms
    if before is None or before.effect is None:
        response = replace(response, effect=None)
    terms = weigh(offer.offer, response, 0.0 if before is None else before.fatigue)
    if before is None:
        return terms
    anyway = None if before.bought_anyway is None else terms.bought_anyway
    return replace(terms, bought_anyway=anyway)


def _arm(policy: Policy, name: str) -> Arm:
    return next(arm for arm in policy.policies.experiment.arms if arm.name == name)
