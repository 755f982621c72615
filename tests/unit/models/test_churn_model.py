"""The churn model serves from the first moment, learns, and says why."""

from functools import cache

import msgspec
import numpy as np
import pytest

from streams.contracts.internal.learning import LearningExample
from streams.contracts.times import DAY_MS, WEEK_MS
from streams.customer.rhythm import Rhythm, record_purchase
from streams.errors import StateError
from streams.evaluation.churn_stream import ChurnStream
from streams.evaluation.purchases import Purchase
from streams.features.rhythm import RHYTHM_FEATURES
from streams.models.churn import ChurnLearner, ChurnModel
from streams.models.fitting import CUSTOMERS_MIN
from streams.models.hazard import Hazard
from streams.models.own_data import OwnData
from streams.models.population import CUSTOMERS_MAX
from streams.models.trainer import learner_of


def shoppers(customers: int, weeks: int, seed: int = 5) -> list[Purchase]:
    """A shop whose customers each buy at an own rate and leave at some time; by time."""
    random = np.random.default_rng(seed)
    purchases = []
    for number in range(customers):
        at, rate = random.uniform(0, weeks / 2), random.gamma(1.0, 0.25)
        while at < weeks:
            amount = float(random.uniform(5, 50))
            purchases.append(Purchase(f"c-{number}", int(at * WEEK_MS), amount))
            if random.random() < 0.15:
                break
            at += random.exponential(1.0 / rate)
    return sorted(purchases, key=lambda purchase: purchase.at_ms)


class Recorder(ChurnLearner):
    """A learner that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[LearningExample] = []

    def learn(self, example: LearningExample) -> None:
        """Keep it."""
        self.seen.append(example)


@cache
def stream_of_examples() -> tuple[LearningExample, ...]:
    """What 700 customers of 40 weeks teach, in the order in which it becomes known."""
    stream = ChurnStream(WEEK_MS, 26 * WEEK_MS)
    stream.learner = Recorder()
    for purchase in shoppers(700, 40):
        list(stream.ticks(purchase.at_ms))
        stream.buy(purchase)
    return tuple(stream.learner.seen)


def make_examples(count: int) -> tuple[LearningExample, ...]:
    """The first `count` examples."""
    examples = stream_of_examples()[:count]
    assert len(examples) == count
    return examples


def p_return(learner: ChurnLearner, example: LearningExample) -> float:
    """P(comes back within the tick) by the learner's hazard."""
    view = learner.hazard.view()
    return float(view.p_return(view.z(np.array([example.features[n] for n in RHYTHM_FEATURES]))))


@cache
def trained() -> ChurnModel:
    """The view after 9,000 labels."""
    learner = ChurnLearner()
    for example in make_examples(9000):
        learner.learn(example)
    return learner.view("v-9000")


def bought(*days: float) -> Rhythm:
    """A customer who spent 20.0 on each of these days."""
    rhythm = None
    for day in days:
        rhythm = record_purchase(rhythm, round(day * DAY_MS), 20.0)
    assert rhythm is not None
    return rhythm


