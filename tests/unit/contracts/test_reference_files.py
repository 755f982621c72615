"""Reference files: every error at once, with file, record and path."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.contracts.reference.files import load_reference
from streams.contracts.reference.structs import Policies
from streams.errors import ReferenceDataError

OFFER = """
- offer_id: ten-off
  kind: percent
  value: 10
  title: {en: Ten off}
  valid_from: 2026-01-01T00:00:00Z
  valid_until: 2026-12-31T00:00:00Z
  margin: 12.5
"""


def _errors(folder: Path) -> list[str]:
    with pytest.raises(ReferenceDataError) as caught:
        load_reference(folder)
    return str(caught.value).splitlines()


def test_yaml_and_json_become_a_reference(tmp_path: Path) -> None:
    """Both kinds of files are read; what is not there is empty or the default."""
    (tmp_path / "offers.yaml").write_text(OFFER)
    (tmp_path / "products.json").write_text('[{"product_id": "p-1", "category": "shoes"}]')
    reference = load_reference(tmp_path)
    assert reference.offers[0].valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert reference.products[0].category == "shoes"
    assert reference.policies == Policies()
    assert reference.beacons == ()


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    """Two bad records in two files give every fault, each with file, record and path."""
    bad = OFFER.replace("value: 10", "valeu: 10").replace("margin: 12.5", "expected_rate: 4")
    (tmp_path / "offers.yaml").write_text(OFFER + bad.replace("ten-off", "two"))
    (tmp_path / "policies.yaml").write_text(
        "contact: {quiet_hours: {from: 21}}\nchurn: {tick: month}\n"
    )
    assert _errors(tmp_path) == [
        "offers.yaml: [1] two: $.valeu: is no field of Offer; did you mean value?",
        "offers.yaml: [1] two: $.margin: is required",
        "offers.yaml: [1] two: $.expected_rate: must be at most 1",
        "policies.yaml: $.contact.quiet_hours.from: is no field of QuietHours",
        "policies.yaml: $.churn.tick: is not one of day, week",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- {offer_id: a, offer_id: b}", "`offer_id` is given twice"),
        ("- !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("- [", "cannot be read"),
        ("- valid_from: 2026-13-01", "month must be in 1..12"),
        ("offers: []", "is not a list"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, text: str, expected: str) -> None:
    """Broken or dangerous YAML is refused with a reason, and nothing is run."""
    (tmp_path / "offers.yaml").write_text(text)
    errors = _errors(tmp_path)
    assert len(errors) == 1
    assert expected in errors[0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("offer_id: ten-off", "offer_id: ten-off\n  never_with: [ghost]"),
         ["offers: ten-off: $.never_with: names ghost, which is no offer"]),
        (("valid_until: 2026", "valid_until: 2025"),
         ["offers: ten-off: $.valid_until: is not after valid_from"]),
        (("margin: 12.5", "margin: 12.5\n  gcn: '9801234567893'"),
         ["offers: ten-off: $.gcn: check digit is wrong"]),
    ],
)  # fmt: skip
def test_offers_must_hold_together(
    tmp_path: Path, change: tuple[str, str], expected: list[str]
) -> None:
    """Faults between fields and records of offers are found."""
    (tmp_path / "offers.yaml").write_text(OFFER.replace(*change))
    assert _errors(tmp_path) == expected


def test_an_id_given_twice_is_found(tmp_path: Path) -> None:
    """The same offer twice is an error."""
    (tmp_path / "offers.yaml").write_text(OFFER * 2)
    assert _errors(tmp_path) == ["offers: ten-off: $.offer_id: is given 2 times"]


def test_policies_must_hold_together(tmp_path: Path) -> None:
    """Shares that do not add up to one and bands that do not ascend are errors."""
    (tmp_path / "policies.yaml").write_text(
        """
