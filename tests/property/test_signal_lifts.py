"""The stated risk at any lifts and signals: monotone in each, bounded in all."""

import math
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from streams.alerts.lifts import LIFT_MAX, counted_lifts, lift, stated_risk
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer.row import SeenSignal
from tests.unit.alerts.test_life_cycle import _buyer
from tests.unit.decisions.people import T0

CODES = get_args(ChurnSignalCode)
LIFTS = st.fixed_dictionaries({code: st.floats(0.01, 50.0) for code in CODES})
SIGNALS = st.lists(
    st.builds(SeenSignal, st.sampled_from(CODES), st.floats(0.0, 1.0), st.just(T0)),
    max_size=len(CODES),
    unique_by=lambda signal: signal.code,
)


class Learned(Struct, frozen=True):
    """Any lifts."""

    lifts: dict[str, float]

    def lift(self, code: ChurnSignalCode) -> float:
        """As drawn."""
        return self.lifts[code]

    def cases(self, code: ChurnSignalCode) -> int | None:
        """Of no interest."""
        return None


@given(LIFTS, SIGNALS, st.floats(0.001, 0.999), st.floats(0.0, 1.0))
def test_a_stronger_signal_never_lowers_the_risk(
    lifts: dict[str, float], signals: list[SeenSignal], score: float, strength: float
) -> None:
    """Each factor is 1 at least and grows with strength; the odds rise by `LIFT_MAX` at most."""
    learned = Learned(lifts)
    person = _buyer(signals=tuple(signals))
    risk = stated_risk(score, person, learned)
    assert score <= risk * (1 + 1e-9)
    assert risk / (1 - risk) <= LIFT_MAX * score / (1 - score) * (1 + 1e-6)
    for place, signal in enumerate(signals):
        stronger = replace(signal, strength=max(signal.strength, strength))
        assert 1.0 <= lift(signal, None, learned) <= lift(stronger, None, learned)
        changed = (*signals[:place], stronger, *signals[place + 1 :])
        raised = stated_risk(score, replace(person, signals=changed), learned)
        assert raised >= risk * (1 - 1e-9)


@given(LIFTS, SIGNALS, st.floats(0.001, 0.999))
def test_the_odds_rise_by_the_lifts_as_they_are_told(
    lifts: dict[str, float], signals: list[SeenSignal], score: float
) -> None:
    """What an alert says of each signal, multiplied, is what the stated risk was raised by."""
    learned, person = Learned(lifts), _buyer(signals=tuple(signals))
    told = math.prod(counted_lifts(person, None, learned).values())
    risk = stated_risk(score, person, learned)
    assert math.isclose(risk / (1 - risk), told * score / (1 - score), rel_tol=1e-6)
    assert told <= LIFT_MAX * (1 + 1e-9)
