"""Randomized campaigns whose truth is known: `python -m benchmarks.campaigns`.

Asked are two things of each. Does the DR-learner, which sees each person once, rank the others like
a T-learner that is fitted to all of them at once? Does what the product learns of people from its
comparisons (`models/person_effect.py`)? And of each offer, how many of those who use it
would have bought anyway? People differ in how often they buy and in how they take to offers, by
features that are seen and by one that is not; offers differ in whom they reach.
"""

from datetime import UTC, datetime

import click
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import Offer
from streams.evaluation.anyway import OfferShare, anyway_shares
from streams.evaluation.trials import Trial
from streams.evaluation.uplift import judge_uplift, qini
from streams.features import CONTEXT_FEATURES
from streams.models.person_effect import NAMES as PERSON_NAMES
from streams.models.person_effect import PLACES
from streams.models.uplift import UpliftLearner

Floats = NDArray[np.float64]
FEATURES = 6
OFFERS = 5
CONTROL_SHARE = 0.3
ANY = Offer(
    offer_id="any",
    kind="percent",
    value=10.0,
    title={"en": "any"},
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=datetime(2030, 1, 1, tzinfo=UTC),
    margin=1.0,
)
console = Console(width=110)


class Campaign(Struct, frozen=True):
    """A campaign: the table, and the truth.

    `effects`: what being offered theirs changes of each person's probability to buy; `shares`: by
    offer, of its uses those by people who would have bought anyway.
    """

    trial: Trial
    effects: Floats
    shares: dict[str, float]


def drawn(people: int, seed: int) -> Campaign:
    """A campaign of so many decisions."""
    draw = np.random.default_rng(seed)
    x = draw.normal(0.0, 1.0, (people, FEATURES))
    hidden = draw.normal(0.0, 0.5, people)
    bought = _sigmoid(-2.9 + 0.7 * x[:, 0] + 0.4 * x[:, 1] * (x[:, 1] > 0) + hidden)
    got = draw.integers(0, OFFERS, people)
    got[draw.random(people) < CONTROL_SHARE] = -1
    uses = draw.uniform(0.3, 0.9, OFFERS)  # of an order that comes anyway
    added = draw.normal(-2.9, 0.5, OFFERS)
    slopes = draw.normal(0.0, 0.5, (OFFERS, FEATURES))
    more = np.zeros((people, OFFERS))
    for offer in range(OFFERS):
        more[:, offer] = _sigmoid(added[offer] + 0.6 * x[:, 2] + x @ slopes[offer] * 0.6)
    comes = draw.random(people) < bought
    mine = more[np.arange(people), got]
    brought = ~comes & (got >= 0) & (draw.random(people) < mine)
    taken = comes & (got >= 0) & (draw.random(people) < uses[got])
    truth = {
        f"offer-{n}": float(
            (bought * uses[n]).mean() / (bought * uses[n] + (1.0 - bought) * more[:, n]).mean()
        )
        for n in range(OFFERS)
    }
    trial = Trial(
        names=tuple(f"x{n}" for n in range(FEATURES)),
        features=(x - x.mean(0)) / x.std(0),
        treated=(got >= 0).astype(float),
        outcomes=(comes | brought).astype(float),
        treatment_probability=np.full(people, 1.0 - CONTROL_SHARE),
        offers=tuple("" if n < 0 else f"offer-{n}" for n in got.tolist()),
        used=(brought | taken).astype(float),
    )
    effects = (1.0 - bought) * more.mean(1)
    return Campaign(trial, effects, truth)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


class Ranked(Struct, frozen=True):
    """Qini of the learners as shares of what ranking by the true effect gains."""

    one_pass: float
    batch: float
    product: float


def ranked(campaign: Campaign, seed: int) -> Ranked:
    """The learners over one campaign; the truth ranks the same half of the people."""
    trial = campaign.trial
    order = np.random.default_rng(seed).permutation(len(trial.treated))
    rest = order[len(order) // 2 :]
    best = 1_000.0 * qini(campaign.effects[rest], trial.treated[rest], trial.outcomes[rest])
    one_pass, batch = (way.qini / best for way in judge_uplift(trial, seed).ways)
    said = by_product(trial, order[: len(order) // 2].tolist(), rest.tolist())
    product = 1_000.0 * qini(said, trial.treated[rest], trial.outcomes[rest]) / best
    return Ranked(one_pass, batch, product)


def by_product(trial: Trial, known: list[int], rest: list[int]) -> Floats:
    """Incremental orders of the other half of the people, by the product's model of what is added.

    Features stand for some of a person's, which have no meaning here.
    """
    learner = UpliftLearner()
    for row in known:
        named = zip(PERSON_NAMES, trial.features[row].tolist(), strict=False)
        features = dict(named) | {
            "offered": float(trial.treatment_probability[row]),
            "uses": float(trial.used[row]),
            "own_uses": float(trial.used[row]),
            "expected": 0.5,
            "margin": float(trial.outcomes[row]),
        }
        learner.learn(
            LearningExample(
                example_id=f"x-{row}",
                model="uplift",
                observed_at_ms=1,
                label=float(trial.outcomes[row]),
                features=features,
                offer_id=trial.offers[row] or None,
            )
        )
    view, said = learner.view("judged"), []
    for row in rest:
        context = np.zeros(len(CONTEXT_FEATURES), np.float32)
        context[PLACES[:FEATURES]] = trial.features[row]
        effects = view.effects([ANY], context)
        said.append(0.0 if effects is None else effects[0][0])
    return np.array(said)


def errors(campaign: Campaign, found: tuple[OfferShare, ...]) -> list[float]:
    """How far each offer's share is from the truth."""
    return [abs(one.share - campaign.shares[one.offer]) for one in found]


@click.command()
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1))
@click.option("--first-seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--decisions", default=20_000, show_default=True, type=click.IntRange(1_000))
def main(seeds: int, first_seed: int, decisions: int) -> None:
    """Qini beside a batch T-learner, and the share who would have bought anyway, by offer."""
    columns = ("one pass", "product", "T-learner")
    qini_columns = [f"Qini, {name}" for name in columns]
    table = Table("seed", *qini_columns, "anyway: mean error", "greatest")
    gaps, own_gaps, all_errors, covered = [], [], list[float](), list[bool]()
    for seed in range(first_seed, first_seed + seeds):
        campaign = drawn(decisions, seed)
        qinis = ranked(campaign, seed)
        found = anyway_shares(campaign.trial)
        wrong = errors(campaign, found)
        gaps.append(qinis.batch - qinis.one_pass)
        own_gaps.append(qinis.batch - qinis.product)
        all_errors += wrong
        covered += [one.low <= campaign.shares[one.offer] <= one.high for one in found]
        cells = [f"{q:.3f}" for q in (qinis.one_pass, qinis.product, qinis.batch)]
        table.add_row(str(seed), *cells, f"{np.mean(wrong):.3f}", f"{max(wrong):.3f}")
    console.print(table)
    console.print(
        f"{decisions:,} decisions a campaign. Qini as a share of that of the truth: the batch is "
        f"ahead by {np.mean(gaps):+.3f} on average, {max(gaps):+.3f} at most; of the product by "
        f"{np.mean(own_gaps):+.3f}, {max(own_gaps):+.3f}. Share who would have "
        f"bought anyway: {np.mean(np.array(all_errors) <= 0.05):.2f} of offers within 5 points, "
        f"mean error {np.mean(all_errors):.3f}; intervals cover {np.mean(covered):.2f}"
    )


if __name__ == "__main__":
    main()
