"""A case opens where a contact gains most, if a week has time for so many only."""

from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from streams.alerts import Scoring, assess
from streams.alerts.life_cycle import Assessed
from streams.contracts.outputs.effects import AlertRaised, CaseWeighed, Effect
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import WEEK_MS
from streams.customer import Customer
from streams.feedback import label_weighed
from tests.unit.alerts.test_life_cycle import Score, _buyer
from tests.unit.decisions.people import T0, offer, shop, someone

GAIN = 0.9 * 0.1 * 150.0 - 0.2  # risk, save rate, value at risk; the cost of a contact


class Least(Struct, frozen=True):
    """A threshold, and what was asked of it."""

    least: float | None
    asked: list[float] = []

    def threshold(self, per_week: float) -> float | None:
        """The gain that is needed."""
        self.asked.append(per_week)
        return self.least


def weighed(
    person: Customer, least: Least | None, now_ms: int = T0, risk: float = 0.9, **churn: Any
) -> Assessed:
    """An evaluation in a shop with time for 90 treated cases a week."""
    fields = {"control_share": 0.1, "cases_per_week": 90, **churn}
    policy = shop(offer("a"), churn=ChurnDefinition(**fields))
    return assess(person, Scoring(Score(risk), now_ms, "", "v1", least), policy.policies)


def said(effects: tuple[Effect, ...]) -> tuple[list[str], list[bool]]:
    """The alerts by transition, and for each look whether a case opened."""
    alerts = [str(e.alert.transition) for e in effects if isinstance(e, AlertRaised)]
    return alerts, [e.opened for e in effects if isinstance(e, CaseWeighed)]


@pytest.mark.parametrize(
    ("least", "opens"),
    [(None, True), (GAIN - 0.1, True), (GAIN + 0.1, False)],
    ids=["nothing learned yet", "above", "below"],
)
def test_a_case_opens_from_the_threshold_on(least: float | None, opens: bool) -> None:
    """The gain is what was saved less the contact; controls take no time, so 100 may open."""
    asked = Least(least, [])
    person, effects, _ = weighed(_buyer(), asked)
    assert said(effects) == (["entered"] if opens else [], [opens])
    assert (person.churn.case is not None) == opens
    assert asked.asked == [pytest.approx(100.0)]
    (look,) = [e for e in effects if isinstance(e, CaseWeighed)]
    assert look.gain == pytest.approx(GAIN)


def test_who_was_held_back_is_looked_at_again() -> None:
    """At the next tick the threshold is another one."""
    person, _, _ = weighed(_buyer(), Least(GAIN + 1.0, []))
    _, effects, _ = weighed(person, Least(GAIN - 1.0, []), T0 + WEEK_MS)
    assert said(effects) == (["entered"], [True])


def test_a_case_that_is_open_takes_no_more_room() -> None:
    """It escalates and ends whatever the threshold is."""
    person, _, _ = weighed(_buyer(), None, risk=0.6)
    for week, risk, move in ((1, 0.9, "escalated"), (2, 0.1, "resolved")):
        person, effects, _ = weighed(person, Least(1e9, []), T0 + week * WEEK_MS, risk)
        assert said(effects) == ([move], [])


def test_without_the_setting_nothing_is_weighed() -> None:
    """No capacity, or nobody who is treated: every case opens, and nothing is learned."""
    for churn in ({"cases_per_week": None}, {"control_share": 1.0}):
        _, effects, _ = weighed(_buyer(), Least(1e9, []), **churn)
        assert said(effects) == (["entered"], [])


def test_a_look_is_learned_with_consent_only() -> None:
    """Held back is label 0, opened label 1; without `model_training` nothing is told."""
    look = CaseWeighed(3.5, opened=False)
    (told,) = label_weighed(someone(), (look,), T0)
    assert (told.example.model, told.example.label) == ("capacity", 0.0)
    assert told.example.features == {"gain": 3.5}
    (other,) = label_weighed(someone(), (replace(look, opened=True),), T0)
    assert other.example.label == 1.0
    assert label_weighed(someone(consents={}), (look,), T0) == ()
