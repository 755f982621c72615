"""`offerstream evaluate margins`: what a log says of arms, of offers with a holdout, of uses."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import DecisionLog
from streams.evaluation.brought import brought
from streams.models.incremental_margin import PEOPLE_MIN
from tests.unit.models.test_incremental_margin import person as in_arm
from tests.unit.models.test_offer_margin import person

DAY = Path(__file__).parents[1] / "golden" / "a-day-in-the-shop.jsonl"


def run(*arguments: object) -> str:
    """What the command says."""
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden day, and windows of many more people behind it."""
    out = tmp_path_factory.mktemp("day") / "out"
    run("replay", DAY, "--out", out)
    examples: list[LearningExample] = []
    for n in range(4 * PEOPLE_MIN):
        examples.append(person(n, "tea-10", 4.0 * (n % 2), withheld=n % 2 == 0))
        examples.append(in_arm(n, "policy" if n % 2 else "holdout", 1.0 + n % 2))
    with (out / "learning-examples.jsonl").open("ab") as file:
        file.writelines(msgspec.json.encode(example) + b"\n" for example in examples)
    return out


def test_arms_and_offers_are_compared(log: Path) -> None:
    """Heads of both groups and the interval, of arms and of an offer against its holdout."""
    found = json.loads(run("evaluate", "margins", log, "--json"))
    (arms,), (tea,) = found["arms"], found["offers"]
    assert [g["name"] for g in arms["groups"]] == ["policy", "holdout"]
    assert [g["margin"] for g in arms["groups"]] == [2.0, 1.0]
    assert tea["offer_id"] == "tea-10"
    assert [(g["people"], g["margin"]) for g in tea["groups"]] == [(200, 4.0), (200, 0.0)]
    assert tea["effect"]["low"] < tea["effect"]["value"] < tea["effect"]["high"]
    lines = run("evaluate", "margins", log)
    assert "policy against holdout" in lines
    assert "tea-10" in lines


def test_uses_are_told_for_each_offer_and_for_each_person(log: Path) -> None:
    """As the log and the labels say, counted here by hand."""
    lines = (log / "decision-log.jsonl").read_bytes().splitlines()
    entries = [msgspec.json.decode(line, type=DecisionLog) for line in lines]
    first = next(e for e in entries if e.chosen_offer_id is not None)
    sent = [e for e in entries if e.chosen_offer_id == first.chosen_offer_id]
    labels = [
        LearningExample(
            example_id=label_id,
            model="response",
            observed_at_ms=1,
            label=label,
            features={},
        )
        for entry, label in zip(sent, [1.0] + [0.0] * len(sent), strict=False)
        for label_id in [used_id(entry.decision_id)]
    ]
    found = brought(entries, labels)
    (offer,) = found.uses_by_offer
    assert (offer.name, offer.sent, offer.used) == (first.chosen_offer_id, len(sent), 1)
    assert offer.of_sent == pytest.approx(1 / len(sent))
    assert offer.a_head == pytest.approx(1 / len({e.customer_id for e in sent}))
    (arm,) = found.uses_by_arm
    people = {e.customer_id for e in entries if e.verdict in ("offer", "no_offer", "holdout")}
    assert (arm.people, arm.sent, arm.used) == (len(people), len(sent), 1)


def used_id(decision_id: str) -> str:
    """The id of the label of a decision that was used."""
    return derive_id("x", decision_id, "used")


def test_a_log_without_windows_says_so(tmp_path: Path) -> None:
    """Nothing is compared before a window is over."""
    run("replay", DAY, "--out", tmp_path / "out")
    lines = run("evaluate", "margins", tmp_path / "out")
    assert "nobody's window is over yet" in lines
    assert "none whose windows are over" in lines
