"""Decisions and what came of them, as a judge of policies reads them: our log, or Open Bandit's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.candidates import CandidateLog, columns_of
from streams.contracts.outputs.payloads import DecisionLog, Terms
from streams.contracts.outputs.terms import Doubt
from streams.contracts.reference.structs import Arm
from streams.contracts.times import to_ms
from streams.contracts.unreadable import UNREADABLE
from streams.decisions import Policy
from streams.decisions.arbitration import Response, weigh
from streams.decisions.channels import Option
from streams.decisions.classes import was_certain
from streams.decisions.doubting import posterior_of
from streams.decisions.exploration import Draw, draw, exploring_of, mode_of
from streams.decisions.holdouts import OFFER_HOLDOUT, without_held
from streams.decisions.posterior_draws import Floats
from streams.errors import OperatorError
from streams.evaluation.number_tables import header_of, rows_of
from streams.evaluation.off_policy import Judged, Logged
from streams.models.pool import on_bases
from streams.models.posterior import loads_of

Reward = Literal["used", "margin"]
Weighed = Sequence[float]
OPEN_BANDIT = ("item_id", "click", "propensity_score")
NEEDED = "docs/ask-the-log.md tells what is needed"
SAME = 1e-9
RESPONSE = "response"
OUTCOMES = ("used", "late_conversion", "not_used")
GONE = Terms(response_probability=0.0, value=0.0, cost=1.0, lever=0.0, fatigue=0.0, priority=-1.0)
"""Of an offer that the reference data do not know: never the best."""
BY_PRIORITY = Arm(name="policy", share=1.0, chooser="policy")
T = TypeVar("T")
Row = tuple[float, float, float, float, float, str]
"""Propensity, target, reward, what a model expects of the action, and of the policy; who."""


class Counts(Struct):
    """How many decisions of a log are judged, and why others are not.

    `not_asked`: a model was to be judged, and there was no challenger yet, or it was tuned
    otherwise, or what the model would have drawn is not known; or the policy draws by a posterior
    that was not logged, or not of all these offers.
    """

    judged: int = 0
    nothing_drawn: int = 0
    no_label: int = 0
    offer_gone: int = 0
    not_asked: int = 0


class FoundOnLog(Struct, frozen=True):
    """What a log says of a policy; `judged` is None where no decision could be judged."""

    policy: str
    reward: str
    seed: int
    counts: Counts
    judged: Judged | None


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
    offers, at_ms = {c.offer.offer_id: c for c in policy.offers}, to_ms(entry.decided_at)

    def terms_of(logged: CandidateLog) -> Terms:
        before, offer = logged.terms, offers.get(logged.offer_id)
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
    ordered = terms.ordered_anyway
    return Response(terms.response_probability, share, options, 0.0, ordered, terms.effect)


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
        offers = {c.offer.offer_id: c for c in policy.offers}
        known, prior = [offers.get(c.offer_id) for c in found], arbitration.redeemed_at_base_rate
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


class Question(Struct, frozen=True):
    """What is asked of a log.

    Attributes:
        policy: the reference data of the log: margins, discounts, the arms' shares.
        judged: the policy to judge.
        reward: `used` counts uses; `margin` is their margin less discount and contact cost.
        pooled: whether a decision counts by its probability over all arms; false where nobody says
            that `policy` is the log's own.
    """

    policy: Policy
    judged: Chooser
    reward: Reward
    pooled: bool = True


def read_own(
    entries: Iterable[bytes], examples: Iterable[bytes], question: Question
) -> tuple[Logged, Counts]:
    """The decisions of our own log that have a label, or made no offer.

    Args:
        entries: values of `decision-log`.
        examples: values of `learning-examples`.
        question: what is asked.

    Raises:
        OperatorError: a record cannot be read.
    """
    return read_for_each(entries, examples, (question,))[0]


def read_for_each(
    entries: Iterable[bytes], examples: Iterable[bytes], questions: Sequence[Question]
) -> list[tuple[Logged, Counts]]:
    """What `read_own` gives for each of several questions, by reading the log once.

    Raises:
        OperatorError: a record cannot be read.
    """
    labels = labels_of(examples)
    told = [(question, Counts(), list[Row]()) for question in questions]
    known = [{c.offer.offer_id: c for c in q.policy.offers} for q in questions]
    for value in entries:
        entry = decoded(value, DecisionLog)
        found = [
            c for c in entry.offers if c.terms is not None and c.why_not in (None, OFFER_HOLDOUT)
        ]
        for (question, counts, rows), offers in zip(told, known, strict=True):
            if (
                not found
                or entry.verdict not in ("offer", "no_offer")
                or entry.experiment.holdout  # only a mandatory offer is sent there
                or was_certain(entry, [offers[c.offer_id] for c in found if c.offer_id in offers])
            ):
                counts.nothing_drawn += 1
                continue
            row = _row(entry, found, labels, question, counts)
            if row is not None:
                rows.append(row)
                counts.judged += 1
    return [(_logged(rows), counts) for _, counts, rows in told]


def _row(
    entry: DecisionLog,
    found: list[CandidateLog],
    labels: dict[str, float],
    question: Question,
    counts: Counts,
) -> Row | None:
    worth = _worth(question, found)
    if worth is None:
        counts.offer_gone += 1
        return None
    place = next((n for n, c in enumerate(found) if c.offer_id == entry.chosen_offer_id), None)
    label = 0.0 if place is None else label_of(labels, entry.decision_id)
    if label is None:
        counts.no_label += 1
        return None
    taken = len(found) if place is None else place
    probabilities = question.judged.probabilities(found, entry)
    if probabilities is None or len(probabilities) != len(found) + 1:
        counts.not_asked += 1
        return None
    responses = [c.terms.response_probability for c in found if c.terms is not None]
    gains = [p * gain - cost for p, (gain, cost) in zip(responses, worth, strict=True)] + [0.0]
    got = 0.0 if place is None else label * worth[place][0] - worth[place][1]
    expected = sum(p * gain for p, gain in zip(probabilities, gains, strict=True))
    action_probability = _action_probability(question, entry, found, taken)
    return action_probability, probabilities[taken], got, gains[taken], expected, entry.customer_id


def _worth(question: Question, found: Sequence[CandidateLog]) -> list[tuple[float, float]] | None:
    """What a use of each offer brings and what its contact costs; None: an offer is not known."""
    if question.reward == "used":
        return [(1.0, 0.0)] * len(found)
    offers = {c.offer.offer_id: c.offer for c in question.policy.offers}
    if any(c.offer_id not in offers for c in found):
        return None
    each = [(offers[c.offer_id], _channel_cost(c, question.policy)) for c in found]
    return [(o.margin - o.discount, o.contact_cost + cost) for o, cost in each]


def _channel_cost(candidate: CandidateLog, policy: Policy) -> float:
    """What the channel costs that was chosen for it; 0 where there was none to choose."""
    channel = None if candidate.terms is None else candidate.terms.channel
    return 0.0 if channel is None else policy.policies.contact.channel_costs.get(channel, 0.0)


def _action_probability(
    question: Question, entry: DecisionLog, found: Sequence[CandidateLog], taken: int
) -> float:
    """The probability of what was taken over all arms that draw, by their shares.

    People are dealt to arms by a hash, so the arms are one policy together, whose weights vary less
    (the balance heuristic; Veach and Guibas 1995). Where the reference data are not those of the
    decision, by their version or by the probabilities that they give, the arm's own counts.
    """
    policy = question.policy
    if not question.pooled or policy.named != entry.policy:
        return entry.action_probability
    arms = [a for a in policy.policies.experiment.arms if a.chooser != "holdout" and a.share > 0]
    logged = [c.terms for c in found if c.terms is not None]
    by_arm = {a.name: drawn(a, policy, (found, logged), entry) for a in arms}
    mine = by_arm.get(entry.experiment.arm)
    if not same(as_logged(found, entry), mine):
        return entry.action_probability
    shares = [(a.share, by_arm[a.name]) for a in arms]
    if any(sent is None for _, sent in shares):
        return entry.action_probability
    whole = sum(a.share for a in arms)
    return sum(share * sent[taken] for share, sent in shares if sent is not None) / whole


def labels_of(examples: Iterable[bytes]) -> dict[str, float]:
    """Labels of the response model by the example's id."""
    read = (decoded(value, LearningExample) for value in examples)
    return {e.example_id: e.label for e in read if e.model == RESPONSE}


