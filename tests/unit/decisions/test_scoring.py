"""Models are asked of the policy's catalog, also where not all of its offers are eligible."""

from msgspec.structs import replace

from streams.contracts.outputs.candidates import Candidates
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Conditions
from streams.decisions import Basis, decide
from streams.decisions.redecide import redecide
from streams.models.uplift import UpliftModel
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone
from tests.unit.models.test_last_catalog import NAMES, Counted, added, learned

STORES = tuple(f"in-{name}" for name in NAMES)
POLICY = shop(
    *(
        offer(name, conditions=Conditions(store_ids=tuple(s for s in STORES if s != f"in-{name}")))
        for name in NAMES
    ),
    chooser="policy",
)
"""In each store another offer is not to be had."""


def entries_of(basis: Basis) -> list[DecisionLog]:
    """Of a decision in each store."""
    logged = []
    for number, store in enumerate(STORES):
        asked = request(number, store_id=store, by=POLICY.policies.triggers[0])
        _, effects = decide(someone(), asked, T0, basis)
        logged += [e.entry for e in effects if isinstance(e, DecisionLogged)]
    return logged


def columns_in(entry: DecisionLog) -> Candidates:
    """The offers of an entry, as it was just written."""
    assert isinstance(entry.candidates, Candidates)
    return entry.candidates


def test_the_catalog_is_looked_up_once_where_each_time_another_is_not_eligible() -> None:
    """As in shops where a cap or a pause holds back some of the offers."""
    corrections = Counted(a=0.1)
    logged = entries_of(Basis(Fixed(), POLICY, uplift=UpliftModel(offers=corrections)))
    assert [columns_in(entry).places for entry in logged] == [
        tuple(n for n in range(len(NAMES)) if n != left_out) for left_out in range(len(NAMES))
    ]
    assert corrections.asked == len(NAMES)


def test_each_is_its_record_when_it_is_decided_again() -> None:
    """What is said of an offer is of that offer, whichever are eligible beside it."""
    basis = Basis(learned(), POLICY, uplift=added(), challenger=replace(learned(), version="c"))
    logged = entries_of(basis)
    for entry in logged:
        again = redecide(entry, learned(), POLICY, added(), replace(learned(), version="c"))
        assert again == entry
    assert len({columns_in(entry).terms for entry in logged}) == len(logged)
