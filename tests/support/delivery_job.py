"""`offerstream deliver` as a process: its file of destinations, its topics, its end."""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from streams import topics
from streams.settings import DeliverySettings, child_environment
from tests.support.receiver import SECRET
from tests.support.worker_job import Process, WorkerJob, wait_until

SIGNING_VARIABLE = "CRM_SIGNING"
QUICK = {"first_s": 0.05, "longest_s": 0.2, "for_s": 60}


def destination(url: str, **more: Any) -> dict[str, Any]:
    """A destination of the file, inside this machine."""
    return {
        "url": url,
        "topics": ["churn-alerts"],
        "begin": "all",
        "allow_private": True,
        "signing_secrets": [{"env": SIGNING_VARIABLE}],
        "retry": QUICK,
        **more,
    }


def alert(number: int, customer: str) -> tuple[str, bytes, bytes, list[tuple[str, bytes]]]:
    """A record that looks enough like an alert: topic, key, value, headers."""
    value = {"alert_id": f"a_{number}", "customer_id": customer, "number": number}
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", b"churn_alert.v1"),
        ("ce_id", f"a_{number}".encode()),
        ("ce_source", b"offerstream"),
        ("ce_time", b"2026-03-14T09:26:53Z"),
        ("ce_subject", customer.encode()),
    ]
    return topics.CHURN_ALERTS.name, customer.encode(), json.dumps(value).encode(), headers


def alerts(count: int, customers: int) -> Iterable[tuple[Any, ...]]:
    """So many alerts of so many customers in turn."""
    return (alert(number, f"c-{number % customers}") for number in range(count))


class DeliveryJob:
    """The process; `destinations` by name."""

    def __init__(self, job: WorkerJob, home: Path, destinations: dict[str, Any]) -> None:
        self.job = job
        self.file = home / "destinations.yaml"
        self.file.write_text(yaml.safe_dump({"destinations": destinations}))
        delivery = DeliverySettings(destinations_file=str(self.file), metrics_port=0)
        settings = replace(job.settings, delivery=delivery)
        self.environment = {**child_environment(settings), SIGNING_VARIABLE: SECRET}
        self.log = home / "deliver.log"
        self.process = self.start()

    def start(self) -> Process:
        """One more process of the same destinations."""
        before = self.log.read_text().count('"delivering"') if self.log.exists() else 0
        process = Process([sys.executable, "-m", "streams", "deliver"], self.environment, self.log)
        wait_until(lambda: process.log().count('"delivering"') > before, process, 60)
        return process

    def metric(self, name: str) -> float:
        """The value of a series, as in `offerstream_delivery_stopped{destination="crm"}`."""
        import urllib.request

        port = re.findall(r'"metrics_port": ?(\d+)', self.process.log())[-1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else float("nan")
