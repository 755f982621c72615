"""A shop's own mapping files add events and fields without code, and every slip in one is told."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources import SOURCES
from streams.contracts.sources.apply import Mapped, map_message
from streams.contracts.sources.mapping import SourceMapping, mapping_of
from streams.contracts.sources.messages import unfolded
from streams.contracts.sources.own import FILE_BYTES_MAX, load_own, parsed, read_own
from streams.errors import SettingsError
from tests.unit.test_house import ROOT

NOW_MS = 1_772_964_000_000  # 2026-03-08T10:00:00Z
RULES = InputRules(now_ms=NOW_MS)
FOLDER = ROOT / "tests" / "golden" / "mappings"
OWN = load_own(str(FOLDER))
WISH = {
    "type": "track",
    "event": "Wishlist Product Added",
    "messageId": "m",
    "userId": "c",
    "properties": {"product_id": "p", "department": "tea"},
}


def table(name: str) -> SourceMapping:
    """The table in force."""
    found = OWN.find(name)
    assert found is not None
    return found


def taken(mapped: Mapped) -> bool:
    """Whether the worker takes it."""
    event = decode(mapped.topic, msgspec.json.encode(mapped.event), (), RULES)
    return not isinstance(event, Rejected)


def test_an_event_and_a_field_of_a_shops_own_are_added_to_a_shipped_source() -> None:
    """The shop's name is read as theirs are, and its field goes before the shipped default."""
    mapped = map_message(table("segment"), WISH, NOW_MS)
    assert mapped.event["event_name"] == "product_viewed"
    assert mapped.event["product"] == {"product_id": "p", "category": "tea"}
    assert mapped.origins["$.product.category"] == "$.properties.department"
    assert taken(mapped)


def test_what_a_file_does_not_name_stays_as_it_is_shipped() -> None:
    """A field that is not there leaves the shipped one; a name made empty is no event any more."""
    view = {**WISH, "event": "Product Viewed", "properties": {"product_id": "p", "category": "x"}}
    ours, shipped = (
        map_message(t, view, NOW_MS) for t in (table("segment"), mapping_of("segment"))
    )
    assert ours.event == shipped.event
    assert map_message(table("segment"), {**WISH, "event": "Product Clicked"}, NOW_MS).ignored


def test_a_source_of_ones_own_is_read_like_any_other() -> None:
    """Several messages in a request, with what is said once; items, money, times."""
    look = {"kind": "look", "member": 77, "basket": [{"article": "s/1", "group": "tea"}]}
    bought = {
        "kind": "bought",
        "member": 77,
        "when": NOW_MS - 60_000,
        "receipt": "R-1",
        "total": "5.00",
        "basket": [{"article": "s/1", "group": "tea", "price": "2.50", "pieces": 2}],
    }
    request = {"device": "k-3", "entries": [look, bought]}
    found = [
        map_message(table("kiosk"), message, NOW_MS)
        for message in unfolded(table("kiosk"), request)
    ]
    assert all(taken(mapped) for mapped in found)
    assert found[0].event["product"] == {"product_id": "esc:s:2F1", "category": "tea"}
    assert found[0].event["context"] == {"device": {"kiosk": "k-3"}}
    assert found[1].event["items"] == [
        {"product_id": "esc:s:2F1", "category": "tea", "unit_price": "2.50", "quantity": 2}
    ]
    assert found[1].event["occurred_at"] == "2026-03-08T09:59:00.000Z"


def test_a_default_of_a_table_never_carries_one_person_over_to_another() -> None:
    """What one message puts into a block of defaults does not stand in the next one's."""
    scanned = {"type": "track", "event": "Store Card Scanned", "userId": "a"}
    first = map_message(table("segment"), {**scanned, "properties": {"tier": "gold"}}, NOW_MS)
    second = map_message(table("segment"), {**scanned, "userId": "b", "properties": {}}, NOW_MS)
    assert first.event["traits"] == {"club_tier": "gold"}
    assert second.event["traits"] == {}


RULE = {"to": "product.brand", "from": ["a"]}


