"""What contacts do later, as the learner is told: visits, opt-outs, and how crowded they were."""

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.times import DAY_MS
from streams.customer import counters
from streams.customer.row import Consent, Contact
from streams.decisions import Basis, decide
from streams.feedback import end_comparisons
from streams.models.fatigue import FatigueModel
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, shop, someone

DAYS = 14
LEARNING = replace(FREE, learn_fatigue=True, fatigue_price=0.05)


def test_visits_opt_outs_and_crowding_of_the_time_are_told() -> None:
    """Two contacts within seven days of the first: 1 + 2; three pages; push denied on day five."""
    policy = shop(offer("a", expected_rate=0.2), chooser="policy", contact=LEARNING)
    person, _ = decide(someone(), request(), T0, Basis(Fixed(), policy))
    assert person.compared is not None
    contacts = tuple(Contact(T0 + d * DAY_MS, "a", "app", f"d-{d}") for d in (0, 2, 4, 20))
    looked = None
    for day in (1, 2, 3, 16):
        looked = counters.add(looked, T0 + day * DAY_MS)
    assert looked is not None
    denied = {**person.consents, "marketing_push": Consent("denied", T0 + 5 * DAY_MS)}
    person = replace(person, contacts=contacts, counters={"page_views": looked}, consents=denied)
    end_ms = T0 + DAYS * DAY_MS
    after, effects = end_comparisons(person, end_ms, policy.policies)
    uplift, fatigue = (effect.example for effect in effects)
    assert (uplift.model, fatigue.model) == ("uplift", "fatigue")
    assert fatigue.example_id != uplift.example_id
    assert fatigue.label == pytest.approx(3.0, abs=0.5), "old times are known by the day or so"
    told = {name: fatigue.features[name] for name in ("treated", "crowding", "opted_out")}
    assert told == {"treated": 1.0, "crowding": 3.0, "opted_out": 1.0}
    assert fatigue.features["offered"] == uplift.features["offered"]
    assert end_comparisons(after, end_ms, policy.policies) == (after, ())


def test_nothing_is_told_unless_the_shop_asks() -> None:
    """Without `learn_fatigue` there is the example of what offers add, and no other."""
    policy = shop(offer("a", expected_rate=0.2), chooser="policy")
    person, _ = decide(someone(), request(), T0, Basis(Fixed(), policy))
    _, effects = end_comparisons(person, T0 + DAYS * DAY_MS, policy.policies)
    assert [effect.example.model for effect in effects] == ["uplift"]


def test_decisions_go_by_the_learned_price_and_the_record_names_its_model() -> None:
    """One contact of the week at the price that the snapshot gives; else at the shop's."""
    found = FatigueModel("fatigue-200", True, 0.4, 1e-6, 0.0, 1e-6, 0.5)
    person = someone(contacts=(Contact(T0 - DAY_MS, "z", "app", "d"),))
    for contact, price, model in ((LEARNING, 0.2, "fatigue-200"), (FREE, 0.0, None)):
        policy = shop(offer("a"), contact=contact)
        basis = Basis(Fixed(), policy, fatigue=found)
        _, effects = decide(person, request(), T0, basis)
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        terms = entry.offers[0].terms
        assert terms is not None
        assert terms.fatigue == round(price, 9)
        assert (None if entry.fatigue is None else entry.fatigue.version) == model
