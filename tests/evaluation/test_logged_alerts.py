"""`offerstream evaluate alerts`: what became of a shop's own alerts, from its log."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from streams import topics
from streams.archive.keeping import Keeper, Keeping
from streams.archive.records import Row, people_of
from streams.cli import main
from streams.contracts.ids import lot
from streams.contracts.internal.learning_records import encode_example
from streams.contracts.outputs.payloads import CaseOutcome
from streams.contracts.times import DAY_MS, from_ms, monday_week, to_ms
from streams.customer.row import Said
from streams.evaluation.replay import FILES
from streams.features.calibration import calibration_example
from streams.models.top_cases import Week, Weeks, figures_of, with_case
from tests.support.told import followed, warned

WEEK_MS = 7 * DAY_MS
T0 = 1_767_571_200_000  # a Monday
RISKS = {"high": 0.8, "medium": 0.6}


def case(n: int, **fields: Any) -> dict[str, Any]:
    """Case `n` of two a week: every third was bought of, the first of a week has more at stake."""
    entered_ms = T0 + n // 2 * WEEK_MS + n % 2 * DAY_MS
    band = "high" if n % 2 == 0 else "medium"
    made = followed(
        0,
        case_id=f"case-{n}",
        customer_id=f"c{n}",
        result="bought" if n % 3 == 0 else "left",
        risk_band=band,
        risk=RISKS[band],
        arm="control" if n % 5 == 0 else "treated",
        value_at_risk={"amount": "30.00" if n % 2 == 0 else "10.00", "currency": "EUR"},
    )
    at = {"entered_at": from_ms(entered_ms), "known_at": from_ms(entered_ms + 91 * DAY_MS)}
    return made | at | fields


OUTCOMES = [*map(case, range(12)), case(99, result="not_followed")]


def lines() -> dict[topics.Topic, list[bytes]]:
    """A log by topic."""
    alerts = [warned(n, f"a{n}", case_id=f"case-{n}", customer_id=f"c{n}") for n in range(12)]
    changes = [
        {
            "change_id": f"s{n}",
            "customer_id": f"c{n}",
            "changed_at": from_ms(T0),
            "segment": "lapsed",
            "previous": "at_risk",
            **({"warned": n < 6} if n < 8 else {}),
        }
        for n in range(10)
    ]
    said = Said(0.5, 0.62, 2.5)
    looks = [
        calibration_example(f"x{n}", said, 91 * DAY_MS, n % 4 == 0, T0, f"c{n % 7}")
        for n in range(20)
    ]
    encoded = msgspec.json.encode
    return {
        topics.CHURN_ALERTS: [*map(encoded, alerts)],
        topics.CASE_OUTCOMES: [*map(encoded, OUTCOMES)],
        topics.SEGMENT_CHANGES: [*map(encoded, changes)],
        topics.LEARNING_EXAMPLES: [*map(encode_example, looks)],
    }


@pytest.fixture(params=["replay", "archive"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same log as files of `replay` and as an archive."""
    if request.param == "replay":
        for topic, values in lines().items():
            name = FILES.get(topic.name, f"{topic.name}.jsonl")
            (tmp_path / name).write_bytes(b"".join(value + b"\n" for value in values))
        return tmp_path
    keeper = Keeper(Keeping(root=tmp_path, topics=tuple(topic.name for topic in lines())))
    for topic, values in lines().items():
        for offset, value in enumerate(values):
            row = Row(
                partition=0,
                offset=offset,
                at_ms=T0,
                key=None,
                id=None,
                people=people_of(json.loads(value)),
                value=value.decode(),
            )
            keeper.take((topic.name, 0), offset + 1, row)
    keeper.flush()
    return tmp_path


