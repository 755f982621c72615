"""The save rate: learned from treated against control, pulled to the shop's setting."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.common import RiskBandName, Stance
from streams.contracts.internal.learning import LearningExample
from streams.contracts.times import DAY_MS
from streams.errors import StateError
from streams.models.fading import HALF_LIFE_MS
from streams.models.save_rates import (
    BANDS,
    PRIOR_CASES,
    PRIOR_TIMES,
    Cases,
    SaveRates,
    SaveRatesLearner,
)
from streams.models.trainer import learner_of

MODELS = Path(__file__).parents[2] / "golden" / "models"
PRIOR = 0.1


def outcome(
    number: int,
    bought: bool,
    *,
    treated: bool,
    band: str = "high",
    risk: float = 0.8,
    stance: Stance | None = None,
) -> LearningExample:
    """The outcome of case `number`, known an hour after the one before."""
    return LearningExample(
        example_id=f"x-{number}",
        model="save_rates",
        observed_at_ms=number * DAY_MS // 24,
        label=float(bought),
        features={"treated": float(treated), "risk": risk, f"band_{band}": 1.0}
        | ({} if stance is None else {f"stance_{stance}": 1.0}),
    )


def examples(count: int) -> list[LearningExample]:
    """Cases of risks from .5 to .95, a fifth of them control; contacts save 30 % of the lost."""
    draw = np.random.default_rng(3)
    made = []
    for number in range(count):
        risk, treated = 0.5 + 0.45 * draw.random(), draw.random() < 0.8
        left = draw.random() < risk * (0.7 if treated else 1.0)
        band = "high" if risk >= 0.75 else "medium"
        made.append(outcome(number, not left, treated=treated, band=band, risk=round(risk, 6)))
    return made


def p_bought(learner: SaveRatesLearner, example: LearningExample) -> float:
    """P(label is 1) by the stated risk and what the learner says of contacts."""
    rate = learner.view("v").at("high", PRIOR, example.observed_at_ms)
    return 1.0 - example.features["risk"] * (1.0 - rate * example.features["treated"])


def counted(
    treated: tuple[int, int], control: tuple[int, int], *, band: str = "high", risk: float = 0.8
) -> SaveRates:
    """What is known after so many cases of each arm, of which so many bought; all at one time."""
    learner = SaveRatesLearner()
    for is_treated, (many, bought) in ((True, treated), (False, control)):
        for number in range(many):
            learner.learn(outcome(0, number < bought, treated=is_treated, band=band, risk=risk))
    return learner.view("v")


def test_nothing_learned_is_the_shops_setting() -> None:
    """Before the first outcome, and where one arm has none."""
    assert SaveRates().at("high", 0.23, 0) == 0.23
    assert counted((500, 400), (0, 0)).at("high", 0.23, 0) == 0.23
    assert counted((0, 0), (500, 400)).at("high", 0.23, 0) == 0.23


def test_the_rate_is_the_difference_over_the_stated_risk() -> None:
    """56 % against 40 % at a risk of .8: 20 % of the lost are saved; worth 900 of 1,000 cases."""
    view = counted((9000, 5040), (1000, 400))
    n = 900.0
    shop = (n * 0.2 + PRIOR_CASES * PRIOR) / (n + PRIOR_CASES)
    band = (n * 0.2 + PRIOR_CASES * shop) / (n + PRIOR_CASES)
    assert view.at("high", PRIOR, 0) == pytest.approx(band)
    assert view.at("medium", PRIOR, 0) == pytest.approx(shop)


def test_the_effective_number_is_that_of_the_smaller_arm() -> None:
    """A hundred controls against very many treated weigh as much as the prior."""
    view = counted((20_000, 10_000), (100, 10), risk=0.5)
    assert view.at("medium", 0.2, 0) == pytest.approx((0.8 + 0.2) / 2, abs=1e-3)


def test_contacts_that_drive_people_away_are_worth_nothing() -> None:
    """Below 0 nobody is contacted less than never; above 1 nobody more than everybody."""
    assert counted((2000, 200), (2000, 1800)).at("high", PRIOR, 0) == 0.0
    assert counted((9000, 9000), (9000, 0), risk=0.5).at("high", PRIOR, 0) == 1.0


def test_a_band_leans_on_the_shop() -> None:
    """Few cases of a band say little of it: it stays near the whole shop's rate."""
    learner = SaveRatesLearner()
    for number in range(1000):
        learner.learn(outcome(0, number % 5 < 2, treated=True, band="medium", risk=0.6))
        learner.learn(outcome(0, number % 5 < 1, treated=False, band="medium", risk=0.6))
    learner.learn(outcome(0, False, treated=True))
    learner.learn(outcome(0, True, treated=False))
    view = learner.view("v")
    assert view.at("high", PRIOR, 0) == pytest.approx(view.at("medium", PRIOR, 0), abs=0.05)
    assert view.at("medium", PRIOR, 0) == pytest.approx(0.33, abs=0.03)


