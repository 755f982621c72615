"""The golden day, as its people would tell it."""

from pathlib import Path

import msgspec
import pytest

from streams.contracts.reference.files import load_reference
from streams.decisions import compile_policy
from streams.evaluation.inputs import read_records
from streams.evaluation.replay import replay
from streams.simulator import SHOP

DAY = Path(__file__).parents[1] / "golden" / "a-day-in-the-shop.jsonl"
Lines = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Every line of every file that the replay writes, by file."""
    out = tmp_path_factory.mktemp("day")
    replay(read_records(str(DAY)), compile_policy(load_reference(SHOP)), out)
    return {
        path.stem: [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
        for path in out.glob("*.jsonl")
    }


def test_mia_is_recognized_when_she_logs_in(told: Lines) -> None:
    """Her anonymous visit becomes hers once, and a forwarding address is left."""
    linked = [(c["kind"], c["customer_id"], c["other_id"]) for c in told["identity-changes"]]
    assert linked == [("linked", "mia", "anon-7")]
    moved = [row for row in told["rows"] if row.get("moved_to")]
    assert [(row["alias_id"], row["moved_to"]) for row in moved] == [("anon-7", "mia")]


def test_ana_is_left_alone(told: Lines) -> None:
    """Who denied personalization gets no offer, and the log says why of each."""
    assert {offer["customer_id"] for offer in told["next-best-offers"]} == {"mia", "ken"}
    hers = [entry for entry in told["decision-log"] if entry["customer_id"] == "ana"]
    assert len(hers) == 1
    assert hers[0]["verdict"] == "no_consent"
    assert set(hers[0]["candidates"]["why_not"]) == {"no_consent"}  # type: ignore[index]
    assert hers[0]["context"] == {}


def test_ken_is_seen_leaving(told: Lines) -> None:
    """The cancel page in his silence opens one case, which ends when he has long been gone.

    Nothing is known of the shop's customers, so it takes both: the page, and a long silence.
    """
    alerts = told["churn-alerts"]
    assert {alert["customer_id"] for alert in alerts} == {"ken"}
    assert [alert["transition"] for alert in alerts] == ["entered", "resolved"]
    assert alerts[1]["resolved_by"] == "lapsed"
    assert len({alert["case_id"] for alert in alerts}) == 1
    signals = {signal["code"] for signal in alerts[0]["signals"]}  # type: ignore[attr-defined]
    assert signals == {"cancel_page", "purchase_overdue", "category_loss"}
    assert alerts[0]["reason_codes"][0] == "SILENCE_VS_HABIT"  # type: ignore[index]


def test_bad_lines_are_kept_with_reason_and_place(told: Lines) -> None:
    """Three lines cannot be read; each says why, where, and keeps its bytes."""
    letters = [(d["line"], d["reason"], d["path"]) for d in told["dead-letters"]]
    assert letters == [
        (94, "bad_format", "$.total.amount"),
        (95, "unknown_event_name", "$.event_name"),
        (96, "invalid_json", "$"),
    ]


def test_a_redelivered_order_counts_once(told: Lines) -> None:
    """Mia bought 23 times and once more on a day of its own; the file says one of them twice."""
    mia = next(row for row in told["rows"] if row.get("customer_id") == "mia")
    orders = mia["spend"][6]  # type: ignore[index]
    assert orders == 24
