"""The real product with one rule switched off is caught, for every rule; with all on, it is not."""

import pytest

from tests.support.audited import compiled, judged, produced
from tests.support.told import broken
from tests.unit.audit.stories import BROKEN
from tests.unit.audit.switches import SWITCHES

OPEN: dict[str, str] = {}


def test_every_rule_has_its_switch() -> None:
    """A rule that is added is asked for the product without it."""
    assert set(SWITCHES) == set(BROKEN)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_rule_that_is_switched_off_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product runs on a tempting history without this rule, and the auditor finds it."""
    switch = SWITCHES[name]
    switch.patch(monkeypatch)
    policy = switch.change(compiled(switch.lax(switch.shop)))
    outputs = switch.spoil(produced(switch.events, policy))
    assert name in broken(judged(switch.events, outputs, switch.shop))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=OPEN[name]))
        if name in OPEN
        else name
        for name in SWITCHES
    ],
)
def test_with_all_rules_on_the_same_history_is_good(name: str) -> None:
    """What is caught above is the switch, not the history."""
    switch = SWITCHES[name]
    outputs = produced(switch.events, compiled(switch.shop))
    assert broken(judged(switch.events, outputs, switch.shop)) == set()