def test_what_was_learned_fades_with_time() -> None:
    """After a half-life half the weight; in the end the setting stands again."""
    view = counted((1000, 0), (1000, 0))
    now, later = view.at("low", PRIOR, 0), view.at("low", PRIOR, HALF_LIFE_MS)
    assert now == pytest.approx(PRIOR_CASES * PRIOR / (500 + PRIOR_CASES))
    assert later == pytest.approx(PRIOR_CASES * PRIOR / (250 + PRIOR_CASES))
    assert view.at("low", PRIOR, 40 * HALF_LIFE_MS) == pytest.approx(PRIOR)


def test_the_order_of_outcomes_does_not_matter() -> None:
    """One that is learned late counts as old as it is."""
    stream = examples(300)
    first, second = SaveRatesLearner(), SaveRatesLearner()
    for example, from_the_end in zip(stream, reversed(stream), strict=True):
        first.learn(example)
        second.learn(from_the_end)
    now_ms = stream[-1].observed_at_ms
    bands: tuple[RiskBandName, ...] = ("medium", "high")
    for band in bands:
        forth, back = (x.view("v").at(band, PRIOR, now_ms) for x in (first, second))
        assert forth == pytest.approx(back)


def test_it_finds_what_contacts_do() -> None:
    """Of 20,000 cases with a fifth control: .3 within two standard errors."""
    print("seed 3")
    learner = SaveRatesLearner()
    for example in examples(20_000):
        learner.learn(example)
    at_ms = learner.clock_ms
    assert learner.view("v").at("low", PRIOR, at_ms) == pytest.approx(0.3, abs=0.05)


def test_it_foretells_no_single_outcome() -> None:
    """So no window of predictions judges it."""
    assert SaveRatesLearner().learn(examples(1)[0]) is None  # type: ignore[func-returns-value]


def test_a_damaged_state_is_refused() -> None:
    """A parameter that is missing or unknown is an error, not a default."""
    with pytest.raises(StateError):
        SaveRatesLearner.load({"clock_ms": 0, "treated": {}})
    with pytest.raises(StateError):
        SaveRatesLearner.load({"clock_ms": 0, "treated": {}, "control": {}, "more": 1})


@pytest.mark.parametrize("stance", PRIOR_TIMES)
def test_a_stance_begins_at_its_share_of_the_shops_rate(stance: Stance) -> None:
    """Before its first outcome, whatever the band; without a stance it is the shop's."""
    assert SaveRates().at("high", 0.2, 0, stance) == pytest.approx(0.2 * PRIOR_TIMES[stance])
    assert counted((9000, 5040), (1000, 400)).at("high", PRIOR, 0, "refused") < counted(
        (9000, 5040), (1000, 400)
    ).at("high", PRIOR, 0)


