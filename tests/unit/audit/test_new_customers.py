"""What the product offers to new customers passes the audit, and stops when they have bought."""

import msgspec
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.times import WEEK_MS
from streams.models import initial_models
from streams.models.tracks import TrackModel
from tests.support.audited import compiled, judged, produced
from tests.support.told import Fields, a_shop, broken, consent, order, view
from tests.unit.audit.switches import WEEK, sure

LEARNED = replace(initial_models(), tracks=TrackModel("tracks-40", WEEK_MS, second_purchase=4.0))
MUCH_LATER = view(0, "much-later", identity={"customer_id": "other"})


@pytest.mark.parametrize(
    ("orders", "kinds"),
    [
        ([order(-19 * WEEK, "o1")], ["second_purchase_due"]),
        ([order(-19 * WEEK, "o1"), order(-19 * WEEK, "o2")], ["second_purchase_due"]),
        ([order(-19 * WEEK, "o1"), order(-18 * WEEK, "o2")], []),
    ],
    ids=["bought once", "bought twice on one day", "bought again"],
)
def test_offers_on_a_track_are_made_once_and_are_allowed(
    orders: list[Fields], kinds: list[str]
) -> None:
    """One offer when the second purchase is due, none to who has made it; nothing is broken."""
    shop = sure(a_shop())
    events = [consent(-20 * WEEK), *orders, MUCH_LATER]
    outputs = produced(events, compiled(shop), LEARNED)
    offers = [value for topic, value in outputs if topic == "next-best-offers"]
    said = [msgspec.json.decode(value, type=NextBestOffer).trigger.kind for value in offers]
    assert [kind for kind in said if kind != "product_viewed"] == kinds
    report = judged(events, outputs, shop)
    assert broken(report) == set()
    assert {t.rule: t.checked for t in report.tallies}["still_new"] == len(kinds)