def asked(log: Path, *options: str) -> str:
    """What the verb says."""
    done = CliRunner().invoke(main, ["evaluate", "alerts", str(log), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_cases_are_judged_by_what_became_of_them(log: Path) -> None:
    """Counted here by hand, of files and of an archive alike."""
    found = json.loads(asked(log, "--json"))
    known = [msgspec.convert(one, CaseOutcome) for one in OUTCOMES[:-1]]
    left = [one for one in known if one.result == "left"]
    assert found["followed"] == {"bought": 4, "left": 8, "not_followed": 1}
    assert (found["cases"]["many"], found["cases"]["left"]["mean"]) == (12, 8 / 12)
    assert 0.0 < found["cases"]["left"]["low"] < 8 / 12 < found["cases"]["left"]["high"] <= 1.0
    by_band = {group["name"]: group for group in found["by_band"]}
    for band in ("medium", "high"):
        of_band = [one.result == "left" for one in known if one.risk_band == band]
        assert by_band[band]["left"]["mean"] == pytest.approx(sum(of_band) / len(of_band))
        assert by_band[band]["stated"] == pytest.approx(RISKS[band])
    assert {group["name"]: group["many"] for group in found["by_arm"]} == {
        "treated": 9,
        "control": 3,
    }
    assert found["lead_days"] == left[0].lead_days


def test_recall_and_the_first_of_each_week(log: Path) -> None:
    """Six of eight leavers were warned of; the newest week is not over."""
    found = json.loads(asked(log, "--json"))
    assert (found["leavers"], found["recall"]["mean"]) == (8, 0.75)
    weeks = {monday_week(to_ms(one["entered_at"])) for one in OUTCOMES[:12]}
    assert len(weeks) == 6
    assert next((g["name"], g["many"]) for g in found["top"]) == ("first 10", 10)


def test_the_first_of_a_week_are_those_that_the_learner_counts(tmp_path: Path) -> None:
    """Of equal stakes too, of which nobody knows the outcome, in whatever order they are told."""
    rows = [
        case(0, case_id=f"e{n}", result="left" if n < 8 else "bought", customer_id=f"e{n}")
        for n in range(20)
    ]
    told = [msgspec.json.encode(one) for one in [*rows, case(2)]]
    for topic, values in lines().items():
        (tmp_path / FILES[topic.name]).write_bytes(b"".join(value + b"\n" for value in values))
    weeks: Weeks = ()
    for one in rows:
        at_stake = {"at_stake": 24.0, "week": 1.0, "lot": float(lot(one["case_id"]))}
        weeks = with_case(weeks, at_stake, one["result"] == "left")
    live = figures_of((*weeks, Week(2)))
    for order in (1, -1):
        (tmp_path / FILES[topics.CASE_OUTCOMES.name]).write_bytes(b"\n".join(told[::order]) + b"\n")
        found = json.loads(asked(tmp_path, "--json"))["top"][0]
        assert (found["name"], found["many"]) == ("first 10", 10)
        assert found["left"]["mean"] == pytest.approx(live["top_10_value"])
        assert found["left"]["mean"] < 0.8


def test_looks_stand_beside_what_came_by_risk_and_by_silence(log: Path) -> None:
    """Fifteen of twenty bought nothing; all were said .62 at 2.5 own gaps."""
    looks = json.loads(asked(log, "--json"))["looks"]
    assert (looks["people"], looks["all"]["many"], looks["all"]["left"]["mean"]) == (7, 20, 0.75)
    assert [group["name"] for group in looks["by_risk"]] == ["0.6 to 0.7"]
    assert [group["name"] for group in looks["by_silence"]] == ["2-4 own gaps"]


def test_the_lines_for_a_terminal_say_the_same(log: Path) -> None:
    """A table of cases and one of looks."""
    told = asked(log)
    for part in ("recall: 0.750", "first 10", "control", "2-4 own gaps", "4 bought, 8 left"):
        assert part in told


@pytest.mark.parametrize("topic", lines(), ids=lambda topic: topic.name)
@pytest.mark.parametrize("bad", [b"not json", b"{}", b"{\xff"])
def test_a_line_that_is_no_record_is_named(topic: topics.Topic, bad: bytes, tmp_path: Path) -> None:
    """Of any topic that is read: a sentence with file and line, and exit code 2."""
    for each, values in lines().items():
        name = FILES.get(each.name, f"{each.name}.jsonl")
        said = [values[0], bad, *values[1:]] if each is topic else values
        (tmp_path / name).write_bytes(b"".join(value + b"\n" for value in said))
    done = CliRunner().invoke(main, ["evaluate", "alerts", str(tmp_path)])
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 2
    assert f"{FILES[topic.name]}: line 2 is no " in done.stderr


@pytest.mark.parametrize("missing", ["risk", "own_gaps"])
def test_a_look_that_lacks_what_it_stated_is_named(missing: str, tmp_path: Path) -> None:
    """A damaged record, by its file and line; of other models nothing of this is asked."""
    said = calibration_example("x", Said(0.5, 0.62, 2.5), 91 * DAY_MS, True, T0, "c1")
    spoilt = replace(said, features={n: v for n, v in said.features.items() if n != missing})
    other = replace(spoilt, model="response")
    taught = [encode_example(one) for one in (said, other, spoilt)]
    for topic, values in {**lines(), topics.LEARNING_EXAMPLES: taught}.items():
        (tmp_path / FILES[topic.name]).write_bytes(b"".join(value + b"\n" for value in values))
    done = CliRunner().invoke(main, ["evaluate", "alerts", str(tmp_path)])
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 2
    assert f"{FILES[topics.LEARNING_EXAMPLES.name]}: line 3 is no look" in done.stderr
    assert missing in done.stderr


def test_a_log_without_outcomes_says_so(tmp_path: Path) -> None:
    """A young shop has none: that is no error."""
    for topic in lines():
        name = FILES.get(topic.name, f"{topic.name}.jsonl")
        (tmp_path / name).write_bytes(b"")
    told = asked(tmp_path)
    assert "no case's horizon is over yet" in told
    assert "none was opened" in told
    assert "no labels of looks" in told
    assert "In brackets" not in told


def a_young_log(home: Path, days: float, taught: list[bytes]) -> str:
    """What is said of a case that opened at the start, and of a change of segment days later."""
    later = datetime.fromisoformat(warned(0, "a")["raised_at"]) + timedelta(days=days)
    change = {"change_id": "s", "customer_id": "c1", "segment": "active", "previous": "new"}
    said = {
        topics.CHURN_ALERTS: [msgspec.json.encode(warned(0, "a"))],
        topics.CASE_OUTCOMES: [],
        topics.SEGMENT_CHANGES: [msgspec.json.encode({**change, "changed_at": later.isoformat()})],
        topics.LEARNING_EXAMPLES: taught,
    }
    for topic, values in said.items():
        (home / FILES[topic.name]).write_bytes(b"".join(value + b"\n" for value in values))
    return asked(home)


def test_a_young_log_says_when_the_first_horizon_ends(tmp_path: Path) -> None:
    """And that it is the horizon that is missing, not consent; no words about missing tables."""
    told = a_young_log(tmp_path, 90, [])
    end = datetime.fromisoformat(warned(0, "a")["raised_at"]) + timedelta(days=91)
    assert f"the first ends at {end:%Y-%m-%d %H:%M} UTC" in told
    assert "no labels of looks: the log is shorter than a horizon" in told
    assert "In brackets" not in told


def test_of_an_older_log_without_looks_the_reason_is_said(tmp_path: Path) -> None:
    """Nobody lets learn; or somebody does, and there was nothing to judge."""
    told = a_young_log(tmp_path, 92, [])
    assert "nobody grants `model_training`" in told
    assert "no outcome is in the log" in told
    said = calibration_example("x", Said(0.5, 0.62, 2.5), DAY_MS, True, T0, "c1")
    other = encode_example(replace(said, model="response", observed_at_ms=T0 + 100 * DAY_MS))
    told = a_young_log(tmp_path, 92, [other])
    assert "nobody who grants `model_training` was looked at outside" in told
