"""The challenger and the response model judged on a log: without reference data, promoted, anew."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from streams.admin.log_places import LogPlace
from streams.admin.offers_judged import WHO, Asked, judge_log, judge_two_models
from streams.admin.reference import example_shop
from streams.contracts.internal.learning_records import encode_snapshot
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.reference.structs import Arbitration, Arm, Experiment
from streams.decisions import Basis, Policy, decide
from streams.decisions.known import Scorer
from streams.evaluation.offer_logs import FoundOnLog
from tests.evaluation.test_offer_logs import ARMS, CONTRARY, Contrary, label_for
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone
from tests.unit.worker.test_snapshots import rival

RESPONSE = Fixed("response-60")
OFFERS = (offer("a", expected_rate=0.2), offer("b", expected_rate=0.02, margin=12.0))
CHALLENGERS, RESPONSES = 0.6 * 0.5 + 0.2 * 0.1, 0.6 * 0.1 + 0.2 * 0.5
"""Uses a decision: with epsilon .6 a model draws its favorite with .6, the other with .2.

Every second uses b, which the challenger likes, every tenth a.
"""
ASKED = Asked(policy=None, reference=None, reward="used", seed=1)
Log = tuple[list[bytes], list[bytes]]


def a_shop(experiment: Experiment = ARMS) -> Policy:
    """Two offers, and an exploration that is not the example shop's."""
    rules = Arbitration(exploration="epsilon", epsilon=0.6)
    return shop(*OFFERS, arbitration=rules, experiment=experiment)


def a_log(policy: Policy, models: tuple[Scorer, Scorer], people: range) -> Log:
    """Decisions of one model with the other beside it, and labels."""
    entries, labels = list[bytes](), list[bytes]()
    decides, beside = models
    for number in people:
        person = replace(someone(), customer_id=f"c-{number}")
        basis = Basis(decides, policy, challenger=beside)
        by = policy.policies.triggers[0]
        _, effects = decide(person, request(number, by=by), T0, basis)
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        entries.append(msgspec.json.encode(entry))
        if entry.chosen_offer_id is not None:
            every = 2 if entry.chosen_offer_id == "b" else 10
            labels.append(msgspec.json.encode(label_for(entry, float(number % every == 0))))
    return entries, labels


def as_place(folder: Path, *logs: Log) -> LogPlace:
    """These logs in a folder."""
    for name, part in (("decision-log.jsonl", 0), ("learning-examples.jsonl", 1)):
        lines = [line for log in logs for line in log[part]]
        (folder / name).write_bytes(b"\n".join(lines) + b"\n")
    return LogPlace(folder, archived=False, settings=None, note=print)


def judged(folder: Path, *logs: Log) -> dict[str, FoundOnLog]:
    """Both models on a folder with these logs, without reference data, as `models show` asks."""
    return dict(zip(WHO, judge_two_models(as_place(folder, *logs), ASKED), strict=True))


def are_right(found: dict[str, FoundOnLog]) -> None:
    """Both values are near the truth, by either estimate."""
    for who, truth in (("challenger", CHALLENGERS), ("champion", RESPONSES)):
        value = found[who].judged
        assert value is not None
        assert not value.refused
        for estimate in (value.snips, value.doubly_robust):
            assert estimate.value == pytest.approx(truth, abs=0.04), (who, estimate)


@pytest.mark.parametrize("name", ["policy", "main"])
def test_without_reference_data_no_other_shops_arms_are_counted_in(
    name: str, tmp_path: Path
) -> None:
    """Whatever the arms are called and however they explore, both values are right."""
    by_chance = Arm(name="uniform", share=0.3, chooser="uniform")
    arms = Experiment(arms=(Arm(name=name, share=0.7, chooser="policy"), by_chance))
    found = judged(tmp_path, a_log(a_shop(arms), (RESPONSE, CONTRARY), range(3_000)))
    are_right(found)
    assert found["challenger"].counts.not_asked == 0
    assert found["champion"].counts.not_asked > 600, "of what was drawn by chance it says nothing"


def test_a_promotion_does_not_swap_the_two(tmp_path: Path) -> None:
    """From decisions before and after it, each model has its own value."""
    policy = a_shop(Experiment(arms=(Arm(name="policy", share=1.0, chooser="policy"),)))
    before = a_log(policy, (RESPONSE, CONTRARY), range(1_000))
    after = a_log(policy, (CONTRARY, RESPONSE), range(1_000, 3_000))
    are_right(judged(tmp_path, before, after))


@pytest.mark.parametrize("named", ["challenger-3200", "challenger-3000-200"])
def test_only_the_present_tuning_is_judged(named: str, tmp_path: Path) -> None:
    """Decisions beside versions from before the challenger began anew count as not asked."""
    newest = rival(3_200)
    newest = replace(newest, parameters={**newest.parameters, "examples": 200})
    (tmp_path / "model-snapshots.jsonl").write_bytes(encode_snapshot(newest) + b"\n")
    log = [
        a_log(a_shop(), (RESPONSE, Contrary(version)), people)
        for version, people in (("challenger-3000", range(30)), (named, range(30, 50)))
    ]
    assert judged(tmp_path, *log)["challenger"].counts.judged == 20


@pytest.mark.parametrize("reference", [None, example_shop()])
def test_together_they_are_judged_as_each_alone(reference: Path | None, tmp_path: Path) -> None:
    """The log is read once for both, and each has its own counts, value and interval."""
    place = as_place(tmp_path, a_log(a_shop(), (RESPONSE, CONTRARY), range(100)))
    asked = replace(ASKED, reference=reference)
    alone = [judge_log(place, replace(asked, who=who)) for who in WHO]
    assert judge_two_models(place, asked) == alone
    assert alone[0] != alone[1]
