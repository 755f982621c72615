"""What is logged of a challenger beside a decision."""

from msgspec import Struct


class ChallengerLog(Struct, frozen=True, kw_only=True):
    """What the challenger would have drawn, from the same offers and the same point of the draw.

    `version` is the challenger's; `probabilities` are of the candidates that have terms, in their
    order.
    """

    version: str
    chosen_offer_id: str | None
    action_probability: float
    no_offer_probability: float
    probabilities: tuple[float, ...]
