"""Who would have bought anyway: found by comparison, leaning until the comparison carries it."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.times import DAY_MS
from streams.errors import StateError
from streams.features import ARM_FREE_FEATURES, CONTEXT_FEATURES
from streams.models.baseline import numbers_of
from streams.models.comparison_sums import Sums
from streams.models.fading import HALF_LIFE_MS
from streams.models.trainer import learner_of
from streams.models.uplift import CLASSES_MAX, OFFERS_MAX, UpliftLearner, UpliftModel
from tests.unit.decisions.people import offer

MODELS = Path(__file__).parents[2] / "golden" / "models"
PRIOR = 0.3
OFFERED = 0.6
ANYWAY = {"tea": 0.9, "wine": 0.5}
"""Of those who use an offer, the share that would have bought without it."""


def comparison(
    number: int,
    orders: float,
    offer_id: str | None = None,
    *,
    uses: int = 0,
    own: int = 0,
    class_: str = "standard",
    offered: float = OFFERED,
    **context: float,
) -> LearningExample:
    """Comparison `number`, over an hour after the one before."""
    named = {f"c.{name}": value for name, value in context.items()}
    if offer_id is not None:
        named |= {f"class_{class_}": 1.0, "expected": PRIOR}
    return LearningExample(
        example_id=f"x-{number}",
        model="uplift",
        observed_at_ms=number * DAY_MS // 24,
        label=orders,
        features={"offered": offered, "uses": uses, "own_uses": own, **named},
        offer_id=offer_id,
    )


def examples(count: int, *, biased: bool = False) -> list[LearningExample]:
    """People who buy by a rate that their `recency` tells, and use four offers of ten.

    With `biased` those of a high rate are offered something more often.
    """
    draw, made = np.random.default_rng(5), []
    for number in range(count):
        rate = draw.uniform(0.0, 1.0)
        offered = (0.8 if rate > 0.5 else 0.3) if biased else OFFERED
        treated, offer_id = draw.random() < offered, str(draw.choice(sorted(ANYWAY)))
        buys = draw.random() < rate
        share = ANYWAY[offer_id]
        used = int(treated and draw.random() < 0.8 * (share if buys else 1.0 - share))
        made.append(
            comparison(
                number,
                float(buys or used),
                offer_id if treated else None,
                uses=used,
                own=used,
                offered=offered,
                recency=round(2.0 * rate - 1.0, 6),
            )
        )
    return made


def bought_anyway(view: UpliftModel, offer_id: str, class_: str, expected: float) -> float:
    """Of one offer."""
    return view.shares([offer(offer_id, class_=class_)], [expected])[0]


def p_bought(learner: UpliftLearner, example: LearningExample) -> float:
    """P(an order): what the learner expects of the person, and what it says a use adds."""
    share = bought_anyway(learner.view("v"), example.offer_id or "", "standard", PRIOR)
    added = (1.0 - share) * example.features["uses"]
    expected = learner.baseline.expected(numbers_of(example.features))
    return min(max(expected + added, 0.01), 0.99)


def learned(made: list[LearningExample]) -> UpliftLearner:
    """A learner after these."""
    learner = UpliftLearner()
    for example in made:
        learner.learn(example)
    return learner


def test_nothing_learned_is_what_is_expected() -> None:
    """What is expected: before the first comparison, and where one group is too small."""
    assert bought_anyway(UpliftModel(), "tea", "standard", 0.23) == 0.23
    few = learned([comparison(n, 1.0, "tea", uses=1, own=1) for n in range(500)]).view("v")
    assert bought_anyway(few, "tea", "standard", 0.23) == 0.23


@pytest.mark.parametrize("biased", [False, True])
def test_the_share_is_found_whoever_is_offered_more(biased: bool) -> None:
    """The mean of both offers, from people who are offered something with known probabilities."""
    share = learned(examples(20_000, biased=biased)).view("v").shop + PRIOR
    assert share == pytest.approx(0.7, abs=0.05)


def test_offers_differ_once_their_sample_carries_it() -> None:
    """An offer leans on its class, until it has been compared often enough."""
    few, many = learned(examples(200)).view("v"), learned(examples(40_000)).view("v")
    shares = [bought_anyway(v, o, "standard", PRIOR) for v in (few, many) for o in ("tea", "wine")]
    assert abs(shares[0] - shares[1]) < 0.15
    assert shares[2] - shares[3] > 0.15


def test_an_unknown_offer_has_the_share_of_its_class() -> None:
    """And an unknown class that of the shop."""
    view = learned(examples(5_000)).view("v")
    assert bought_anyway(view, "new", "standard", 0.4) == 0.4 + view.classes["standard"]
    assert bought_anyway(view, "new", "other", 0.4) == 0.4 + view.shop


@pytest.mark.parametrize("count", [0, 200, 40_000])
def test_the_shares_of_many_are_those_of_each(count: int) -> None:
    """To the bit: nothing learned, classes alone, offers of their own; known offers or not."""
    view = learned(examples(count)).view("v")
    made = [offer(o, class_=c) for o in ("tea", "wine", "new") for c in ("standard", "other")] * 3
    expected = [n / (len(made) - 1) for n in range(len(made))]
    each = [
        bought_anyway(view, o.offer_id, o.class_, e) for o, e in zip(made, expected, strict=True)
    ]
    assert view.shares(made, expected) == each


def told(made: list[LearningExample], expected: float) -> list[LearningExample]:
    """The same, where decisions expected this share of the uses to be bought anyway."""
    return [
        one
        if one.offer_id is None
        else replace(one, features={**one.features, "expected": expected})
        for one in made
    ]


@pytest.mark.parametrize("expected", [0.3, 0.9])
def test_what_is_learned_is_a_correction_of_what_was_expected(expected: float) -> None:
    """People of whom as much is expected get the share that is found; others keep their distance.

    The more is compared, the less it matters what was expected.
    """
    view = learned(told(examples(12_000), expected)).view("v")
    for offer_id, share in ANYWAY.items():
        like_them = bought_anyway(view, offer_id, "standard", expected)
        assert like_them == pytest.approx(share, abs=0.15)
        lower = bought_anyway(view, offer_id, "standard", expected - 0.1)
        assert like_them - lower == pytest.approx(0.1)


def test_what_older_versions_began_teaches_nothing() -> None:
    """Comparisons with an offer of which nothing was expected; those without an offer count."""
    made = examples(2_000)
    begun = [
        replace(one, features={n: v for n, v in one.features.items() if n != "expected"})
        for one in made
    ]
    learner = learned(begun)
    assert learner.treated == Sums()
    assert learner.control.weight > 0.0
    assert learner.view("v") == UpliftModel("v")
    alone = learned([one for one in made if one.offer_id is None])
    assert learner.dump() == alone.dump()


def test_uses_of_other_offers_are_taken_off() -> None:
    """Two offers, each used by every second: the first is not paid for what the second adds."""
    draw, made = np.random.default_rng(8), []
    for number in range(20_000):
        treated = number % 2 == 0
        own, other = int(draw.random() < 0.5), int(draw.random() < 0.5)
        organic, uses = float(draw.random() < 0.3), (own + other) * treated
        orders = organic + 0.4 * uses
        offer = ("tea" if number % 4 else "wine") if treated else None
        made.append(comparison(number, orders, offer, uses=uses, own=own * treated, offered=0.5))
    view = learned(made).view("v")
    for offer_id in ("tea", "wine"):
        assert bought_anyway(view, offer_id, "standard", PRIOR) == pytest.approx(0.6, abs=0.05)


def test_shares_stay_shares() -> None:
    """Offers that drive orders away, or bring several a use, end at 1 and at 0."""
    for brought, wanted in ((-2.0, 1.0), (4.0, 0.0)):
        made = [
            comparison(n, 1.0 + (n % 2) * brought, "tea" if n % 2 else None, uses=n % 2, own=n % 2)
            for n in range(4_000)
        ]
        assert bought_anyway(learned(made).view("v"), "tea", "standard", PRIOR) == wanted


def test_weights_halve_in_half_a_year() -> None:
    """What is learned later counts more; what is reported late counts as it would have then."""
    old = Sums(0, 4.0, 4.0, 2.0, 2.0, 2.0, 2.0, 2.0)
    assert old.faded(HALF_LIFE_MS) == Sums(HALF_LIFE_MS, 2.0, 1.0, *[1.0] * 5)
    late = replace(comparison(0, 1.0), observed_at_ms=0)
    learner = learned([replace(late, observed_at_ms=HALF_LIFE_MS), late])
    assert learner.control.weight == pytest.approx(1.5 / (1.0 - OFFERED))


def test_state_is_bounded() -> None:
    """More offers and classes than it holds: those learned of last stay, in 96 KiB.

    With ids as long as they may be, and every feature a number of all its digits.
    """
    person = {f"c.{name}": 1 / (7 + n) for n, name in enumerate(ARM_FREE_FEATURES)}
    made = [
        comparison(
            number,
            1 / (number + 3),
            f"{number:05}{'o' * 59}",
            uses=1,
            own=1,
            class_=f"{number:05}{'c' * 59}",
            recency=1 / 7,
        )
        for number in range(OFFERS_MAX + 100)
    ]
    told = [replace(one, features={**one.features, **person}) for one in made]
    learner = learned(with_margins(told))
    assert (len(learner.offers), len(learner.classes)) == (OFFERS_MAX, CLASSES_MAX)
    assert made[-1].offer_id in learner.offers
    assert len(msgspec.json.encode(learner.dump())) <= 98_304


def test_damage_is_said() -> None:
    """Parameters that do not fit each other are refused."""
    data = learned(examples(50)).dump()
    for broken in (
        data | {"class_of": {}},
        data | {"treated": "much"},
        data | {"baseline": {"names": ["1"], "products": [], "labels": [0.0]}},
        {name: value for name, value in data.items() if name != "offers"},
    ):
        with pytest.raises(StateError, match="uplift"):
            UpliftLearner.load(broken)


def test_figures_say_how_sure_it_is() -> None:
    """The sizes of both groups, what they say of all offers, and its standard error."""
    assert set(learned(examples(20)).figures()) == {"compared_with", "compared_without"}
    figures = learned(examples(5_000)).figures()
    assert figures["compared_with"] + figures["compared_without"] == pytest.approx(5_000, rel=0.5)
    assert 0.01 < figures["standard_error"] < 0.1


def with_margins(made: list[LearningExample]) -> list[LearningExample]:
    """The same where an order earns 3 and a use costs .5 of that."""
    return [
        replace(one, features={**one.features, "margin": 3.0 * one.label - 0.5 * uses})
        for one in made
        for uses in (one.features["uses"],)
    ]


class Told(NamedTuple):
    """What sending an offer changes."""

    orders: float
    orders_error: float
    margin: float
    margin_error: float


def effect(
    view: UpliftModel, offer_id: str, class_: str = "standard", recency: float = 0.0
) -> Told:
    """What sending an offer to a person with this `recency` changes."""
    context = np.zeros(len(CONTEXT_FEATURES), np.float32)
    context[CONTEXT_FEATURES.index("recency")] = recency
    told = view.effects([offer(offer_id, class_=class_)], context)
    assert told is not None
    return Told(*(column[0] for column in told))


@pytest.mark.parametrize("biased", [False, True])
def test_what_an_offer_changes_is_found(biased: bool) -> None:
    """Of tea .04 orders and -.08 of margin, of wine .2 and .4; they are known to about that."""
    view = learned(with_margins(examples(30_000, biased=biased))).view("v")
    for offer_id, orders, margin in (("tea", 0.04, -0.08), ("wine", 0.2, 0.4)):
        told = effect(view, offer_id)
        assert told.orders == pytest.approx(orders, abs=0.035)
        assert told.margin == pytest.approx(margin, abs=0.12)
        assert 0.0 < told.orders_error < 0.03
        assert 0.0 < told.margin_error < 0.1


def test_what_an_offer_changes_for_one_person_is_found() -> None:
    """Who hardly buys anything by nature is brought to more orders than who buys anyway."""
    view = learned(with_margins(examples(30_000))).view("v")
    seldom, often = effect(view, "wine", recency=-0.9), effect(view, "wine", recency=0.9)
    assert seldom.orders - often.orders > 0.1
    assert seldom.margin - often.margin > 0.3


def test_an_offer_that_was_not_compared_leans_on_its_class_and_all() -> None:
    """And one of a class that was not compared, on all; each time surer of less."""
    view = learned(with_margins(examples(4_000))).view("v")
    known, new = effect(view, "tea"), effect(view, "new")
    assert new == effect(view, "newer")
    assert effect(view, "new", "other") != new
    assert known.orders_error != new.orders_error


def test_what_was_looked_up_of_one_catalog_is_told_of_no_other() -> None:
    """Asked for a catalog again and again, then for another, it says what a new view says."""
    learner = learned(with_margins(examples(4_000)))
    view, context = learner.view("v"), np.full(len(CONTEXT_FEATURES), 0.5, np.float32)
    catalogs = (offer("tea"), offer("wine")), (offer("wine"), offer("tea"))
    for catalog in (*catalogs, *catalogs, catalogs[1], [*catalogs[0]]):
        fresh = learner.view("v")
        told = view.effects(catalog, context)
        assert told == fresh.effects([*catalog], context)
        assert view.shares(catalog, (0.3, 0.3)) == fresh.shares([*catalog], (0.3, 0.3))
        assert told is not None
        assert told[0][0] != told[0][1]


def test_nothing_is_said_before_both_groups_and_margins_are_known() -> None:
    """No comparison, too few, and a shop that tells no margins."""
    context, made = np.zeros(len(CONTEXT_FEATURES), np.float32), examples(2_000)
    for view in (
        UpliftModel(),
        learned(with_margins(made[:20])).view("v"),
        learned(made).view("v"),
    ):
        assert view.effects([offer("tea"), offer("wine")], context) is None


def test_what_an_order_brings_is_known_once_there_were_some() -> None:
    """Of 3 each less what uses took off; nothing before 30 orders, or where no margin is told."""
    few, many = examples(40), examples(2_000)
    learner = learned(with_margins(many))
    assert learned(with_margins(few)).view("v").order_margin == 0.0
    assert learned(many).view("v").order_margin == UpliftModel().order_margin == 0.0
    assert 2.7 < learner.view("v").order_margin < 3.0
    again = UpliftLearner.load(msgspec.json.decode(msgspec.json.encode(learner.dump())))
    assert again.view("v").order_margin == learner.view("v").order_margin


def test_what_is_said_outlives_a_restart() -> None:
    """Stored as JSON and read back it says the same of a person, to the bit."""
    learner = learned(with_margins(examples(2_000)))
    again = UpliftLearner.load(msgspec.json.decode(msgspec.json.encode(learner.dump())))
    assert effect(again.view("v"), "tea", recency=0.4) == effect(
        learner.view("v"), "tea", recency=0.4
    )


def test_what_format_3_wrote_is_still_read() -> None:
    """It leans as it did, says what it said to the bit, and is written with that."""
    stored = msgspec.json.decode((MODELS / "uplift.v3.json").read_bytes())
    learner = learner_of("uplift", stored, 3)
    assert isinstance(learner, UpliftLearner)
    view = learner.view("v")
    assert (view.shop, view.offers["wine"]) == (0.35398823982703953, 0.2696083394156437)
    assert learner.dump() == stored | {"sd_expected": 0.3}
    assert UpliftLearner().dump()["sd_expected"] == 0.15


def test_what_format_2_wrote_is_still_read() -> None:
    """Its shares are those of then; of what an offer changes nothing is known until it is told."""
    stored = msgspec.json.decode((MODELS / "uplift.v2.json").read_bytes())
    learner = learner_of("uplift", stored, 2)
    assert isinstance(learner, UpliftLearner)
    view = learner.view("v")
    assert view.shop == pytest.approx(0.28945766818096036, abs=1e-12)
    assert view.offers["wine"] == pytest.approx(0.2675455500174738, abs=1e-12)
    assert view.added is None
    for one in with_margins(examples(3_000)):
        learner.learn(replace(one, observed_at_ms=one.observed_at_ms + 400 * DAY_MS))
    told = effect(learner.view("v"), "wine")
    assert told.margin == pytest.approx(0.4, abs=0.25)
