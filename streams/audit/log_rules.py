"""The decision log: one entry for what was said, probabilities that are probabilities."""

from streams.audit.verdicts import Answer, Broken, holds
from streams.audit.views import EntryView, OfferView
from streams.contracts.internal.learning import is_challengers

SUM_SLACK = 1e-6
FINAL = ("offer", "no_offer")
CLASS_ORDER = {"mandatory": 0, "transactional": 1, "default": 3}
OTHERS = 2


def logged(at: OfferView) -> Answer:
    """An offer has one entry of the decision log, which says the same."""
    entries = [
        e.said
        for e in at.of_this_life(at.world.entries_by_id.get(at.offer.decision_id, []))
        if e.said.verdict != "deferred"
    ]
    if len(entries) != 1:
        return Broken(f"it has {len(entries)} entries in the decision log")
    entry, offer = entries[0], at.offer
    for name in ("customer_id", "decided_at", "trigger", "channel", "placement", "model"):
        if getattr(entry, name) != getattr(offer, name):
            return Broken(f"the decision log says another {name}")
    if entry.verdict != "offer" or entry.chosen_offer_id != offer.offer.offer_id:
        return Broken(f"the decision log says {entry.verdict}: {entry.chosen_offer_id}")
    same = abs(entry.action_probability - offer.action_probability) <= SUM_SLACK
    return holds(same, "the decision log says another probability")


def once(at: OfferView) -> Answer:
    """One decision makes one offer."""
    same = at.of_this_life(at.world.contacts_by_id[at.offer.decision_id])
    again = any(other.moment.turn < at.turn for other in same)
    return holds(not again, "the same decision has made an offer before")


def sent(at: EntryView) -> Answer:
    """An entry that says `offer` has its offer."""
    if at.entry.verdict != "offer":
        return None
    sent_here = at.world.contacts_by_id.get(at.entry.decision_id, [])
    return holds(bool(sent_here), "no offer of this decision went out")


def entered_once(at: EntryView) -> Answer:
    """A decision is logged once, beside the entries that say that it was put off."""
    if at.entry.verdict == "deferred":
        return None
    same = [
        e
        for e in at.of_this_life(at.world.entries_by_id[at.entry.decision_id])
        if e.said.verdict != "deferred" and e.moment.turn < at.turn
    ]
    return holds(not same, "the decision was logged before")


def probabilities(at: EntryView) -> Answer:
    """The probabilities of all actions are shares, and add up to 1."""
    entry = at.entry
    shares = [c.probability for c in entry.offers]
    if any(not 0 <= share <= 1 for share in (*shares, entry.no_offer_probability)):
        return Broken("a probability is below 0 or above 1")
    total = sum(shares) + entry.no_offer_probability
    return holds(abs(total - 1) <= SUM_SLACK, f"the probabilities add up to {total:.6f}")


def chosen_probability(at: EntryView) -> Answer:
    """The action that was taken was possible, and its logged probability is the one drawn from."""
    entry = at.entry
    if entry.verdict not in FINAL:
        return holds(entry.action_probability == 1, "it ended with another probability than 1")
    own = [c for c in entry.offers if c.offer_id == entry.chosen_offer_id]
    if entry.verdict == "offer" and (len(own) != 1 or own[0].why_not is not None):
        return Broken(f"{entry.chosen_offer_id} is not among what was possible")
    drawn = own[0].probability if entry.verdict == "offer" else entry.no_offer_probability
    same = drawn > 0 and abs(drawn - entry.action_probability) <= SUM_SLACK
    return holds(same, f"probability {entry.action_probability} is logged, {drawn} was drawn from")


def explored(at: EntryView) -> Answer:
    """Every action keeps at least its share of the exploration; `uniform` draws all alike."""
    entry = at.entry
    possible = [c.probability for c in entry.offers if c.why_not is None]
    # An offer that the person is held out of is drawn from as well, and then not sent.
    drawn = len(possible) + sum(c.why_not == "offer_holdout" for c in entry.offers)
    if entry.verdict not in FINAL or not possible or _rank(at, entry.chosen_offer_id) == 0:
        return None
    arms = {a.name: a.chooser for a in at.world.policies.experiment.arms}
    chooser = arms.get(entry.experiment.arm)
    if chooser == "uniform":
        even = all(abs(p - 1 / drawn) <= SUM_SLACK for p in possible)
        return holds(even, "the arm draws all alike, and these are not")
    if chooser != "policy":
        return None
    arbitration = at.world.policies.arbitration
    own = arbitration.challenger if is_challengers(entry.model.version) else None
    least = (own or arbitration).epsilon / (drawn + 1) - SUM_SLACK
    smallest = min(*possible, entry.no_offer_probability)
    return holds(smallest >= least, f"an action has probability {smallest}")


def class_order(at: EntryView) -> Answer:
    """Offers of one class are drawn from, that which goes first; a mandatory one is certain."""
    entry = at.entry
    if entry.verdict not in (*FINAL, "holdout"):
        return None
    drawn = [c for c in entry.offers if c.why_not in (None, "offer_holdout", "holdout")]
    ranks = {_rank(at, c.offer_id) for c in drawn}
    if len(ranks) > 1:
        return Broken("offers of several classes were drawn from")
    first = min(ranks, default=OTHERS)
    after = [c for c in entry.offers if c.why_not == "outranked"]
    wrong = [c.offer_id for c in after if not drawn or _rank(at, c.offer_id) < max(first, 1)]
    if first == 0:
        wrong = []
        if entry.verdict != "offer" or len(drawn) != 1 or entry.action_probability != 1:
            return Broken("a mandatory offer was possible and not certain")
    return holds(not wrong, f"{', '.join(wrong)} was outranked by nothing")


def _rank(at: EntryView, offer_id: str | None) -> int:
    offer = at.world.offers.get(offer_id or "")
    return OTHERS if offer is None else CLASS_ORDER.get(offer.class_, OTHERS)


def withheld(at: EntryView) -> Answer:
    """What was not possible has probability 0."""
    wrong = [c.offer_id for c in at.entry.offers if c.why_not is not None and c.probability]
    return holds(not wrong, f"{', '.join(wrong)} was not possible and has a probability")
