"""A uniform choice's value from own logs, beside the truth: `python -m benchmarks.own_log`.

Plays the demo's market in the closed loop, where the policy decides for most people, and asks its
log for the value of a uniform choice, as `offerstream evaluate offers` does. The truth is each
person's true probability of using each of the offers that were eligible, alike. Each seed is a
fresh log: resamples of one log would share its error, and tell only how far that happens to be off.
With the Open Bandit data at `../shared/data`, the same of its men's campaign: mean weight and
clicks under both policies.
"""

from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from streams.contracts.outputs.effects import DecisionLogged, OutcomeLabeled
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import DAY_MS, to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.judged_policies import uniform
from streams.evaluation.off_policy import Estimate, Judged, Logged, judge
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


class Asked(Struct, frozen=True, kw_only=True):
    """What the log of one market says, beside the truth.

    `by_decisions` is the doubly robust estimate with an interval that takes each decision for one
    of its own, as if those about one person were independent.
    """

    seed: int
    truth: float
    judged: Judged
    by_decisions: Estimate


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


def asked(seed: int, shoppers: int, days: float) -> Asked:
    """One market, played and judged."""
    logged, truth = played(seed, shoppers, days)
    each = replace(logged, people=np.arange(len(logged.reward)))
    return Asked(
        seed=seed,
        truth=truth,
        judged=judge(logged, seed),
        by_decisions=judge(each, seed).doubly_robust,
    )


def summed_up(markets: list[Asked]) -> Table:
    """Over all logs: how far off each estimate is, and how often it is near and its interval holds.

    Errors are shares of the truth: their mean, their standard deviation, and half the interval.
    """
    told: dict[str, Callable[[Asked], Estimate]] = {
        "by inverse probability": lambda one: one.judged.ips,
        "self-normalized": lambda one: one.judged.snips,
        "doubly robust": lambda one: one.judged.doubly_robust,
        "doubly robust, over decisions": lambda one: one.by_decisions,
    }
    table = Table("estimate", "off", "sd", "half interval", "within 25 %", "interval holds")
    for name, of in told.items():
        found = [(of(one), one.truth) for one in markets]
        off = np.array([e.value / truth - 1.0 for e, truth in found])
        half = np.mean([(e.high - e.low) / 2.0 / truth for e, truth in found])
        held = np.mean([e.low <= truth <= e.high for e, truth in found])
        spread = f"{off.std(ddof=1):.3f}" if len(off) > 1 else "-"
        near = np.mean(np.abs(off) <= NEAR)
        table.add_row(
            name, f"{off.mean():+.3f}", spread, f"{half:.3f}", f"{near:.3f}", f"{held:.3f}"
        )
    return table


@click.command()
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1))
@click.option("--first-seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--shoppers", default=415, show_default=True, type=click.IntRange(20))
@click.option("--days", default=40.0, show_default=True, type=click.FloatRange(1.0))
def main(seeds: int, first_seed: int, shoppers: int, days: float) -> None:
    """How often an estimate is within a quarter of the truth, and its interval holds it.

    415 shoppers in 40 days make a log of some 8,000 decisions.
    """
    table = Table("seed", "decisions", "people", "worth", "truth", "doubly robust", "interval")
    markets = [asked(seed, shoppers, days) for seed in range(first_seed, first_seed + seeds)]
    for one in markets:
        judged, robust = one.judged, one.judged.doubly_robust
        many = (f"{judged.decisions:,}", f"{judged.people:,}", f"{judged.effective:,.0f}")
        value = (f"{one.truth:.4f}", f"{robust.value:.4f}")
        table.add_row(str(one.seed), *many, *value, f"{robust.low:.4f} to {robust.high:.4f}")
    console.print(table)
    console.print(summed_up(markets))
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