def with_rule(**rule: object) -> dict[str, Any]:
    """A file with one rule for views of products."""
    section = {"events": ["product_viewed"], "map": [{**RULE, **rule}]}
    return {"extends": "segment", "sections": [section]}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "$: is no mapping of YAML: write `extends: segment` or `source: NAME` first"),
        ({}, "$: has no source: write `extends: segment` or `source: NAME`"),
        (
            {"extends": "fax"},
            "$.extends: is not one of ga4, segment, shopify, snowplow, woocommerce",
        ),
        ({"extends": "segment", "colour": 1}, "$.colour: is no field of Written"),
        ({"extends": "segment", "named": "x"}, "$.named: stands in the table of segment"),
        ({"extends": "segment", "source": "ga4"}, "$.source: ga4 is shipped"),
        ({"source": "segment", "calls": {"a": ""}}, "$.source: segment is shipped"),
        ({"source": "Till", "calls": {"a": ""}}, "$.source: "),
        ({"source": "till"}, "$: names no event"),
        ({"source": "till", "names": {"a": ""}}, "$.name_at: is required"),
        (
            {"extends": "segment", "names": {"Bought": "order_complete"}},
            "$.names.Bought: there is no event `order_complete`; did you mean order_completed?",
        ),
        (
            with_rule(to="product.brnd"),
            "$.sections[0].map[0].to: there is no field `brnd` in product; did you mean brand?",
        ),
        (with_rule(to="items"), "$.sections[0].map[0].to: there is no field `items` in the event"),
        (with_rule(to="products[0]"), "$.sections[0].map[0].to: a list is filled by `each`"),
        (with_rule(**{"as": "monney"}), "$.sections[0].map[0].as: "),
        (with_rule(**{"from": ["a[1].b"]}), "$.sections[0].map[0].from: is no place"),
        (with_rule(**{"from": ["a..b"]}), "$.sections[0].map[0].from: is no place"),
        (with_rule(**{"from": []}), "$.sections[0].map[0]: says nothing"),
        (with_rule(each=[{"to": "x"}]), "$.sections[0].map[0].each[0]"),
        (
            {"extends": "segment", "sections": [{"events": ["product_view"], "map": []}]},
            "$.sections[0].events: there is no event `product_view`; did you mean product_viewed?",
        ),
        (
            {"extends": "segment", "sections": [{"topics": ["events.klick"], "map": []}]},
            "$.sections[0]: no event is on those topics",
        ),
    ],
)
def test_a_slip_is_told_with_its_place_and_what_to_do(value: object, told: str) -> None:
    """At the start, not when the first event is lost."""
    mapping, faults = parsed(value)
    assert mapping is None
    assert any(fault.startswith(told) for fault in faults), faults


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x 1\nb: *x\n", "aliases are not read"),
        ("extends: segment\nextends: ga4\n", "`extends` is given twice"),
        ("!!python/object/apply:os.system [id]\n", "cannot be read"),
        ("a: [", "cannot be read"),
        ("[" * 3_000, "cannot be read"),
        ("#" * (FILE_BYTES_MAX + 1), "is over 262144 bytes"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused(text: str, told: str, tmp_path: Path) -> None:
    """Nothing of it is run, nothing of it swells, and the file is named."""
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_own(str(tmp_path))
    assert str(file) in str(caught.value)
    assert told in str(caught.value)


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    """Two files of one source as well; a folder that is none is a sentence."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("extends: ga4\nnames: {x: y}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_own(str(tmp_path))
    assert str(caught.value).count("there is no event `y`") == 2
    good = FOLDER / "kiosk.yaml"
    with pytest.raises(SettingsError, match="another file is of the source kiosk"):
        read_own([good, good])
    with pytest.raises(SettingsError, match="is no folder"):
        load_own(str(tmp_path / "nowhere"))


def test_the_shipped_tables_keep_the_rules_that_a_shops_own_must_keep() -> None:
    """Every field that they fill is there, and every place is one."""
    for source in SOURCES:
        shipped = msgspec.to_builtins(mapping_of(source))
        shipped["source"] = "copy"
        mapping, faults = parsed(json.loads(json.dumps(shipped, default=list)))
        assert faults == []
        assert mapping is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)
FIELDS = (
    "extends",
    "source",
    "names",
    "calls",
    "name_at",
    "type_at",
    "sections",
    "app",
    "event_at",
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["segment", "till"])))
def test_whatever_a_file_says_is_a_table_or_faults(value: dict[str, Any]) -> None:
    """Never an exception, never both, never neither."""
    mapping, faults = parsed(value)
    assert (mapping is None) == bool(faults)


@given(JSON, JSON, JSON)
def test_no_message_is_an_exception_for_a_table_of_ones_own(
    basket: object, member: object, kind: object
) -> None:
    """Whatever stands where."""
    clash = msgspec.structs.replace(
        table("kiosk"),
        sections=(*table("kiosk").sections, *table("segment").sections),
    )
    for said in (kind, "look", "bought"):
        message = {"kind": said, "member": member, "basket": basket, "properties": basket}
        map_message(clash, message, None)
