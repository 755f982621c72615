"""A uniform choice's value from the own log, beside the truth: `python -m benchmarks.own_log`.

Plays the demo's market in the closed loop, where the policy decides for most people, and asks its
log for the value of a uniform choice, as `offerstream evaluate offers` does. The truth is each
person's true probability of using each of the offers that were eligible, alike. People are drawn
with replacement until there are so many decisions, again and again. With the Open Bandit data at
`../shared/data`, the same of its men's campaign: mean weight and clicks under both policies.
"""

from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.contracts.outputs.effects import DecisionLogged, OutcomeLabeled
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import DAY_MS, to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.judged_policies import uniform
from streams.evaluation.off_policy import Judged, Logged, judge
from streams.evaluation.offer_logs import Question, read_own
from streams.evaluation.open_bandit import read_open_bandit
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import START_MS, effects_of
from streams.simulator.market import Market
from streams.simulator.story import story

NEAR = 0.25
BANDIT = Path("../shared/data/obd_men")
console = Console(width=110)


class Near(Struct, frozen=True, kw_only=True):
    """How near the truth estimates of one market are.

    `near` and `covered`: the shares of resamples whose doubly robust estimate is within a quarter
    of the truth, and whose interval holds it. `effective` and `value` are means.
    """

    seed: int
    decisions: int
    truth: float
    value: float
    effective: float
    near: float
    covered: float


def played(seed: int, shoppers: int, days: float) -> tuple[Logged, float]:
    """The log of a market, and the true value of a uniform choice in the decisions it judges."""
    shop = story()
    market, policy = Market(shop, shoppers, days, START_MS, seed), compile_policy(shop)
    driver = Driver(policy, initial_models(), Trainer())
    entries, examples = list[DecisionLog](), list[bytes]()
    for effects in effects_of(market, driver):
        entries += [e.entry for e in effects if isinstance(e, DecisionLogged)]
        examples += [
            msgspec.json.encode(e.example) for e in effects if isinstance(e, OutcomeLabeled)
        ]
    window_ms = round(policy.policies.arbitration.attribution_window_days * DAY_MS)
    last_ms = max(to_ms(e.decided_at) for e in entries) - window_ms
    question = Question(policy, uniform(), "used")
    logged, _ = read_own(map(msgspec.json.encode, entries), examples, question)
    told = [_uniform_worth(e, market) for e in entries if to_ms(e.decided_at) <= last_ms]
    truth = [worth for worth in told if worth is not None]
    return logged, float(np.mean(truth))


def _uniform_worth(entry: DecisionLog, market: Market) -> float | None:
    """P(used) of any eligible offer alike; None where nothing was drawn."""
    if entry.verdict not in ("offer", "no_offer"):
        return None
    at_ms = to_ms(entry.decided_at)
    return float(
        np.mean(
            [
                market.probability(entry.customer_id, c.offer_id, at_ms)
                for c in entry.offers
                if c.terms is not None
            ]
        )
    )


def resampled(logged: Logged, decisions: int, draw: np.random.Generator) -> Logged:
    """So many decisions of people who were drawn with replacement."""
    rows = [np.flatnonzero(logged.people == who) for who in np.unique(logged.people)]
    picked: list[NDArray[np.int64]] = []
    people: list[NDArray[np.int64]] = []
    many = 0
    while many < decisions:
        mine = rows[int(draw.integers(len(rows)))]
        picked.append(mine)
        people.append(np.full(len(mine), len(people)))
        many += len(mine)
    where = np.concatenate(picked)[:decisions]
    told = {
        name: getattr(logged, name)[where]
        for name in ("action_probability", "target", "reward", "taken", "expected", "untaken")
    }
    return replace(logged, **told, people=np.concatenate(people)[:decisions])


def near(seed: int, shoppers: int, days: float, decisions: int, resamples: int) -> Near:
    """One market, judged again and again."""
    logged, truth = played(seed, shoppers, days)
    draw = np.random.default_rng(seed)
    found = [judge(resampled(logged, decisions, draw), n) for n in range(resamples)]
    robust = [one.doubly_robust for one in found]
    return Near(
        seed=seed,
        decisions=len(logged.reward),
        truth=truth,
        value=float(np.mean([e.value for e in robust])),
        effective=float(np.mean([one.effective for one in found])),
        near=float(np.mean([abs(e.value - truth) <= NEAR * truth for e in robust])),
        covered=float(np.mean([e.low <= truth <= e.high for e in robust])),
    )


@click.command()
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--first-seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--shoppers", default=300, show_default=True, type=click.IntRange(20))
@click.option("--days", default=40.0, show_default=True, type=click.FloatRange(1.0))
@click.option("--decisions", default=8_000, show_default=True, type=click.IntRange(100))
@click.option("--resamples", default=200, show_default=True, type=click.IntRange(1))
def main(
    seeds: int, first_seed: int, shoppers: int, days: float, decisions: int, resamples: int
) -> None:
    """How often the estimate is within a quarter of the truth, with its effective sample size."""
    table = Table(
        "seed", "in the log", "truth", "estimate", "worth", "within 25 %", "interval holds"
    )
    for seed in range(first_seed, first_seed + seeds):
        one = near(seed, shoppers, days, decisions, resamples)
        cells = (f"{one.decisions:,}", f"{one.truth:.4f}", f"{one.value:.4f}")
        shares = (f"{one.effective:,.0f}", f"{one.near:.3f}", f"{one.covered:.3f}")
        table.add_row(str(seed), *cells, *shares)
    console.print(table)
    console.print(f"{resamples} resamples of {decisions:,} decisions a market")
    if BANDIT.is_dir():
        open_bandit(console.print)


def open_bandit(say: Callable[[str], None]) -> None:
    """The men's campaign: the uniform choice by the log of Thompson sampling, and by its own."""
    found: dict[str, Judged] = {
        name: judge(read_open_bandit(BANDIT / f"dev_men_{name}.csv.gz"), 1)
        for name in ("bts", "random")
    }
    bts, alike = found["bts"], found["random"]
    off = abs(bts.mean_weight - 1.0) / bts.mean_weight_error
    low, high = bts.snips.low, bts.snips.high
    place = "inside" if low <= alike.logged.value <= high else "outside"
    say(
        f"Open Bandit, men: mean weight {bts.mean_weight:.3f}, {off:.1f} standard errors from 1; "
        f"uniform by that log {bts.snips.value:.5f} [{low:.5f}, {high:.5f}], by its own "
        f"{alike.logged.value:.5f}, which is {place}"
    )


if __name__ == "__main__":
    main()
