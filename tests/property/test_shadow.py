"""A challenger changes nothing of what is decided."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, Effect
from streams.decisions import Basis, decide
from streams.models import ResponseModel
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

RATES = st.lists(st.floats(0.001, 0.9), min_size=1, max_size=30)


def without_challenger(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects, the records of decisions without what is said of the challenger."""
    return tuple(
        DecisionLogged(replace(e.entry, challenger=None)) if isinstance(e, DecisionLogged) else e
        for e in effects
    )


@given(
    RATES,
    st.sampled_from(["policy", "uniform", "holdout"]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 10**6),
)
def test_decisions_are_those_without_a_challenger(
    rates: list[float], chooser: str, held: float, number: int
) -> None:
    """Row and effects are equal in every arm; a record says something of it only where one drew."""
    offers = [offer(f"o-{n}", expected_rate=rate) for n, rate in enumerate(rates)]
    offers[0] = replace(offers[0], holdout_share=held)
    policy = shop(*offers, chooser=chooser)
    for person in (someone(), replace(someone(), customer_id=f"c-{number}")):
        row, effects = decide(person, request(number), T0, Basis(Fixed(), policy))
        rival = Basis(Fixed(), policy, challenger=ResponseModel("challenger-60"))
        row_beside, beside = decide(person, request(number), T0, rival)
        assert row_beside == row
        assert without_challenger(beside) == effects
        entry = next(e.entry for e in beside if isinstance(e, DecisionLogged))
        assert (entry.challenger is not None) == (entry.verdict in ("offer", "no_offer"))
