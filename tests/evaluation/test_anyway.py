"""Who would have bought anyway: right on campaigns whose truth is known, and said by the verb."""

import csv
import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from benchmarks.campaigns import drawn, errors, ranked
from streams.cli import main
from streams.evaluation.anyway import anyway_shares

SEED, CAMPAIGNS, DECISIONS = 41, 6, 20_000


def test_the_share_of_each_offer_is_near_the_truth() -> None:
    """After 20,000 decisions: off by less than five points on average; intervals cover."""
    wrong, covered = list[float](), list[bool]()
    for seed in range(SEED, SEED + CAMPAIGNS):
        campaign = drawn(DECISIONS, seed)
        found = anyway_shares(campaign.trial)
        assert len(found) == 5
        wrong += errors(campaign, found)
        covered += [one.low <= campaign.shares[one.offer] <= one.high for one in found]
    assert float(np.mean(wrong)) < 0.05
    assert float(np.mean(covered)) > 0.8


def test_one_pass_ranks_like_a_batch_in_campaigns() -> None:
    """Qini, as a share of ranking by the truth: within .1 of the T-learner, over three seeds."""
    told = [ranked(drawn(DECISIONS, seed), seed) for seed in range(SEED, SEED + 3)]
    one_pass, batch = (float(np.mean([getattr(t, n) for t in told])) for n in ("one_pass", "batch"))
    assert one_pass > batch - 0.1
    assert one_pass > 0.5


def test_a_table_with_offers_says_who_buys_anyway(tmp_path: Path) -> None:
    """Half of the uses of one offer are by people who buy anyway, of another all of them."""
    path, draw = tmp_path / "c.csv", np.random.default_rng(SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        told = csv.writer(file)
        told.writerow(["treatment", "outcome", "age", "offer", "used"])
        for number in range(30_000):
            offer = ("", "half", "all")[number % 3]
            comes = draw.random() < 0.2
            added = offer == "half" and not comes and draw.random() < 0.25
            used = bool(offer) and (comes or added)
            row = (int(bool(offer)), int(comes or added), draw.normal(), offer, int(used))
            told.writerow(row)
    done = CliRunner().invoke(main, ["evaluate", "uplift", str(path), "--json"])
    assert done.exit_code == 0, done.output
    all_, half = json.loads(done.output)["offers"]
    assert (all_["offer"], half["offer"]) == ("all", "half")
    assert abs(half["share"] - 0.5) < 0.05
    assert all_["share"] > 0.93
    lines = CliRunner().invoke(main, ["evaluate", "uplift", str(path)]).output
    assert "by people who would have bought anyway" in lines
