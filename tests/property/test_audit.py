"""Whatever people do, the auditor finds nothing in what the product sends."""

import pytest
from hypothesis import given, settings

from streams.audit import Report
from tests.support.audited import compiled, judged, produced
from tests.support.lives import Step, events_of, lives, shop
from tests.support.mended_findings import MENDED
from tests.support.told import broken

SHOP = shop()
POLICY = compiled(SHOP)


def report_of(life: list[Step]) -> Report:
    """The audit of what the product makes of a life."""
    events = events_of(life)
    return judged(events, produced(events, POLICY), SHOP)


@settings(max_examples=150)
@given(lives)
def test_nothing_is_found_in_what_the_product_sends(life: list[Step]) -> None:
    """Logins at bad moments, refunds, disorder, withdrawal, quiet hours, several channels."""
    report = report_of(life)
    assert report.refused == 0
    assert broken(report) == set()


@pytest.mark.parametrize("name", MENDED)
def test_what_was_found_is_mended(name: str) -> None:
    """The smallest life that showed a finding breaks its rule no more."""
    finding = MENDED[name]
    assert finding.rule not in broken(report_of(list(finding.life)))
