"""What the person on call has: log, probes, and the alerts that the scraped figures lead to."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.support.apache_kafka import ROOT
from tests.support.debian import program

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
INSTANCE = "worker-1:9100"
SCRAPE_S = 5


def fetch(port: int, path: str) -> tuple[int, str]:
    """Status and body; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return 0, ""


def lines(log: str) -> list[dict[str, Any]]:
    """The log's lines; each must be a JSON object."""
    return [json.loads(line) for line in log.splitlines()]


class Scrapes:
    """What a Prometheus would hold of one process: the gauges without labels, and `up`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._seen: list[dict[str, float]] = []

    def scrape_until(self, reached: Callable[[], bool], timeout_s: float) -> None:
        """Scrape every five seconds until `reached`, at least once."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._scrape()
            if reached():
                return
            assert time.monotonic() < deadline, f"not within {timeout_s} s"
            time.sleep(SCRAPE_S)

    def fires(self, alert: str, home: Path, severity: str = "page", repeat_last: int = 0) -> bool:
        """Does promtool find the alert firing at the end of what was scraped?

        `repeat_last`: the last scrape is taken to have been made so often again.
        """
        seen = [*self._seen, *self._seen[-1:] * repeat_last]
        names = sorted(set().union(*seen))
        series = [
            {
                "series": f'{name}{{instance="{INSTANCE}", job="offerstream"}}',
                "values": " ".join(str(one.get(name, "_")) for one in seen),
            }
            for name in names
        ]
        query = f'ALERTS{{alertname="{alert}", alertstate="firing", severity="{severity}"}}'
        asked: dict[str, Any] = {
            "expr": f"count({query})",
            "eval_time": f"{SCRAPE_S * (len(seen) - 1)}s",
        }
        asked["exp_samples"] = [{"labels": "{}", "value": 1}]
        text = {
            "rule_files": [str(RULES)],
            "evaluation_interval": f"{SCRAPE_S}s",
            "tests": [
                {
                    "interval": f"{SCRAPE_S}s",
                    "input_series": series,
                    "promql_expr_test": [asked],
                }
            ],
        }
        file = home / "scraped.yml"
        file.write_text(yaml.safe_dump(text))
        tool = [str(program("promtool", "prometheus")), "test", "rules", str(file)]
        ran = subprocess.run(tool, capture_output=True, text=True, check=False)
        assert ran.returncode == 0 or "expr:" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
        return ran.returncode == 0

    def _scrape(self) -> None:
        status, text = fetch(self._port, "/metrics")
        plain = [line.split() for line in text.splitlines() if "{" not in line and line[0] != "#"]
        self._seen.append({"up": float(status == 200), **{n: float(v) for n, v in plain}})
