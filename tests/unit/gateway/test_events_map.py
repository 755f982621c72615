"""`events map` shows every field of a payload: where it goes, or that it is dropped."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli import main
from tests.unit.test_house import ROOT

SOURCES = ROOT / "tests" / "golden" / "sources"


def shown(path: Path) -> Result:
    """What the verb says of a file."""
    return CliRunner().invoke(main, ["events", "map", str(path), "--source", "segment"])


def test_an_order_is_shown_field_by_field() -> None:
    """What is kept, from where, what the mapping adds, and what is dropped."""
    told = shown(SOURCES / "segment-order-completed.json")
    lines = told.output.splitlines()
    assert told.exit_code == 0
    assert lines[0] == "message 0: order_completed on events.purchase"
    for line in (
        '  $.identity.customer_id = "esc:auth0:7C5f7c8ec7"  <- $.userId',
        '  $.items[1].product_id = "esc:gid:3A:2F:2Fshop:2F2"  <- $.properties.products[1].sku',
        '  $.channel = "web"  <- by the mapping',
        "  dropped: $.properties.shipping",
        "  dropped: $.properties.products[1].brand",
        "  dropped: $.context.ip",
        "  dropped: $.context.campaign.medium",
    ):
        assert line in lines
    assert not any("dropped: $.properties.products[0].price" in line for line in lines)


def test_personal_data_are_shown_as_dropped() -> None:
    """A name and an address are in no line of what is kept."""
    lines = shown(SOURCES / "segment-identify.json").output.splitlines()
    assert "  dropped: $.traits.firstName" in lines
    assert "  dropped: $.traits.address.city" in lines
    assert '  $.traits.tags[0] = "tea"  <- $.traits.tags' in lines
    assert not any("Jane" in line for line in lines)


def test_every_leaf_of_a_payload_is_told(tmp_path: Path) -> None:
    """A batch: nothing of it is passed over in silence; what is rejected says where."""
    batch = {
        "batch": [
            {
                "type": "track",
                "event": "Product Viewed",
                "userId": "c",
                "properties": {"price": "x"},
            },
            {"type": "group", "groupId": "g"},
        ]
    }
    file = tmp_path / "batch.json"
    file.write_text(json.dumps(batch), encoding="utf-8")
    told = shown(file)
    lines = told.output.splitlines()
    assert told.exit_code == 1
    assert lines[0].startswith("message 0: product_viewed on events.clickstream, rejected: ")
    assert lines[-1] == "message 1: no event: is no event that the shop is asked about"


def test_a_request_of_the_measurement_protocol_is_shown_event_by_event(tmp_path: Path) -> None:
    """And one whose events are no list is one message that says nothing."""
    file = tmp_path / "collect.json"
    events = [{"name": "page_view"}, {"name": "user_engagement"}]
    file.write_text(json.dumps({"client_id": "1.2", "events": events}), encoding="utf-8")
    arguments = ["events", "map", str(file), "--source", "ga4"]
    told = CliRunner().invoke(main, arguments).output.splitlines()
    assert told[0] == "message 0: page_viewed on events.clickstream"
    assert told[-1].startswith("message 1: no event")
    file.write_text('{"events": 1}', encoding="utf-8")
    wrong = CliRunner().invoke(main, arguments)
    assert (wrong.exit_code, "no event" in wrong.output) == (0, True)


def test_a_file_that_is_no_json_is_a_sentence(tmp_path: Path) -> None:
    """Exit code 2, and which message it is."""
    file = tmp_path / "x.json"
    file.write_text("nope", encoding="utf-8")
    told = shown(file)
    assert (told.exit_code, told.output) == (2, "offerstream: message 1 is no JSON object\n")
