"""What deciding brought, by the own log: margin of arms and of offers, and who used what.

Margins are compared person by person (`models/incremental_margin.py`, `models/offer_margin.py`):
the same learners, fed from the log. How often offers are used is no measure of that: a policy that
sends fewer offers has more of each used. So uses are told for each offer sent and for each person.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import DecisionLog
from streams.evaluation.offer_logs import RESPONSE, label_of
from streams.feedback.enrollment import ENROLLING, MARGIN
from streams.feedback.offer_enrollment import OFFER_MARGIN
from streams.models.incremental_margin import CHOOSERS, PAIRS, Effect, MarginLearner, Sums
from streams.models.offer_margin import OfferMarginLearner


class Group(Struct, frozen=True, kw_only=True):
    """People whose window is over: how many, and the mean margin of it in the shop's currency."""

    name: str
    people: int
    margin: float


class Against(Struct, frozen=True, kw_only=True):
    """One group against another: what it brings more a head; None while there are too few people.

    `offer_id`: the offer whose holdout the second is; None for two arms.
    """

    offer_id: str | None
    groups: tuple[Group, Group]
    effect: Effect | None


class Uses(Struct, frozen=True, kw_only=True):
    """How often offers were used, of an arm or of one offer.

    Attributes:
        name: of the arm or of the offer.
        people: of an arm: whom it was decided about; of an offer: who were sent it.
        sent: offers that were sent and whose outcome is known.
        used: of these.
    """

    name: str
    people: int
    sent: int
    used: int

    @property
    def of_sent(self) -> float:
        """Uses for each offer sent: the redemption rate."""
        return self.used / self.sent if self.sent else 0.0

    @property
    def a_head(self) -> float:
        """Uses for each person."""
        return self.used / self.people if self.people else 0.0


class Brought(Struct, frozen=True, kw_only=True):
    """All of it: arms against each other, offers against their holdouts, uses by arm and offer."""

    arms: tuple[Against, ...]
    offers: tuple[Against, ...]
    uses_by_arm: tuple[Uses, ...]
    uses_by_offer: tuple[Uses, ...]


def brought(entries: Iterable[DecisionLog], examples: Iterable[LearningExample]) -> Brought:
    """What a log says; examples in the order in which they became known."""
    arms, offers, labels = MarginLearner(), OfferMarginLearner(), dict[str, float]()
    for example in examples:
        if example.model == MARGIN:
            arms.learn(example)
        elif example.model == OFFER_MARGIN:
            offers.learn(example)
        elif example.model == RESPONSE:
            labels[example.example_id] = example.label
    by_arm, by_offer = _uses(entries, labels)
    return Brought(
        arms=_of_arms(arms), offers=_of_offers(offers), uses_by_arm=by_arm, uses_by_offer=by_offer
    )


def _of_arms(learner: MarginLearner) -> tuple[Against, ...]:
    effects = learner.view("").effects
    return tuple(
        Against(
            offer_id=None,
            groups=(_group(one, learner.arms[one]), _group(other, learner.arms[other])),
            effect=effects.get(f"{one}_{other}"),
        )
        for one, other in PAIRS
        if one in learner.arms and other in learner.arms
    )


def _of_offers(learner: OfferMarginLearner) -> tuple[Against, ...]:
    return tuple(
        Against(
            offer_id=name,
            groups=(_group("sent", sums.treated), _group("withheld", sums.withheld)),
            effect=sums.effect,
        )
        for name, sums in sorted(learner.offers.items())
    )


def _group(name: str, sums: Sums) -> Group:
    return Group(name=name, people=sums.many, margin=sums.mean)


def _uses(
    entries: Iterable[DecisionLog], labels: dict[str, float]
) -> tuple[tuple[Uses, ...], tuple[Uses, ...]]:
    people: defaultdict[str, set[str]] = defaultdict(set)
    sent, used, arms, offers = Counter[str](), Counter[str](), set[str](), set[str]()
    for entry in entries:
        if entry.verdict not in ENROLLING:
            continue
        arm, offer_id = entry.experiment.arm, entry.chosen_offer_id
        arms.add(arm)
        people[f"arm {arm}"].add(entry.customer_id)
        label = None if offer_id is None else label_of(labels, entry.decision_id)
        if offer_id is None or label is None:
            continue
        offers.add(offer_id)
        people[f"offer {offer_id}"].add(entry.customer_id)
        for key in (f"arm {arm}", f"offer {offer_id}"):
            sent[key] += 1
            used[key] += label > 0.5

    def told(kind: str, names: Sequence[str]) -> tuple[Uses, ...]:
        keys = [(name, f"{kind} {name}") for name in names]
        return tuple(
            Uses(name=name, people=len(people[key]), sent=sent[key], used=used[key])
            for name, key in keys
        )

    known = [arm for arm in CHOOSERS if arm in arms]
    return told("arm", [*known, *sorted(arms - set(known))]), told("offer", sorted(offers))
