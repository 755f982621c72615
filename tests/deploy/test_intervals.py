"""The intervals of the outcomes dashboard, asked of Prometheus' own tool with known counts."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from scipy import stats

from deploy.grafana.draw import FOLDER
from deploy.grafana.outcomes import RIGHT
from deploy.grafana.queries import total, within, yearly
from streams.models.top_cases import TOPS
from streams.telemetry import catalogue as c
from streams.telemetry.catalogue.churn import WATCHED
from streams.telemetry.catalogue.learning import TOP_PRECISION
from tests.support.debian import program

LEFT, BOUGHT, ENTERED, YEARS = 36, 24, 50, 200
FOLLOWED = c.CASES_FOLLOWED.name
COUNTED = {
    f'{FOLLOWED}{{band="medium",arm="treated",result="left"}}': LEFT,
    f'{FOLLOWED}{{band="medium",arm="treated",result="bought"}}': BOUGHT,
    f'{FOLLOWED}{{band="medium",arm="treated",result="not_followed"}}': 7,
    f'{c.ALERTS.name}{{transition="entered",band="high",arm="control"}}': ENTERED,
    f'{c.ALERTS.name}{{transition="resolved",band="high",arm="control"}}': 9,
    WATCHED.name: YEARS * 31_557_600,
}


def asked(expressions: dict[str, float], home: Path, counted: dict[str, int]) -> str:
    """What is wrong with these answers after 100 minutes, in which so much was counted."""
    home.joinpath("test.yml").write_text(
        yaml.safe_dump(
            {
                "evaluation_interval": "1m",
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [
                            {"series": series, "values": f"0+{many / 100}x100"}
                            for series, many in counted.items()
                        ],
                        "promql_expr_test": [
                            {
                                "expr": f"round({expression.replace('$__range', '100m')}, 0.001)",
                                "eval_time": "100m",
                                "exp_samples": [{"labels": "{}", "value": round(float(value), 3)}],
                            }
                            for expression, value in expressions.items()
                        ],
                    }
                ],
            }
        )
    )
    ran = subprocess.run(
        [program("promtool", "prometheus"), "test", "rules", "test.yml"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_a_share_stands_between_what_it_is_at_least_and_at_most(tmp_path: Path) -> None:
    """As scipy has Wilson's interval."""
    (low, _), (high, _) = within(*RIGHT)
    known = stats.binomtest(LEFT, LEFT + BOUGHT).proportion_ci(method="wilson")
    assert asked({low: known.low, high: known.high}, tmp_path, COUNTED) == ""


def test_alerts_a_year_stand_between_what_they_are_at_least_and_at_most(tmp_path: Path) -> None:
    """Near the exact interval of a count; the value itself is exact."""
    value, low, high = (
        expression
        for expression, _ in yearly(total(c.ALERTS, "", 'transition="entered"'), total(WATCHED))
    )
    ends = [(ENTERED**0.5 + sign * 0.979982) ** 2 / YEARS for sign in (-1, 1)]
    assert asked({value: ENTERED / YEARS, low: ends[0], high: ends[1]}, tmp_path, COUNTED) == ""
    exact = stats.chi2.ppf(0.025, 2 * ENTERED) / 2, stats.chi2.ppf(0.975, 2 * ENTERED + 2) / 2
    assert ends == pytest.approx([end / YEARS for end in exact], abs=0.01)


def test_of_nothing_nothing_is_said(tmp_path: Path) -> None:
    """A new shop's panels are not empty, and claim nothing."""
    (low, _), (high, _) = within(*RIGHT)
    nothing = dict.fromkeys(COUNTED, 0)
    assert asked({low: 0.0, high: 0.0}, tmp_path, nothing) == ""


@pytest.mark.parametrize("there", [True, False])
def test_the_first_k_have_a_line_at_0_only_while_nothing_is_known(
    there: bool, tmp_path: Path
) -> None:
    """A line for each k and each end of the interval, and none beside them."""
    board = json.loads((FOLDER / "outcomes.json").read_text(encoding="utf-8"))
    (panel,) = (p for p in board["panels"] if p["title"] == "Were the first k of each week right?")
    by_k, ends = (target["expr"] for target in panel["targets"])
    series = {
        f'{TOP_PRECISION.name}{{k="{k}",estimate="{estimate}"}}': 60
        for k in TOPS
        for estimate in ("value", "low", "high")
    }
    lines = {by_k: len(TOPS), ends: 2} if there else {by_k: 1, ends: 1}
    expressions: dict[str, float] = {f"count({each})": many for each, many in lines.items()}
    expressions |= {} if there else {f"sum({each})": 0 for each in lines}
    assert asked(expressions, tmp_path, series if there else COUNTED) == ""
