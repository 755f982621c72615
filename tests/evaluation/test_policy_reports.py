"""Reports of backtests, policies and uplift: one whole page each that says what the figures say."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from streams.admin.reference import example_shop
from streams.cli import main
from streams.evaluation import judging
from tests.support.pages_read import whole

DAY = Path(__file__).parents[1] / "golden" / "a-day-in-the-shop.jsonl"
SEED = 6


def run(*arguments: str | Path) -> Result:
    """The command."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def impressions(path: Path, rows: int) -> Path:
    """A table of the Open Bandit Dataset: two items, drawn alike, half of them clicked."""
    with path.open("w", encoding="utf-8", newline="") as file:
        told = csv.writer(file)
        told.writerow(["item_id", "click", "propensity_score"])
        told.writerows([n % 2, int(n % 4 < 2), 0.5] for n in range(rows))
    return path


def campaign(path: Path) -> Path:
    """A randomized table in which the young gain."""
    draw = np.random.default_rng(SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        told = csv.writer(file)
        told.writerow(["treatment", "outcome", "age"])
        for number in range(2_000):
            age, treated = float(draw.normal()), number % 2
            told.writerow([treated, int(draw.random() < 0.2 + 0.15 * treated * (age < 0)), age])
    return path


def test_a_backtest_is_a_page(tmp_path: Path) -> None:
    """Four plots, every side by its name, and each figure of the JSON document; twice the same."""
    page, shop = tmp_path / "b.html", example_shop()
    verb = ("backtest", DAY, "--reference", shop, "--reference", shop / ".." / shop.name, "--json")
    done = run(*verb, "--report", page)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    found = json.loads(done.output)
    assert whole(text).tags.count("svg") == 4
    for side in found["sides"]:
        assert side["name"] in text
        assert f"{side['whole']['value']:,.2f}" in text
        assert all(f'<th scope="row">{offer}</th>' in text for offer in side["by_offer"])
    assert run(*verb, "--report", page).exit_code == 0
    assert page.read_text(encoding="utf-8") == text


def test_a_judged_policy_is_a_page(tmp_path: Path) -> None:
    """The estimates with their intervals and the effective sample size; names are escaped."""
    page, log = tmp_path / "o.html", impressions(tmp_path / "<b>log.csv", 1_000)
    done = run("evaluate", "offers", log, "--report", page)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert whole(text).tags.count("svg") == 1
    assert "<b>0.5000</b>a decision under uniform" in text
    assert "&lt;b&gt;log.csv" in text
    assert "1,000" in text


def test_what_cannot_be_concluded_is_said_on_the_page(tmp_path: Path) -> None:
    """Too few decisions: the reason, no plot, no estimate of the policy, and exit code 1."""
    page, log = tmp_path / "o.html", impressions(tmp_path / "log.csv", 40)
    done = run("evaluate", "offers", log, "--report", page)
    assert done.exit_code == 1, done.output
    text = page.read_text(encoding="utf-8")
    assert "Nothing can be concluded of uniform" in text
    assert "svg" not in whole(text).tags


def test_uplift_is_a_page(tmp_path: Path) -> None:
    """Both ways with their Qini coefficients, and their curves."""
    page, table = tmp_path / "u.html", campaign(tmp_path / "campaign.csv")
    done = run("evaluate", "uplift", table, "--report", page, "--json")
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert whole(text).tags.count("svg") == 1
    for way in json.loads(done.output)["ways"]:
        assert f'<th scope="row">{way["name"]}</th><td>{way["qini"]:.3f}' in text
        assert way["curve"][0] == 0.0


@pytest.mark.parametrize("verb", ["backtest", "offers", "uplift"])
def test_what_a_report_needs_is_said_before_anything_is_read(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such folder, a package that is not there: a sentence and exit code 2."""
    table = campaign(tmp_path / "t.csv")
    first = (
        ("backtest", DAY, "--reference", example_shop())
        if verb == "backtest"
        else ("evaluate", verb, table)
    )
    bad = run(*first, "--report", tmp_path / "no" / "r.html")
    assert (bad.exit_code, "there is no folder" in bad.output) == (2, True)
    monkeypatch.setattr(judging, "OF_THE_REPORT", ("no_such_package",))
    without = run(*first, "--report", tmp_path / "r.html")
    assert (without.exit_code, "pip install 'offerstream[report]'" in without.output) == (2, True)