def test_a_stance_learns_what_contacts_are_worth_to_it() -> None:
    """Who is open is saved by contacts, who refused marketing is driven away by them."""
    learner = SaveRatesLearner()
    bought: dict[Stance, tuple[float, float]] = {"open": (0.6, 0.3), "refused": (0.3, 0.6)}
    draw = np.random.default_rng(5)
    for _ in range(1_500):
        for stance, shares in bought.items():
            for treated, share in zip((True, False), shares, strict=True):
                came = bool(draw.random() < share)
                learner.learn(outcome(0, came, treated=treated, risk=0.6, stance=stance))
    view = learner.view("v")
    found: tuple[float, ...] = tuple(view.at("high", PRIOR, 0, s) for s in bought)
    assert found[0] == pytest.approx(0.5, abs=0.1)
    assert found[1] == 0.0


def test_a_snapshot_from_before_the_stances_is_read() -> None:
    """It says what the code that wrote it said; stances begin at their share."""
    stored = msgspec.json.decode((MODELS / "save_rates.v1.json").read_bytes())
    learner = learner_of("save_rates", stored, 1)
    assert isinstance(learner, SaveRatesLearner)
    view, now_ms = learner.view("v"), 600 * DAY_MS // 24
    assert view.at("high", PRIOR, now_ms) == pytest.approx(0.17567920472691378, abs=1e-12)
    shop = view.at("low", PRIOR, now_ms)
    assert shop == pytest.approx(0.1671287865350706, abs=1e-12)
    assert view.at("low", PRIOR, now_ms, "open") == pytest.approx(shop)
    assert view.at("low", PRIOR, now_ms, "refused") == pytest.approx(0.4 * shop)
    assert learner_of("save_rates", learner.dump(), 3).view("v") == view


@pytest.mark.parametrize("written", [2, 3])
def test_a_snapshot_with_stances_is_read(written: int) -> None:
    """It says of each band and stance what the code that wrote it said; 2 knew of no weeks."""
    stored = msgspec.json.decode((MODELS / f"save_rates.v{written}.json").read_bytes())
    learner = learner_of("save_rates", stored, written)
    assert isinstance(learner, SaveRatesLearner)
    dumped = msgspec.json.decode(msgspec.json.encode(learner.dump()))
    assert dumped == {"weeks": [], **stored}
    view, now_ms = learner.view("v"), 600 * DAY_MS // 24
    stances: tuple[Stance | None, ...] = (None, "open", "refused")
    said = [view.at("high", PRIOR, now_ms, stance) for stance in stances]
    known = [0.17567920472691378, 0.20416000717004584, 0.10803810888986085]
    assert said == pytest.approx(known, abs=1e-12)


def test_where_contacts_drive_people_away_a_refusal_makes_nobody_worth_more() -> None:
    """The shop's rate is below 0 there: .4 of it would be above it."""
    treated = {"medium": Cases(900, 270, 540), "high": Cases(300, 150, 240)}
    control = {"medium": Cases(900, 360, 540), "high": Cases(300, 90, 240)}
    rates = SaveRates("v", 0, treated, control)
    assert 0.0 < rates.at("high", 0.1, 0, "refused") <= rates.at("high", 0.1, 0, "open")


GROUPS = st.builds(
    lambda many, bought, risk: Cases(many, many * bought, many * risk),
    st.floats(0.0, 10_000.0),
    st.floats(0.0, 1.0),
    st.floats(0.01, 1.0),
)
BY_BAND = st.dictionaries(st.sampled_from(BANDS), GROUPS)


@given(BY_BAND, BY_BAND, GROUPS, GROUPS, st.floats(0.0, 1.0))
def test_before_its_outcomes_a_refusal_is_never_worth_more_than_none(
    treated: dict[str, Cases],
    control: dict[str, Cases],
    open_treated: Cases,
    open_control: Cases,
    prior: float,
) -> None:
    """Whatever contacts do to the shop, and to those who have refused nothing."""
    for known in ({}, {"open": open_treated}):
        others = {"open": open_control} if known else {}
        rates = SaveRates("v", 0, treated, control, known, others)
        for band in BANDS:
            refused, free = (rates.at(band, prior, 0, s) for s in ("refused", "open"))
            assert refused <= free