def test_cold_start_scores_without_any_data() -> None:
    """Nothing learned: BG/NBD with the published population answers, weeks or days alike."""
    score = ChurnModel().score(bought(0), 4 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    daily = ChurnModel().score(bought(0), 4 * WEEK_MS, tick_ms=DAY_MS, horizon_ticks=91)
    assert score.source == "bgnbd"
    assert score.risk == pytest.approx((8.414 / 21.414) ** 0.243)
    assert daily.risk == pytest.approx(score.risk)
    assert score.reasons == ("LONG_SILENCE", "ONE_TIME_BUYER")


def test_trained_model_blends_and_orders_customers() -> None:
    """A regular a week after buying is safer than one overdue, who is safer than one long gone."""
    model, now = trained(), 30 * WEEK_MS
    regular = bought(*range(0, 204, 14))
    risks = [
        model.score(regular, now - weeks * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
        for weeks in (0, -4, -12)
    ]
    assert {score.source for score in risks} == {"blend"}
    assert risks[0].risk < risks[1].risk < risks[2].risk
    assert "SILENCE_VS_HABIT" in risks[2].reasons


def test_longer_horizon_makes_silence_less_likely() -> None:
    """P(no purchase) falls as the horizon grows, fractions of a tick included."""
    rhythm, model = bought(0, 20, 45), trained()
    risks = [
        model.score(rhythm, 9 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=ticks).risk
        for ticks in (1, 1.5, 2, 13, 39)
    ]
    assert risks == sorted(risks, reverse=True)
    assert risks[-1] > 0.0


def test_reasons_are_true_of_the_customer() -> None:
    """No one-timer is told of a habit, nobody just back of a long silence."""
    model = trained()
    one_timer = model.score(bought(0), 8 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    back = model.score(bought(0, 30, 60), 61 * DAY_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    assert not {"SILENCE_VS_HABIT", "SLOWING_DOWN", "SPEND_DROP"} & set(one_timer.reasons)
    assert not {"SILENCE_VS_HABIT", "LONG_SILENCE", "ONE_TIME_BUYER"} & set(back.reasons)


def test_expected_purchase_and_overdue_ratio_follow_the_habit() -> None:
    """Fortnightly buyer, eight gaps: expected after about two weeks, overdue after four."""
    rhythm = bought(*range(0, 113, 14))
    score = ChurnModel().score(rhythm, 20 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    usual_ms = score.expected_next_purchase_at_ms - rhythm.last_ms
    assert 2 * WEEK_MS < usual_ms < 3 * WEEK_MS
    assert score.overdue_ratio == pytest.approx(4 * WEEK_MS / usual_ms)


def test_view_stays_as_it_was_while_the_learner_goes_on() -> None:
    """A snapshot that decides is not changed by later labels."""
    learner = ChurnLearner()
    for example in make_examples(3000)[:2000]:
        learner.learn(example)
    view = learner.view("v-1")
    first = view.score(bought(0, 9), 5 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    for example in make_examples(3000)[2000:]:
        learner.learn(example)
    assert view.score(bought(0, 9), 5 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13) == first


def test_bgnbd_is_refitted_every_four_ticks_of_event_time() -> None:
    """Not before four ticks have passed; afterwards on the customers of the sample."""
    learner, start = ChurnLearner(), make_examples(1)[0].observed_at_ms
    for example in make_examples(9000):
        learner.learn(example)
        if example.observed_at_ms < start + 4 * WEEK_MS:
            assert learner.bgnbd is None
    assert learner.bgnbd is not None
    assert 0.05 < learner.bgnbd.a / (learner.bgnbd.a + learner.bgnbd.b) < 0.4


def test_another_tick_starts_again() -> None:
    """A shop that goes over from weeks to days does not read weekly weights as daily ones."""
    learner = ChurnLearner()
    for example in make_examples(1500):
        learner.learn(example)
    daily = {**make_examples(1)[0].features, "tick_ms": float(DAY_MS)}
    learner.learn(
        LearningExample(example_id="d", model="churn", observed_at_ms=1, label=1.0, features=daily)
    )
    assert (learner.tick_ms, learner.examples) == (DAY_MS, 1)
    score = trained().score(bought(0), WEEK_MS, tick_ms=DAY_MS, horizon_ticks=30)
    assert score.source == "bgnbd"


def test_sample_of_customers_is_bounded_and_the_same_in_any_order() -> None:
    """20,000 customers leave at most 960 entries, chosen by hash alone."""
    base = make_examples(1)[0].features
    keys = np.random.default_rng(1).integers(0, 2**53, 20_000).tolist()
    kept = []
    for order in (keys, keys[::-1]):
        sample = ChurnLearner().customers
        for key in order:
            sample.put({**base, "customer_key": float(key)}, True, 1, WEEK_MS)
        kept.append(sample.dump())
    assert kept[0] == kept[1]
    assert CUSTOMERS_MAX / 2 < len(kept[0].rows) <= CUSTOMERS_MAX


def test_a_silent_tick_is_part_of_a_history_once_customers_are_many() -> None:
    """Of the first hundred it is not; of the next, and of these at their next label, it is."""
    base, sample = make_examples(1)[0].features, ChurnLearner().customers
    for key in (*range(CUSTOMERS_MIN + 1), 0):
        sample.put({**base, "customer_key": float(key)}, False, 1, WEEK_MS)
    age = round(base["T_ticks"], 3)
    ages = [sample.rows[float(key)][2] for key in (0, 1, CUSTOMERS_MIN)]
    assert ages == pytest.approx([age + 1.0, age, age + 1.0])


def test_damaged_snapshot_is_refused() -> None:
    """A parameter of the wrong type is a `StateError`, not a model that scores nonsense."""
    data = ChurnLearner().dump()
    with pytest.raises(StateError, match="churn"):
        ChurnLearner.load({**data, "clock_ms": "yesterday"})
    with pytest.raises(StateError, match="other features"):
        ChurnLearner.load({**data, "hazard": Hazard(("log_silence",)).dump()})


def horizon_examples(count: int, ticks: float = 13.0) -> list[LearningExample]:
    """As many labels of a horizon: who bought often lately comes back."""
    return [
        msgspec.structs.replace(
            example,
            example_id=f"h-{example.example_id}",
            label=float(example.features["log_count_6"] > 0.0),
            features={**example.features, "horizon_ticks": ticks},
        )
        for example in make_examples(count)
    ]


def test_direct_model_joins_when_its_labels_have_come() -> None:
    """The risk is the mean of all, and the hazard counts the more, the more it has seen.

    The life table of silences counts the less.
    """
    learner = ChurnLearner()
    for example in (*make_examples(9000), *horizon_examples(4000)):
        learner.learn(example)
    model, rhythm, now = learner.view("v"), bought(0, 20, 45), 9 * WEEK_MS
    parts = model.parts(rhythm, now, WEEK_MS, 13)
    assert parts.regular is not None
    assert parts.hazard is not None
    assert parts.direct is not None
    risk, source = model.combine(parts)
    assert source == "blend"
    weight = 1.0 + model.own_data.rarer / (model.own_data.rarer + 5_000)
    assert 1.1 < weight < 1.5
    assert parts.table is not None
    share = 0.75 * 1_000 / (1_000 + model.own_data.rarer)
    others = (1.0 - share / 3.0) * parts.regular + share * parts.table + parts.direct
    said = others + weight * parts.hazard
    assert risk == pytest.approx(said / (2.0 + weight + share * 2.0 / 3.0))
    assert model.parts(rhythm, now, WEEK_MS, 12).direct is None
    assert learner.examples == 9000


def test_another_horizon_starts_the_direct_model_again() -> None:
    """Labels of 13 weeks say nothing of 26; what the hazard knows stays."""
    learner = ChurnLearner()
    for example in (*make_examples(500), *horizon_examples(500), *horizon_examples(1, 26.0)):
        learner.learn(example)
    assert (learner.direct.labels, learner.direct_ticks) == (1, 26.0)
    assert learner.examples == 500


def test_hazard_is_not_rolled_out_past_the_silences_it_has_seen() -> None:
    """Labels of at most eight weeks of silence: the rate of the eighth goes on, whatever it was."""
    learner = ChurnLearner()
    for example in make_examples(9000):
        if example.features["sqrt_silence"] ** 2 < 7.0:
            learner.learn(example)
    model, rhythm = learner.view("v"), bought(0, 7, 14)
    assert 6.5 < model.longest_seen_ticks <= 8.0
    last_ms = rhythm.last_ms + round(model.longest_seen_ticks - 1) * WEEK_MS
    risks = [model.parts(rhythm, last_ms, WEEK_MS, ticks).hazard for ticks in (1, 4, 13)]
    one, four, thirteen = (risk for risk in risks if risk is not None)
    assert four == pytest.approx(one**4)
    assert thirteen == pytest.approx(one**13)


def test_a_label_of_the_horizon_is_not_judged_with_those_of_the_tick() -> None:
    """`predict` speaks of the tick alone: one window tells how good one kind of prediction is."""
    learner = ChurnLearner()
    assert learner.predict(make_examples(1)[0]) == 0.5
    assert learner.predict(horizon_examples(1)[0]) is None


def test_dump_of_all_models_is_loaded_bit_for_bit() -> None:
    """Hazard, direct model and silences: the dump of what was loaded is the same bytes."""
    learner = ChurnLearner()
    for example in (*make_examples(3000), *horizon_examples(300)):
        learner.learn(example)
    data = msgspec.json.encode(learner.dump())
    again = ChurnLearner.load(msgspec.json.decode(data))
    for example in (*make_examples(3500)[3000:], *horizon_examples(400)[300:]):
        learner.learn(example)
        again.learn(example)
    assert msgspec.json.encode(again.dump()) == msgspec.json.encode(learner.dump())


def test_a_state_of_before_begins_its_life_table_anew() -> None:
    """A snapshot that knows none loads, and scores as it did until enough have come back."""
    learner = ChurnLearner()
    for example in make_examples(9000):
        learner.learn(example)
    old = {name: value for name, value in learner.dump().items() if name != "silences"}
    view = learner_of("churn", old, written=2).view("v")
    assert isinstance(view, ChurnModel)
    assert view.silences is None
    assert view.parts(bought(0, 20, 45), 9 * WEEK_MS, WEEK_MS, 13).table is None
    assert view.hazard is not None


def test_the_life_table_serves_before_the_hazard_does() -> None:
    """Thirty who came back are enough for it; the hazard has 19 weights to learn."""
    learner = ChurnLearner()
    for example in make_examples(600):
        learner.learn(example)
    model, rhythm, now = learner.view("v"), bought(0, 20, 45), 9 * WEEK_MS
    parts = model.parts(rhythm, now, WEEK_MS, 13)
    assert parts.hazard is None
    assert parts.table is not None
    population = parts.bgnbd if parts.regular is None else parts.regular
    risk, source = model.combine(parts)
    assert source == "blend"
    assert min(population, parts.table) < risk < max(population, parts.table)


def test_the_published_population_leaves_when_own_data_carry() -> None:
    """A shop whose own population cannot be fitted is scored by its hazard, once that carries."""
    rhythm = bought(0, 20, 45)
    model = msgspec.structs.replace(trained(), bgnbd=None, regular=None, silences=None)
    score = model.score(rhythm, 9 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    assert (score.source, score.carried) == ("hazard", True)
    young = msgspec.structs.replace(model, own_data=OwnData(1.0, 9000, 4000))
    early = young.score(rhythm, 9 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13)
    assert (early.source, early.carried) == ("blend", False)


def test_own_population_of_regular_customers_stands_for_the_published_one() -> None:
    """Of a shop of random buyers, its shape is about 1; who bought once is left to BG/NBD.

    The words go by the shop's own gap.
    """
    model, rhythm, now = trained(), bought(0, 14), 8 * WEEK_MS
    assert model.regular is not None
    assert 1.0 <= model.regular.k < 1.5
    parts = model.parts(rhythm, now, WEEK_MS, 13)
    assert parts.hazard is not None
    assert parts.regular is not None
    assert parts.table is not None
    risk, _ = model.combine(parts)
    said = (parts.regular, parts.hazard, parts.table)
    assert min(said) < risk < max(said)
    score = model.score(bought(0), now, tick_ms=WEEK_MS, horizon_ticks=13)
    assert score.overdue_ratio == pytest.approx(8 / model.regular.gap)
    once = model.parts(bought(0), now, WEEK_MS, 13)
    assert once.regular is None
    assert once.hazard is not None
    left = msgspec.structs.replace(
        parts, bgnbd=once.bgnbd, hazard=once.hazard, regular=once.bgnbd, table=None
    )
    assert once.table is None
    assert model.combine(once) == model.combine(left)
    daily = model.parts(rhythm, now, DAY_MS, 91)
    assert daily.regular == ChurnModel().parts(rhythm, now, DAY_MS, 91).regular


def test_a_learner_stays_below_64_kb() -> None:
    """A sample that is full of customers with ten years of daily ticks, and both models learned."""
    learner, base = ChurnLearner(), make_examples(1)[0].features
    for example in (*make_examples(900), *horizon_examples(300)):
        learner.learn(example)
    for key in np.random.default_rng(3).integers(0, 2**53, 3 * CUSTOMERS_MAX).tolist():
        long = {"x": 1234.0, "t_x_ticks": 3456.789123, "T_ticks": 3650.123456}
        features = {**base, **long, "customer_key": float(key)}
        learner.customers.put(features, True, 1_900_000_000_000, WEEK_MS)
    learner.customers.threshold = 0.0
    for key in range(CUSTOMERS_MAX - len(learner.customers.rows)):
        long_row = (1234.0, 3456.789, 3650.123, 1_900_000_000_000)
        learner.customers.rows[2.0**53 - 1.0 - key] = long_row
    assert len(learner.customers.rows) == CUSTOMERS_MAX
    assert len(msgspec.json.encode(learner.dump())) <= 65_536
