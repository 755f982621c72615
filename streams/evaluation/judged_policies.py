"""Policies that are judged on a log: what each would have drawn in a decision that it has."""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from streams.contracts.outputs.candidates import CandidateLog, columns_of
from streams.contracts.outputs.payloads import DecisionLog, Terms
from streams.contracts.outputs.terms import Doubt
from streams.contracts.reference.structs import Arm
from streams.contracts.times import to_ms
from streams.decisions import Policy
from streams.decisions.arbitration import Response, weigh
from streams.decisions.channels import Option
from streams.decisions.doubting import posterior_of
from streams.decisions.exploration import Draw, draw, exploring_of, mode_of
from streams.decisions.holdouts import OFFER_HOLDOUT, without_held
from streams.decisions.posterior_draws import Floats
from streams.models.pool import on_bases
from streams.models.posterior import loads_of

Weighed = Sequence[float]
SAME = 1e-9
GONE = Terms(response_probability=0.0, value=0.0, cost=1.0, lever=0.0, fatigue=0.0, priority=-1.0)
"""Of an offer that the reference data do not know: never the best."""
BY_PRIORITY = Arm(name="policy", share=1.0, chooser="policy")


class Chooser(Struct, frozen=True):
    """The policy that is judged: probabilities of eligible offers and, last, of no offer.

    They follow from the eligible candidates and the entry of the log that has them; None: of this
    decision it says nothing. An offer that the person is held out of is drawn as any other and then
    not sent, as in the decisions themselves.
    """

    name: str
    probabilities: Callable[[Sequence[CandidateLog], DecisionLog], Weighed | None]


def uniform() -> Chooser:
    """Any eligible offer alike, as the uniform arm."""

    def probabilities(found: Sequence[CandidateLog], _: DecisionLog) -> Weighed:
        share = 1.0 / len(found)
        return _sent(found, Draw(None, (share,) * len(found), 0.0))

    return Chooser("uniform", probabilities)


def by_policy(policy: Policy) -> Chooser:
    """The arm that draws by priority, with the offers and policies of some reference data.

    The response probability is the logged one; what is eligible is what was; levers are those of
    the reference data that count at the moment of the decision. Where they draw by the posterior,
    nothing is said of a decision whose record does not tell how sure the model was.
    """

    def probabilities(found: Sequence[CandidateLog], entry: DecisionLog) -> Weighed | None:
        return drawn(BY_PRIORITY, policy, (found, _terms(policy, found, entry)), entry)

    return Chooser(f"policy {policy.named.version}", probabilities)


def as_logged(found: Sequence[CandidateLog], entry: DecisionLog) -> list[float]:
    """Probabilities of the offers and, last, of no offer."""
    return [*(c.probability for c in found), entry.no_offer_probability]


def same(ours: Weighed, others: Weighed | None) -> bool:
    """Whether both are the same probabilities, but for rounding."""
    return others is not None and all(abs(a - b) <= SAME for a, b in zip(ours, others, strict=True))


def _terms(policy: Policy, found: Sequence[CandidateLog], entry: DecisionLog) -> list[Terms]:
    at_ms = to_ms(entry.decided_at)

    def terms_of(logged: CandidateLog) -> Terms:
        before, offer = logged.terms, policy.by_id.get(logged.offer_id)
        if before is None or offer is None:
            return GONE
        channel = before.channel or entry.channel
        response = offer.levers.on(_response(before, policy), at_ms, channel)
        return weigh(offer.offer, response, before.fatigue)

    return [terms_of(c) for c in found]


def _response(terms: Terms, policy: Policy) -> Response:
    """As logged; an older record has the share of the policies."""
    prior, anyway = policy.policies.arbitration.redeemed_at_base_rate, terms.bought_anyway
    costs, channel = policy.policies.contact.channel_costs, terms.channel
    options = () if channel is None else (Option(channel, 1.0, costs.get(channel, 0.0)),)
    share = prior if anyway is None else anyway
    ordered, size = terms.ordered_anyway, terms.order_size
    return Response(terms.response_probability, share, options, 0.0, ordered, terms.effect, size)


def drawn(
    arm: Arm,
    policy: Policy,
    weighed: tuple[Sequence[CandidateLog], Sequence[Terms]],
    entry: DecisionLog,
) -> Weighed | None:
    """What an arm sends of the offers of an entry, weighed so by the model that decided.

    None: it draws by the posterior, and the entry does not say of all offers how sure the model
    was.
    """
    (found, each), arbitration = weighed, policy.policies.arbitration
    terms = columns_of(each)
    posterior, version = None, entry.model.version
    if arm.chooser == "policy" and mode_of(arbitration, version) == "thompson":
        loads = _loads(found, entry.doubt)
        if entry.doubt is None or loads is None:
            return None
        known = [policy.by_id.get(c.offer_id) for c in found]
        prior = arbitration.redeemed_at_base_rate
        posterior = posterior_of(known, terms, loads, entry.doubt, prior)
    exploring = exploring_of(arbitration, terms, version, posterior)
    return _sent(found, draw(entry.decision_id, terms.priority, arm, exploring))


def _loads(found: Sequence[CandidateLog], doubt: Doubt | None) -> Floats | None:
    """How the shared numbers count in each offer; None: the doubt is not of these offers."""
    if doubt is None or len({len(c.features) for c in found}) != 1:
        return None
    loads = loads_of(on_bases(np.array([c.features for c in found], np.float32)))
    return loads if loads.shape == (len(doubt.own), len(doubt.shared)) else None


def _sent(found: Sequence[CandidateLog], drawn: Draw) -> Weighed:
    """Probabilities of what is sent: of an offer that the person is held out of, nothing is."""
    held = frozenset(c.offer_id for c in found if c.why_not == OFFER_HOLDOUT)
    sent = without_held(drawn, [c.offer_id for c in found], held)
    return [*sent.probabilities, sent.no_offer]
