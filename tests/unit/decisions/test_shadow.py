"""A challenger is scored and logged beside the decision, and has no part in it."""

import msgspec
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arbitration, ChallengerPolicy
from streams.decisions import Basis, Policy, decide, redecide
from streams.models import ResponseModel
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

OFFERS = (offer("a", expected_rate=0.1), offer("b", expected_rate=0.3), offer("c"))
RIVAL = Fixed("challenger-400")


def entry_of(policy: Policy, number: int, challenger: Fixed | None) -> DecisionLog:
    """The record of one decision, read back from its bytes."""
    basis = Basis(ResponseModel(), policy, challenger=challenger)
    _, effects = decide(someone(), request(number), T0, basis)
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    return msgspec.json.decode(msgspec.json.encode(entry), type=DecisionLog)


def test_the_challengers_choice_is_that_of_a_shop_where_it_decides() -> None:
    """Probabilities, offer and draw, whichever arm the person is in."""
    alone = shop(*OFFERS, chooser="policy")
    for chooser in ("policy", "uniform"):
        policy = shop(*OFFERS, chooser=chooser)
        for number in range(40):
            beside = entry_of(policy, number, RIVAL).challenger
            _, effects = decide(someone(), request(number), T0, Basis(RIVAL, alone))
            deciding = next(e.entry for e in effects if isinstance(e, DecisionLogged))
            assert beside is not None
            assert beside.version == "challenger-400"
            assert beside.chosen_offer_id == deciding.chosen_offer_id
            assert beside.action_probability == deciding.action_probability
            assert beside.no_offer_probability == deciding.no_offer_probability
            assert beside.probabilities == tuple(c.probability for c in deciding.offers)


def test_the_challenger_explores_as_the_policies_say_of_it() -> None:
    """The epsilon of its own holds for its versions, beside the decision or deciding."""
    rules = Arbitration(challenger=ChallengerPolicy(exploration="epsilon", epsilon=0.4))
    policy = shop(*OFFERS, chooser="policy", arbitration=rules)
    beside = entry_of(policy, 1, RIVAL).challenger
    assert beside is not None
    assert min(beside.probabilities) == 0.1  # .4 over three offers and none
    _, effects = decide(someone(), request(1), T0, Basis(RIVAL, policy))
    deciding = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    assert min(c.probability for c in deciding.offers) == 0.1
    plain = entry_of(policy, 1, None)
    assert min(c.probability for c in plain.offers) != 0.1


def test_what_the_challenger_would_have_chosen_can_be_found_again() -> None:
    """From the record and both snapshots, to the byte; without the challenger's it stays."""
    policy = shop(replace(OFFERS[0], holdout_share=0.5), *OFFERS[1:], chooser="policy")
    for number in range(20):
        entry = entry_of(policy, number, RIVAL)
        assert entry.challenger is not None
        spoilt = replace(entry, challenger=replace(entry.challenger, chosen_offer_id="x"))
        again = redecide(spoilt, ResponseModel(), policy, challenger=RIVAL)
        assert msgspec.json.encode(again) == msgspec.json.encode(entry)
        assert redecide(entry, ResponseModel(), policy) == entry


def test_a_record_grows_by_little() -> None:
    """At 50 offers by less than 30 bytes for each that is eligible, and 250 more."""
    policy = shop(*(offer(f"offer-{n}", expected_rate=0.01 + n / 100) for n in range(50)))
    with_, without = (
        len(msgspec.json.encode(entry_of(policy, 1, beside))) for beside in (RIVAL, None)
    )
    assert 0 < with_ - without < 30 * 50 + 250
