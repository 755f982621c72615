"""The report is one page that needs nothing else, says what the figures say, and escapes."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.contracts.times import WEEK_MS
from streams.evaluation import judging
from streams.evaluation.churn import evaluate_at, evaluate_prequential
from streams.evaluation.figures import ChurnFigures
from streams.evaluation.figures_table import render_figures
from streams.evaluation.report import render_report
from tests.evaluation.shops import START_MS, leaving_shop
from tests.support.pages_read import whole

ODD_NAME = '<script>alert(1)</script> & "Söhne".csv'


@cache
def figures() -> ChurnFigures:
    """Every tick of a shop that people leave, 8 weeks ahead."""
    purchases = leaving_shop()
    report = evaluate_prequential(purchases, 8 * WEEK_MS)
    return judging.judge(purchases, report, "week")


@cache
def at_a_date() -> ChurnFigures:
    """The same shop after 25 weeks, 25 weeks ahead."""
    purchases = leaving_shop()
    report = evaluate_at(purchases, START_MS + 25 * WEEK_MS, 24 * WEEK_MS)
    return judging.judge(purchases, report, "week")


@pytest.mark.parametrize("told", [figures, at_a_date], ids=["every tick", "at a date"])
def test_the_page_needs_no_network_and_is_well_formed(told: Callable[[], ChurnFigures]) -> None:
    """No script, nothing fetched, tags balanced, ids once, every header of a table has a scope."""
    text = render_report(told(), "shop.csv")
    page = whole(text)
    plots = page.tags.count("svg")
    assert plots == (4 if told is figures else 2)
    assert sum(label.endswith((".", "yet")) for label in page.labels) >= plots


def test_what_comes_from_the_file_is_escaped() -> None:
    """A file's name that is markup is text."""
    text = render_report(figures(), ODD_NAME)
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text


def test_the_page_says_what_the_figures_say() -> None:
    """The precision of the product, of each rule, and the seed of the intervals."""
    text, told = render_report(figures(), "shop.csv"), figures()
    assert told.alerts is not None
    for rule in told.alerts.rules:
        assert f'<th scope="row">{rule.name.replace(">", "&gt;")}</th>' in text
        assert rule.precision is None or f"{rule.precision.mean:.3f}" in text
    assert "1,000 resamples, seed 14" in text
    assert "c-00" not in text  # nobody's id


def test_the_same_figures_give_the_same_page() -> None:
    """Byte for byte, plots as well."""
    assert render_report(figures(), "a.csv") == render_report(figures(), "a.csv")


def test_alerts_beat_chance_where_people_leave_for_good() -> None:
    """Of alerts more are true than of people drawn by lot; none on the day of a purchase."""
    alerts = figures().alerts
    assert alerts is not None
    assert alerts.on_purchase_day == 0
    assert alerts.base_rate is not None
    assert alerts.rules[0].precision is not None
    assert alerts.rules[0].precision.low > alerts.base_rate.high
    assert alerts.rules[0].recall is not None
    assert alerts.rules[0].recall.mean > 0.5
    assert [rule.name for rule in alerts.rules[1:5]] == [
        f"silent > {gaps} own gaps" for gaps in (2, 3, 4, 6)
    ]


def test_the_text_has_the_same_figures() -> None:
    """Rules, bands, tenths, and at one date why there are no alerts."""
    text = render_figures(figures())
    for part in ("who warns", "silent > 4 own gaps", "entered, all", "risk, by tenths", "seed 14"):
        assert part in text
    assert "Pareto/NBD, as many warnings" in text
    assert "No figures of alerts: they are judged at every tick" in render_figures(at_a_date())


def evaluate(folder: Path, *arguments: str, customers: int = 120, weeks: int = 40) -> Result:
    """`offerstream evaluate churn shop.csv`, with a small shop in the folder."""
    purchases = leaving_shop(customers, weeks)
    lines = [f"{p.customer_id},{p.at_ms / 1000:.0f},{p.amount}" for p in purchases]
    file = folder / "shop.csv"
    file.write_text("\n".join(["customer_id,ts,amount", *lines]) + "\n", encoding="utf-8")
    return CliRunner().invoke(main, ["evaluate", "churn", str(file), *arguments])


def test_report_and_json_are_written_by_the_verb(tmp_path: Path) -> None:
    """Both files, whole, with the figures that the text shows; nothing else is left behind."""
    page, data = tmp_path / "r.html", tmp_path / "f.json"
    wanted = ["--horizon-days", "56", "--report", str(page), "--json", str(data)]
    done = evaluate(tmp_path, *wanted)
    assert done.exit_code == 0, done.output
    told = json.loads(data.read_text(encoding="utf-8"))
    assert told["alerts"]["rules"][0]["name"] == "product"
    precision = told["alerts"]["rules"][0]["precision"]["mean"]
    assert f"{precision:.3f}" in done.output
    assert f"{precision:.3f}" in page.read_text(encoding="utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.json", "r.html", "shop.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--report", "no/r.html"], "there is no folder no"),
        (["--json", ""], "is no name of a file"),
        (["--json", "shop.csv"], "is the file that is read"),
        (["--json", "same", "--report", "same"], "need a file each"),
        (["--report", "r.html", "--horizon-days", "700"], "nothing can be judged"),
        (["--report", "r.html", "--at", "2024-07-01"], "No figures"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_written_or_judged_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, the sentence, no traceback, and no file."""
    monkeypatch.chdir(tmp_path)
    done = evaluate(Path(), *arguments)
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert [p.name for p in tmp_path.iterdir()] == ["shop.csv"]


def test_without_matplotlib_the_report_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read."""
    monkeypatch.setattr(judging, "OF_THE_REPORT", ("json", "no_such_package"))
    done = evaluate(tmp_path, "--report", str(tmp_path / "r.html"))
    assert done.exit_code == 2
    assert "--report needs no_such_package: pip install 'offerstream[report]'" in done.output


def test_two_purchases_make_figures_or_a_sentence(tmp_path: Path) -> None:
    """One customer who came back once: judged at a date, with a page."""
    file, page = tmp_path / "two.csv", tmp_path / "r.html"
    file.write_text("customer_id,ts,amount\na,1700000000,5\na,1700900000,0\nb,1702000000,1\n")
    done = CliRunner().invoke(
        main,
        ["evaluate", "churn", str(file), "--at", "2023-11-20", "--horizon-days", "7",
         "--report", str(page)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert whole(page.read_text(encoding="utf-8")).open == []


def test_no_verb_loads_the_plots_before_a_report_is_written() -> None:
    """Command line, worker and judging come up without Matplotlib and Jinja2."""
    code = (
        "import sys, streams.cli, streams.verbs.files, streams.worker, streams.evaluation.judging;"
        "print({'matplotlib', 'jinja2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_day_is_a_tick_too(tmp_path: Path) -> None:
    """Daily ticks: alerts are played, or it is said why not."""
    day = ["--tick", "day", "--horizon-days", "28"]
    done = evaluate(tmp_path, *day, customers=60, weeks=26)
    assert done.exit_code == 0, done.output
    assert "Alerts as the product would have raised them, 28 days ahead" in done.output
