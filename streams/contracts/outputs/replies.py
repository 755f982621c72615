"""Answers to questions, as they go out on `replies`."""

from typing import Literal

from msgspec import Struct

from streams.contracts.outputs.payloads import NextBestOffer


class Reply(Struct, frozen=True, kw_only=True):
    """A record of `replies`: what became of a question, to the address that waits for it.

    `reason_codes` say why there is no offer: the decision's verdict and what was in the way of the
    single offers; where nothing was decided, why not.
    """

    question_id: str
    reply_to: str
    customer_id: str
    verdict: Literal["offer", "no_offer"]
    reason_codes: tuple[str, ...]
    decision_id: str | None = None
    offer: NextBestOffer | None = None
