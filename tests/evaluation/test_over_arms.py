"""Logs whose arms decide unequally often: the mean weight is 1, and no value leans to one arm."""

from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams import topics
from streams.admin.log_places import LogPlace, archived_stands
from streams.admin.offers_judged import Asked, judge_log
from streams.admin.reference import example_shop, reference_records
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arbitration, Arm, Experiment, Reference
from streams.contracts.times import DAY_MS, from_ms
from streams.decisions import Basis, Policy, decide
from streams.evaluation.judged_policies import Chooser, by_policy, uniform
from streams.evaluation.off_policy import Judged, judge
from streams.evaluation.offer_logs import Counts, Question, read_own
from tests.evaluation.test_offer_logs import label_for
from tests.support.archived import archive_of
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

SEED = 5
PEOPLE, VISITS = 500, 12
ARMS = Experiment(
    arms=(
        Arm(name="policy", share=0.6, chooser="policy"),
        Arm(name="uniform", share=0.3, chooser="uniform"),
        Arm(name="holdout", share=0.1, chooser="holdout"),
    )
)
RATES = {"a": 0.3, "b": 0.15, "c": 0.02}
Log = tuple[list[bytes], list[bytes]]


def a_shop(epsilon: float = 0.2, experiment: Experiment = ARMS) -> Policy:
    """Three offers of which none is worth its cost, so the policy's arm mostly sends none."""
    rules = Arbitration(exploration="epsilon", epsilon=epsilon)
    fields = {"expected_rate": 0.05, "contact_cost": 5.0, "redeem_within_days": 7.0}
    offers = (offer(name, **fields) for name in RATES)
    return shop(*offers, arbitration=rules, experiment=experiment)


@cache
def a_log(epsilon: float = 0.2, open_days: float = 0.0, without_consent: float = 0.0) -> Log:
    """People who come again and again; whoever was sent an offer has to wait for three visits.

    So the arm that often sends none decides more often. With `open_days` that many of the last
    days are decided, but their windows have not closed: a use is known, no use is not.
    """
    policy = a_shop(epsilon)
    draw = np.random.default_rng(SEED)
    entries, labels, number = list[bytes](), list[bytes](), 0
    last_ms = T0 + VISITS * DAY_MS
    for who in range(PEOPLE):
        learns, next_visit = draw.random() >= without_consent, 0
        for visit in range(VISITS):
            if visit < next_visit:
                continue
            entry, number = _decided(policy, f"c-{who}", number), number + 1
            at_ms = T0 + visit * DAY_MS
            entry = replace(entry, decided_at=from_ms(at_ms))
            entries.append(msgspec.json.encode(entry))
            if entry.chosen_offer_id is None:
                continue
            next_visit = visit + 4
            label = float(draw.random() < RATES[entry.chosen_offer_id])
            known_ms = at_ms if label else at_ms + 7 * DAY_MS
            if learns and known_ms <= last_ms + (7.0 - open_days) * DAY_MS:
                example = replace(label_for(entry, label), observed_at_ms=known_ms)
                labels.append(msgspec.json.encode(example))
    return entries, labels


def _decided(policy: Policy, who: str, number: int) -> DecisionLog:
    person = replace(someone(), customer_id=who)
    _, effects = decide(
        person, request(number, by=policy.policies.triggers[0]), T0, Basis(Fixed(), policy)
    )
    return next(e.entry for e in effects if isinstance(e, DecisionLogged))


def judged(log: Log, question: Question) -> tuple[Judged, Counts]:
    """The log, judged."""
    logged, counts = read_own(*log, question)
    return judge(logged, SEED), counts


def is_right(found: Judged) -> bool:
    """Whether the mean weight is 1 but for chance, and that chance is small."""
    off = abs(found.mean_weight - 1.0)
    return off <= 3.0 * found.mean_weight_error + 1e-9 and found.mean_weight_error < 0.1


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("by", ["uniform", "policy"])
def test_arms_that_decide_unequally_often_have_weights_of_one(by: str, pooled: bool) -> None:
    """Over all arms and by each alone, for a choice that any arm could make and for one that not.

    The uniform arm never sends none; what that brings is known, so its share counts.
    """
    policy = a_shop()
    log = a_log()
    entries = [msgspec.json.decode(value, type=DecisionLog) for value in log[0]]
    arms = Counter(e.experiment.arm for e in entries)
    assert arms["policy"] > 4 * arms["uniform"], "shares of people are 2 to 1"
    chooser: Chooser = uniform() if by == "uniform" else by_policy(policy)
    found, counts = judged(log, Question(policy, chooser, "used", pooled=pooled))
    assert counts.own_arm == 0
    assert is_right(found), (found.mean_weight, found.mean_weight_error)
    sent = np.mean(list(RATES.values()))
    truth = sent if by == "uniform" else 0.2 / 4 * 3 * sent
    for estimate in (found.ips, found.snips, found.doubly_robust):
        assert abs(estimate.value - truth) < estimate.high - estimate.low  # 4 standard errors


