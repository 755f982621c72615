"""What a challenger would have chosen, logged beside the decision that it has no part in."""

from collections.abc import Sequence

from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.outputs.challenger import ChallengerLog
from streams.contracts.reference.structs import Arm
from streams.decisions.exploration import Exploring, draw
from streams.decisions.holdouts import without_held

POLICY = Arm(name="policy", share=1.0, chooser="policy")
"""A challenger is always asked what it would draw by priority, in whichever arm the person is."""


def shadow_of(
    decision_id: str,
    version: str,
    offers: tuple[Sequence[str], TermColumns],
    held: frozenset[str],
    exploring: Exploring,
) -> ChallengerLog:
    """What the challenger would have drawn.

    Args:
        decision_id: gives the point of the draw, which is that of the decision itself.
        version: of the challenger.
        offers: the eligible offers' ids, and the terms that follow from what it says.
        held: the offers that the person is held out of.
        exploring: how it explores.
    """
    names, terms = offers
    drawn = draw(decision_id, terms.priority, POLICY, exploring)
    drawn = without_held(drawn, names, held)
    return ChallengerLog(
        version=version,
        chosen_offer_id=None if drawn.index is None else names[drawn.index],
        action_probability=drawn.probability,
        no_offer_probability=drawn.no_offer,
        probabilities=drawn.probabilities,
    )