experiment: {arms: [{name: policy, share: 0.5, chooser: policy}]}
churn: {bands: [{name: medium, from_risk: 0.7}, {name: high, from_risk: 0.6}]}
"""
    )
    assert _errors(tmp_path) == [
        "policies: $.experiment.arms: shares add up to 0.5, not 1",
        "policies: $.churn.bands: from_risk does not ascend",
    ]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """A folder without any reference file was not meant."""
    assert "holds no reference data" in _errors(tmp_path)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "{standard: ibeacon, uuid: f7826da6-4fa2-4e98-8024-bc5b71e0893e, major: 1, minor: 1}",
            "{standard: ibeacon, uuid: F7826DA64FA24E988024BC5B71E0893E, major: 1, minor: 1}",
        ),
        (
            "{standard: eddystone_uid, namespace: 0123456789abcdef0123, instance: 0123456789ab}",
            "{standard: eddystone_uid, namespace: 0123456789ABCDEF0123, instance: 0123456789AB}",
        ),
        (
            "{standard: eddystone_eid, eid: '0123456789abcdef', resolved_id: b-1}",
            "{standard: eddystone_eid, eid: 'ffffffffffffffff', resolved_id: b-1}",
        ),
        (
            f"{{standard: altbeacon, beacon_id: '{'aB' * 20}', mfg_id: 7}}",
            f"{{standard: altbeacon, beacon_id: '{'Ab' * 20}'}}",
        ),
    ],
)
def test_one_address_hangs_in_one_place(tmp_path: Path, one: str, other: str) -> None:
    """Hyphens, upper or lower case, and what does not belong to the address make no other one."""
    place = "- {{beacon_ref: {}, address: {}, store_id: s, zone: {{id: z}}}}\n"
    (tmp_path / "beacons.yaml").write_text(place.format("first", one) + place.format("x", other))
    (error,) = _errors(tmp_path)
    assert error.startswith("beacons: x: $.address: is that of first")


def test_one_eid_is_shown_by_one_beacon(tmp_path: Path) -> None:
    """Two places with one EID of their resolver, and EIDs of a beacon that does not roll."""
    rolls = "{{standard: eddystone_eid, eid: '{}'}}"
    fixed = "{standard: ibeacon, uuid: f7826da64fa24e988024bc5b71e0893e, major: 1, minor: 1}"
    place = "- {{beacon_ref: {}, address: {}, store_id: s, zone: {{id: z}}, eids: ['{}']}}\n"
    (tmp_path / "beacons.yaml").write_text(
        place.format("a", rolls.format("0" * 16), "aB" * 8)
        + place.format("b", rolls.format("1" * 16), "Ab" * 8)
        + place.format("c", fixed, "2" * 16)
    )
    errors = _errors(tmp_path)
    assert errors[0].startswith("beacons: b: $.eids: is that of a")
    assert errors[1] == "beacons: c: $.eids: only an eddystone_eid rolls"


def test_quiet_hours_that_never_end_are_refused(tmp_path: Path) -> None:
    """0 to 24 says what to write instead; 1 to 24 and equal hours are taken."""
    for hours in ("{from_hour: 1, to_hour: 24}", "{from_hour: 0, to_hour: 0}"):
        (tmp_path / "policies.yaml").write_text(f"contact: {{quiet_hours: {hours}}}\n")
        load_reference(tmp_path)
    hours = "{from_hour: 0, to_hour: 24}"
    (tmp_path / "policies.yaml").write_text(f"contact: {{quiet_hours: {hours}}}\n")
    (error,) = _errors(tmp_path)
    assert "never ends" in error
    assert "enabled: false" in error


@pytest.mark.parametrize("field", ["value", "discount", "contact_cost", "conditions.min_spend"])
def test_what_an_offer_costs_is_never_below_0(tmp_path: Path, field: str) -> None:
    """Named with file, offer and field; a margin may be below 0."""
    outer, _, inner = field.rpartition(".")
    line = f"{outer}: {{{inner}: -0.01}}" if outer else f"{inner}: -0.01"
    good = OFFER.replace("  value: 10\n", "").replace("margin: 12.5", "margin: -12.5")
    (tmp_path / "offers.yaml").write_text(f"{good}  {line}\n")
    assert _errors(tmp_path) == [f"offers.yaml: [0] ten-off: $.{field}: must be at least 0"]
    (tmp_path / "offers.yaml").write_text(good)
    assert load_reference(tmp_path).offers[0].margin == -12.5


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("churn: {contact_cost: -1}", "churn.contact_cost"),
        ("contact: {fatigue_price: -1}", "contact.fatigue_price"),
        ("contact: {reachable_value: -1}", "contact.reachable_value"),
        ("contact: {channel_costs: {sms: -1}}", "contact.channel_costs.sms"),
    ],
)
def test_what_a_policy_costs_is_never_below_0(tmp_path: Path, text: str, path: str) -> None:
    """Named with file and field."""
    (tmp_path / "policies.yaml").write_text(text)
    (said,) = _errors(tmp_path)
    assert said == f"policies.yaml: $.{path}: must be at least 0"