def test_open_windows_count_neither_for_offers_nor_for_none() -> None:
    """Else the last days hold only no offers and early uses, and the value leans."""
    policy = a_shop()
    whole, cut = a_log(), a_log(open_days=7.0)
    question = Question(policy, uniform(), "used")
    assert judged(whole, question)[1].too_young == 0
    found, counts = judged(cut, question)
    assert counts.too_young > 0
    assert counts.no_label == 0, "whoever is old enough has a label"
    assert is_right(found)
    other, counts = judged(cut, replace(question, policy=a_shop_of_a_day(), pooled=False))
    assert counts.no_label == 0, "the log's own windows tell, where its policies are not known"
    assert is_right(other)


def a_shop_of_a_day() -> Policy:
    """The same offers, but with windows of a day."""
    rules = Arbitration(exploration="epsilon", attribution_window_days=1.0)
    return shop(*(offer(name) for name in RATES), arbitration=rules)


def test_who_lets_nobody_learn_is_left_out_as_a_whole() -> None:
    """Not only their offers: then no offers would be too many."""
    policy = a_shop()
    found, counts = judged(a_log(without_consent=0.5), Question(policy, uniform(), "used"))
    assert counts.no_label > 500
    assert is_right(found)


def test_reference_data_of_another_shop_make_no_arms_of_their_own() -> None:
    """Where only the uniform arm comes out the same, every decision counts by its own arm."""
    log, other = a_log(), a_shop(epsilon=0.9)
    found, counts = judged(log, Question(other, uniform(), "used"))
    assert counts.own_arm == counts.judged
    assert is_right(found)


def test_each_decision_counts_by_what_stood_then() -> None:
    """Policies with the same name and version, changed on the way: both halves are known by arm."""
    before, after = a_shop(), a_shop(epsilon=0.6)
    first, second = a_log(), a_log(epsilon=0.6)
    change_ms = T0 + 100 * DAY_MS
    later = [msgspec.json.decode(v, type=DecisionLog) for v in second[0]]
    moved = [
        replace(e, decision_id=f"later-{e.decision_id}", decided_at=from_ms(change_ms))
        for e in later
    ]
    log = ([*first[0], *map(msgspec.json.encode, moved)], first[1])
    stood = ((0, before), (change_ms, after))
    found, counts = judged(log, Question(after, uniform(), "used", stood=stood))
    assert (counts.own_arm, is_right(found)) == (0, True)


def test_an_archive_tells_its_own_policies(tmp_path: Path) -> None:
    """Without --reference arms are counted together by what was archived, as of each decision."""
    policy = a_shop()
    own = Reference(policies=policy.policies, offers=tuple(c.offer for c in policy.offers))
    entries, labels = a_log()
    catalog = {
        topic: [(T0 - 5_000 + n, key, value) for n, (key, value) in enumerate(of.items())]
        for topic in topics.REFERENCES
        if (of := reference_records(own)[topic.name])
    }
    log = {
        topics.DECISION_LOG: [(T0 + n, "key", value) for n, value in enumerate(entries)],
        topics.LEARNING_EXAMPLES: [(T0 + n, "key", value) for n, value in enumerate(labels)],
    }
    archive_of(tmp_path, catalog | log)
    assert len(archived_stands(tmp_path)) == 1, "a folder that was published is one change"
    place = LogPlace(tmp_path, archived=True, settings=None, note=print)
    found = judge_log(place, Asked(policy=None, reference=None, reward="used", seed=SEED))
    alike, _ = judged((entries, labels), Question(policy, uniform(), "used"))
    assert (found.counts.own_arm, found.judged) == (0, alike)
    other = judge_log(place, Asked(policy=None, reference=example_shop(), reward="used", seed=SEED))
    assert other.counts.own_arm == other.counts.judged > 0
