"""What sending an offer changes stands on the record of each, and weighs nothing."""

from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.candidates import packed
from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.outputs.terms import EffectColumns, EffectRow, Terms
from streams.contracts.reference.structs import Offer
from streams.decisions import Basis, Policy, decide, redecide
from streams.decisions.known import NOTHING_LEARNED, NothingLearned
from streams.features.offer_table import Where
from streams.features.packing import Vector
from tests.unit.decisions.people import T0, Fixed, offer, request, rule, shop, someone


class Compared(NothingLearned, frozen=True):
    """Knows what each offer changes, by its name and the person's features."""

    def effects(
        self, offers: Sequence[Offer], context: Vector, where: Where = None
    ) -> EffectColumns:
        """The length of its name in hundredths of orders, and an eighth of the first feature."""
        if where is not None:
            offers = [offers[place] for place in where.tolist()]
        orders = tuple([len(o.offer_id) / 100 + float(context[0]) / 8 for o in offers])
        n = len(offers)
        return orders, (0.25,) * n, (-0.5,) * n, (0.125,) * n


COMPARED = Compared("uplift-200")
OFFERS = (offer("a"), offer("longer"))


def before(terms: Terms) -> Terms:
    """As versions wrote them that did not know what an offer changes."""
    return replace(
        terms,
        incremental_orders=None,
        orders_error=None,
        incremental_margin=None,
        margin_error=None,
    )


def decided(policy: Policy, uplift: NothingLearned = COMPARED) -> list[object]:
    """The effects of one decision."""
    asked = request(by=policy.policies.triggers[0])
    return list(decide(someone(), asked, T0, Basis(Fixed(), policy, uplift=uplift))[1])


def entry_of(policy: Policy, uplift: NothingLearned = COMPARED) -> DecisionLog:
    """The record of one decision, read back from its bytes."""
    told = decided(policy, uplift)
    entry = next(e.entry for e in told if isinstance(e, DecisionLogged))
    return msgspec.json.decode(msgspec.json.encode(entry), type=DecisionLog)


def effects_in(entry: DecisionLog) -> list[EffectRow | None]:
    """Of each candidate."""
    return [c.terms.effect for c in entry.offers if c.terms is not None]


@pytest.mark.parametrize("channels", [(), ("app", "push")])
def test_each_candidate_says_what_it_changes(channels: tuple[str, ...]) -> None:
    """With channels to choose from and without; the draw is as if nothing were known of that."""
    policy = shop(*OFFERS, rules=(rule(channels=channels),), chooser="policy")
    entry = entry_of(policy)
    short, long, *_ = effects_in(entry)
    assert short is not None
    assert long is not None
    assert long[0] - short[0] == pytest.approx(0.05)
    assert short[1:] == (0.25, -0.5, 0.125)
    plain = entry_of(policy, NOTHING_LEARNED)
    assert effects_in(plain) == [None, None]
    assert [c.probability for c in plain.offers] == [c.probability for c in entry.offers]
    assert plain.chosen_offer_id == entry.chosen_offer_id


@pytest.mark.parametrize("channels", [(), ("app", "push")])
def test_it_is_decided_again_to_the_byte(channels: tuple[str, ...]) -> None:
    """With the snapshot that knows it; a record of before says nothing of it, and does again."""
    policy = shop(*OFFERS, rules=(rule(channels=channels),), chooser="policy")
    entry = entry_of(policy)
    again = redecide(entry, Fixed(), policy, COMPARED)
    assert msgspec.json.encode(again) == msgspec.json.encode(entry)
    rows = [c if c.terms is None else replace(c, terms=before(c.terms)) for c in entry.offers]
    older = replace(entry, candidates=packed(rows))
    assert effects_in(older) == [None, None]
    assert redecide(older, Fixed(), policy, COMPARED) == older


def test_the_message_says_it_of_the_chosen_offer() -> None:
    """As the record does."""
    told = decided(shop(*OFFERS, chooser="policy"))
    entry = next(e.entry for e in told if isinstance(e, DecisionLogged))
    (sent,) = [e.offer for e in told if isinstance(e, OfferDecided)]
    (logged,) = [c.terms for c in entry.offers if c.offer_id == entry.chosen_offer_id]
    assert sent.terms == logged
    assert sent.terms.effect is not None
