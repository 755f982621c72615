"""Before any label exists the choice is personal: who looks at coffee is offered coffee."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.contracts.outputs.payloads import DecisionLog
from tests.support.told import consent, event, view

VIEWS = 11
OFFERS = {
    "coffee": "coffee-20",
    "bakery": "bakery-bogo",
    "dairy": "dairy-15",
    "fruit": "fruit-25",
    "pet": "pet-10",
    "garden": "garden-20",
}


@pytest.mark.parametrize("category", OFFERS)
def test_what_was_looked_at_is_worth_most_at_the_next_visit(tmp_path: Path, category: str) -> None:
    """Eleven short looks at a category; then, at the application's opening, its offer leads."""
    seen = [
        view(
            n,
            f"view-{n}",
            product={"product_id": f"p-{n}", "category": category, "price": 5.0},
        )
        for n in range(VIEWS)
    ]
    opened = event("open", "application_opened", 60)
    topics = {"consent_updated": "events.profile"}
    lines = [
        json.dumps(
            {"topic": topics.get(told["event_name"], "events.app"), "key": "c1", "value": told}
        )
        for told in (consent(), *seen, opened)
    ]
    (tmp_path / "visit.jsonl").write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["replay", str(tmp_path / "visit.jsonl"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    entries = [
        msgspec.json.decode(line, type=DecisionLog)
        for line in (out / "decision-log.jsonl").read_bytes().splitlines()
    ]
    (entry,) = [e for e in entries if e.trigger.kind == "application_opened"]
    worth = {c.offer_id: c.terms.priority for c in entry.offers if c.terms is not None}
    assert max(worth, key=lambda offer_id: worth[offer_id]) == OFFERS[category], worth