def label_of(labels: dict[str, float], decision_id: str) -> float | None:
    """A use, also one that became known late, before the closing of the window."""
    ids = (derive_id("x", decision_id, outcome) for outcome in OUTCOMES)
    return next((labels[id_] for id_ in ids if id_ in labels), None)


def is_open_bandit(path: Path) -> bool:
    """Whether a file is a table of the Open Bandit Dataset."""
    return path.is_file() and set(OPEN_BANDIT) <= set(header_of(path))


def read_open_bandit(path: Path) -> Logged:
    """A table of the Open Bandit Dataset (Saito and others 2021), judged for a uniform choice.

    Every impression counts as somebody else's: the table does not tell who is who.

    Raises:
        OperatorError: a line is not as it should be.
    """
    rows = list(_impressions(path))
    items = len({item for item, _, _ in rows})
    rate = sum(click for _, click, _ in rows) / max(len(rows), 1)
    target = 1.0 / max(items, 1)
    return _logged(
        [
            (action_probability, target, click, rate, rate, str(number))
            for number, (_, click, action_probability) in enumerate(rows)
        ]
    )


def _impressions(path: Path) -> Iterator[tuple[str, float, float]]:
    for number, row in rows_of(path):
        try:
            click, action_probability = float(row["click"]), float(row["propensity_score"])
        except ValueError as error:
            raise OperatorError(f"{path}: line {number} cannot be read: {NEEDED}") from error
        if not 0.0 < action_probability <= 1.0:
            raise OperatorError(
                f"{path}: line {number}: propensity_score {action_probability} is none"
            )
        yield row["item_id"], click, action_probability


def _logged(rows: Sequence[Row]) -> Logged:
    action_probability, target, reward, taken, expected = (
        np.array([row[:5] for row in rows], np.float64).reshape(-1, 5).T
    )
    _, people = np.unique([row[5] for row in rows], return_inverse=True)
    return Logged(action_probability, target, reward, taken, expected, people.astype(np.int64))


def decoded(value: bytes, kind: type[T]) -> T:
    """A record of a log.

    Raises:
        OperatorError: it is none.
    """
    try:
        return msgspec.json.decode(value, type=kind)
    except UNREADABLE as error:
        raise OperatorError(f"a record is no {kind.__name__}: {error}") from error
