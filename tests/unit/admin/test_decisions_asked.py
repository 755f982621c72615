"""`offerstream explain` and `offerstream redecide`, on what `replay` writes."""

import json
import math
import re
from itertools import chain
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from streams.admin import explained
from streams.admin.decision_words import FEATURES, TRIGGERS, VERDICTS, WHY_NOT
from streams.admin.explaining import explain
from streams.cli import main
from streams.contracts.common import LANGUAGES, LanguageTag
from streams.contracts.outputs.payloads import DecisionLog, Verdict, WhyNot
from streams.contracts.reference.structs import TriggerKind
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.models.response import CONTEXT_AXIS, OFFER_AXIS, ResponseModel
from streams.models.response_reasons import BASE, TOGETHER, parts_of_log_odds
from tests.support import small_shop

DAY = Path(__file__).parents[2] / "golden" / "a-day-in-the-shop.jsonl"
CUSTOMERS, EVENTS, SEED = 60, 6_000, 5


def run(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(main, list(arguments))


def entries_in(folder: Path) -> list[DecisionLog]:
    """The decision log of a replay."""
    lines = (folder / "decision-log.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=DecisionLog) for line in lines]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden day, replayed with the example shop."""
    out = tmp_path_factory.mktemp("day") / "out"
    done = run("replay", str(DAY), "--out", str(out))
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A shop in which the response model learns: the results, and its reference data."""
    home = tmp_path_factory.mktemp("learned")
    shop = home / "shop"
    shop.mkdir()
    reference = msgspec.to_builtins(small_shop.reference())
    for part in ("offers", "policies"):
        (shop / f"{part}.json").write_text(json.dumps(reference[part]), encoding="utf-8")
    sent = chain(
        small_shop.consents(CUSTOMERS),
        small_shop.visits(EVENTS, CUSTOMERS, SEED),
        small_shop.closing(CUSTOMERS, EVENTS),
        small_shop.visits(EVENTS // 4, CUSTOMERS, SEED + 1),
    )
    lines = [json.dumps({"topic": t, "value": json.loads(value)}) for t, _, value in sent]
    (home / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = home / "out"
    done = run("replay", str(home / "events.jsonl"), "--out", str(out), "--reference", str(shop))
    assert done.exit_code == 0, done.output
    return out, shop


def test_every_code_has_words_in_three_languages() -> None:
    """Verdicts, reasons of exclusion, triggers, and every feature that a reason may name."""
    assert set(VERDICTS) == set(get_args(Verdict))
    assert set(WHY_NOT) == set(get_args(WhyNot))
    assert set(TRIGGERS) == set(get_args(TriggerKind))
    names = [f"c.{n}" for n in CONTEXT_FEATURES] + [f"o.{n}" for n in OFFER_FEATURES]
    assert {TOGETHER.get(name, name) for name in names} == set(FEATURES) - {"own"}
    for texts in chain(*(d.values() for d in (VERDICTS, WHY_NOT, TRIGGERS, FEATURES))):
        assert set(texts) == set(LANGUAGES)
        assert all(text.strip() for text in texts.values())


def test_the_parts_add_up_to_the_log_odds() -> None:
    """For any weights: the sum of what is said of a probability is its logit."""
    draw = np.random.default_rng(SEED)
    for _ in range(50):
        weights = draw.normal(0.0, 0.2, (2, len(OFFER_AXIS) + 1, len(CONTEXT_AXIS) + 1))
        own = draw.normal(0.0, 0.2, (2, 2, len(CONTEXT_AXIS) + 1))
        pairs = draw.normal(0.0, 0.1, ResponseModel().pairs.shape)
        model = ResponseModel(
            "m",
            weights.astype(np.float32),
            own.astype(np.float32),
            {"tea": 0},
            pairs.astype(np.float32),
        )
        context = draw.uniform(-1.0, 1.0, len(CONTEXT_FEATURES))
        offer = draw.uniform(-1.0, 1.0, len(OFFER_FEATURES))
        parts = parts_of_log_odds(model, context, offer, "tea", -1.0)
        (p,) = model.response_probabilities(context, offer[np.newaxis], ["tea"], [-1.0])
        assert sum(parts.values()) == pytest.approx(math.log(p / (1.0 - p)), abs=1e-4)
        assert BASE in parts


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_of_the_day_can_be_explained(day: Path, language: str) -> None:
    """Each entry names its verdict in words, and every offer once: possible, or why not."""
    for entry in entries_in(day):
        done = run("explain", entry.decision_id, "--log", str(day), "--language", language)
        assert done.exit_code == 0, done.output
        assert VERDICTS[entry.verdict][language] in done.output  # type: ignore[index]
        for candidate in entry.offers:
            assert f" {candidate.offer_id}  " in done.output


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_an_explanation_has_no_english_word(
    day: Path, learned: tuple[Path, Path], language: LanguageTag
) -> None:
    """All that is in Latin letters are names: ids, codes, versions; also what sending adds."""
    adds = {"incremental_orders": 0.1, "orders_error": 0.02}
    adds |= {"incremental_margin": 0.5, "margin_error": 0.1}
    for entry in [*entries_in(day), entries_in(learned[0])[-1]]:
        names = {entry.decision_id, entry.customer_id, entry.trigger.event_id}
        names |= {entry.trigger.rule_id, entry.trigger.kind, entry.channel, entry.placement}
        names |= {entry.experiment.arm, entry.policy.version, entry.model.version}
        names |= {"" if entry.uplift is None else entry.uplift.version, "offer_holdout"}
        names |= {name for c in entry.offers for name in (c.offer_id, c.why_not or "")}
        one = explain(entry, ResponseModel(), language)
        possible = [replace(p, terms=replace(p.terms, **adds, lever=0.1)) for p in one.possible]
        told = [
            *explained.told(replace(one, possible=tuple(possible)), language),
            *explained.told(explain(entry, None, language), language),
        ]
        for line in told[1:]:
            left = line
            for name in sorted(names, key=len, reverse=True):
                left = left.replace(name, " ") if name else left
            left = left.replace(entry.decided_at.isoformat(), "")
            assert not re.findall("[A-Za-z]{2,}", left), line
            assert "{" not in left


def test_what_sending_adds_is_explained(day: Path) -> None:
    """Over which time, what +- is, and that it is not weighed: said once, where there is any."""
    entry = next(e for e in entries_in(day) if e.verdict == "offer")
    one = explain(entry, None, "en")
    assert "standard error" not in "".join(explained.told(one, "en"))
    adds = {"incremental_orders": 0.1, "orders_error": 0.02}
    adds |= {"incremental_margin": 0.5, "margin_error": 0.1}
    possible = tuple(replace(p, terms=replace(p.terms, **adds)) for p in one.possible)
    told = list(explained.told(replace(one, possible=possible), "en"))
    assert any("; sent it adds 0.100 +- 0.020 orders, 0.50 +- 0.10 of margin" in t for t in told)
    (about,) = [line for line in told if "standard error" in line]
    for said in ("two attribution windows: 14 days", "+- one standard error", "does not weigh it"):
        assert said in about


def test_the_last_decisions_of_a_customer_as_json(day: Path) -> None:
    """`--limit` counts from the newest; possible and withheld together are all offers."""
    wanted = [e for e in entries_in(day) if e.customer_id == "mia"]
    done = run("explain", "--customer", "mia", "--log", str(day), "--json", "--limit", "3")
    told = [json.loads(line) for line in done.output.splitlines()]
    newest = sorted(wanted, key=lambda e: e.decided_at)[-3:]
    assert [one["decision_id"] for one in told] == [e.decision_id for e in newest]
    for one, entry in zip(told, newest, strict=True):
        offers = [o["offer_id"] for o in (*one["possible"], *one["withheld"])]
        assert sorted(offers) == sorted(c.offer_id for c in entry.offers)
        assert one["verdict"] == entry.verdict


def test_reasons_are_given_where_something_was_learned(learned: tuple[Path, Path]) -> None:
    """A decision by a model that has learned names what moves the probability, strongest first."""
    out, _ = learned
    entry = [e for e in entries_in(out) if e.verdict == "offer"][-1]
    assert entry.model.version != ResponseModel().version
    done = run("explain", entry.decision_id, "--log", str(out), "--json")
    (one,) = [json.loads(line) for line in done.output.splitlines()]
    assert one["about_offer_id"] == entry.chosen_offer_id
    effects = [abs(math.log(reason["odds"])) for reason in one["reasons"]]
    assert effects
    assert effects == sorted(effects, reverse=True)


def test_every_decision_comes_out_again_to_the_byte(day: Path, learned: tuple[Path, Path]) -> None:
    """By the command: a sample of the day, and of a shop whose model learned meanwhile."""
    out, shop = learned
    versions = set()
    for folder, more in ((day, ()), (out, ("--reference", str(shop)))):
        drawn = [e for e in entries_in(folder) if e.verdict in ("offer", "no_offer")]
        for entry in drawn[:: max(1, len(drawn) // 12)]:
            versions.add(entry.model.version)
            done = run("redecide", entry.decision_id, "--log", str(folder), *more)
            assert done.exit_code == 0, done.output
            assert "every byte is equal" in done.output
            assert " , " not in done.output, "no offer has no name"
            assert f"({more[-1] if more else 'the example shop'})" in done.output
    assert len(versions) > 1


def test_what_was_changed_in_the_log_is_found(day: Path, tmp_path: Path) -> None:
    """A probability that was not the one that was drawn from: its place, and exit code 1."""
    entry = next(e for e in entries_in(day) if e.verdict == "offer")
    forged = msgspec.structs.replace(entry, action_probability=0.123)
    (tmp_path / "decision-log.jsonl").write_bytes(msgspec.json.encode(forged) + b"\n")
    done = run("redecide", entry.decision_id, "--log", str(tmp_path))
    assert done.exit_code == 1
    assert "$.action_probability: 0.123 was logged" in done.output


def test_what_is_not_kept_is_said(learned: tuple[Path, Path], tmp_path: Path) -> None:
    """No log, no such decision, no snapshot, other reference data: a sentence and exit code 2."""
    out, shop = learned
    entry = [e for e in entries_in(out) if e.verdict == "offer"][-1]
    (tmp_path / "decision-log.jsonl").write_bytes(msgspec.json.encode(entry) + b"\n")
    here = ("--log", str(tmp_path))
    for arguments, said in (
        (("explain", "d_1", "--log", str(tmp_path / "no")), "there is no such folder"),
        (("explain", "d_1", "--log", str(shop)), "holds no decision-log.jsonl"),
        (("explain", "d_1", *here), "there is no decision d_1 in"),
        (("redecide", entry.decision_id, *here, "--reference", str(shop)), "is not kept any more"),
        (("redecide", entry.decision_id, "--log", str(out)), "no reference data of version"),
        (("explain", *here), "name a decision, or a person"),
        (("explain", "d_1", "--customer", "mia", *here), "not both"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, done.output
        assert said in done.output
        assert "Traceback" not in done.output
    told = run("explain", entry.decision_id, *here)
    assert told.exit_code == 0
    assert "is not kept any more" in told.output


@pytest.mark.parametrize("line", [b'{"decision_id":"d_1","cust', b'{"decision_id":"d_1\xff"}'])
def test_damage_in_the_log_is_a_sentence(tmp_path: Path, line: bytes) -> None:
    """A line that was cut off, or is no text, is named with its number."""
    (tmp_path / "decision-log.jsonl").write_bytes(line)
    done = run("explain", "d_1", "--log", str(tmp_path))
    assert done.exit_code == 2
    assert "line 1 is no record of a decision" in done.output
