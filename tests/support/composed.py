"""What docker-compose.yml starts, as processes: its commands, its environment, the files it mounts.

A native run must differ in addresses and folders alone, and here is all of it: every port is a free
one of 127.0.0.1 (Kafka's by the image's own KAFKA_* variables, offerstream's by its settings, the
targets in prometheus.yml by their text), `/data`, `/etc/...` and `/prometheus` are folders of the
test, and Prometheus scrapes and judges every second so that a test need not wait.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.apache_kafka import JARS, ROOT, ApacheKafka, fetch_jars, free_port, java
from tests.support.debian import server
from tests.support.worker_job import Process

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
LOOPBACK = "127.0.0.1"
OPERATOR = "operator-of-the-composed-page"
GATEWAY, METRICS_OF_GATEWAY = "gateway:8080", "gateway:9180"
DELIVER = "deliver:9190"
BY_NAME = "dns_sd_configs:\n      - {names: [deliver], type: A, port: 9190}"
QUICK = {"first_s": 0.2, "longest_s": 1.0, "for_s": 600}


class ComposedKafka(ApacheKafka):
    """Kafka configured by the image's own wrapper out of the folder that compose mounts."""

    def __init__(self) -> None:
        super().__init__()
        self.bootstrap, self.foreign, self.session_timeout_s = "", False, 6.0
        self.host_bootstrap = ""

    def _prepare(self) -> None:
        fetch_jars()
        self._home = Path(tempfile.mkdtemp(prefix="composed-kafka-"))
        self.bootstrap, self.host_bootstrap, controller = (f"{LOOPBACK}:{p}" for p in free_ports(3))
        listeners = f"INTERNAL://{self.bootstrap},HOST://{self.host_bootstrap}"
        elsewhere = {
            "KAFKA_LISTENERS": f"{listeners},CONTROLLER://{controller}",
            "KAFKA_ADVERTISED_LISTENERS": listeners,
            "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@{controller}",
            "KAFKA_LOG_DIRS": str(self._home / "logs"),
        }
        defaults = self._home / "defaults"
        defaults.mkdir()
        for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
            (defaults / name).write_text("\n")
        folders = {"default": defaults, "mounted": mounted("kafka"), "final": self._home}
        subprocess.run(
            [
                *(*java(), "kafka.docker.KafkaDockerWrapper", "setup"),
                *(w for n, folder in folders.items() for w in (f"--{n}-configs-dir", str(folder))),
            ],
            env={"PATH": os.environ["PATH"], **SERVICES["kafka"]["environment"], **elsewhere},
            check=True,
            capture_output=True,
            timeout=120,
        )


class Composed:
    """The services of compose on loopback; `with Composed(home) as composed`."""

    def __init__(self, home: Path, **settings: str) -> None:
        """`settings`: further `OFFERSTREAM_*` variables, for a run that must be over soon."""
        self.home = home
        self.kafka = ComposedKafka()
        self._settings = settings
        self.processes: dict[str, Process] = {}
        self.secrets = home / "secrets"
        self.destinations = home / "destinations.yaml"
        shutil.copytree(ROOT / "deploy" / "secrets", self.secrets)  # as whoever has their own
        with (self.secrets / "operator_tokens").open("a") as tokens:
            tokens.write(f"ana={OPERATOR}\n")
        workers = ("worker-1:9100", "worker-2:9100", "learner:9100", "treasury:9100")
        named = (*workers, METRICS_OF_GATEWAY, GATEWAY, DELIVER, "alertmanager:9093")
        here = (f"{LOOPBACK}:{port}" for port in free_ports(len(named) + 1))
        self.addresses = dict(zip((*named, f"{LOOPBACK}:9090"), here, strict=True))

    def __enter__(self) -> "Composed":
        if missing := _missing_for_kafka():
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"SKIPPED LOUDLY: {missing}")
        self.kafka.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.stop()
        self.kafka.stop()

    def run(self, service: str) -> str:
        """A service that ends by itself; what it said.

        Raises:
            CalledProcessError: it ended with another code than 0.
        """
        told = [
            *SERVICES[service].get("entrypoint", ["offerstream"]),
            *SERVICES[service]["command"],
        ]
        ran = subprocess.run(
            told,
            env=self._environment(service),
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return ran.stdout

    def deliver_to(self, url: str, secret: str) -> None:
        """Start `deliver` of the profile, with compose's file of destinations, sent here."""
        (self.secrets / "crm_signing_secret").write_text(secret)
        told = yaml.safe_load(mounted("deliver", "/etc/offerstream/destinations.yaml").read_text())
        crm = told["destinations"]["crm"]
        crm |= {"url": url, "allow_private": True, "begin": "all", "retry": QUICK}
        crm["signing_secrets"] = [{"file": str(self.secrets / "crm_signing_secret")}]
        self.destinations.write_text(yaml.safe_dump(told))
        self.start("deliver")

    def start(self, service: str) -> Process:
        """A service of our image."""
        command = [shutil.which("offerstream", path=_path()) or "", *SERVICES[service]["command"]]
        return self._launch(service, command, self._environment(service))

    def stop(self, service: str) -> int:
        """SIGTERM, as `docker compose stop`; the exit code."""
        return self.processes.pop(service).stop()

    def is_healthy(self, service: str) -> bool:
        """What the health check of compose finds."""
        test = SERVICES[service]["healthcheck"]["test"]
        command = [sys.executable, *(self._here(word, service) for word in test[2:])]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def is_ready(self, service: str) -> bool:
        """The same at a fraction of the cost, to be asked again and again."""
        url = f"http://{self.addresses[self._metrics_of(service)]}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False

    def start_prometheus(self) -> None:
        """Debian's Prometheus on compose's configuration and rules.

        `deliver` is scraped where it was started before.
        """
        text = (mounted("prometheus", "/etc/prometheus/prometheus.yml")).read_text()
        if "deliver" in self.processes:
            here = f'static_configs:\n      - targets: ["{self.addresses[DELIVER]}"]'
            text = _replaced(text, BY_NAME, here)
        for there in self.addresses.keys() - {GATEWAY, DELIVER}:  # nothing is scraped at the first
            text = _replaced(text, f'"{there}"', f'"{self.addresses[there]}"')
        rules = str(mounted("prometheus", "/etc/prometheus/rules.yml"))
        text = _replaced(text, "/etc/prometheus/rules.yml", rules)
        for name in ("scrape_interval", "evaluation_interval"):
            text = _replaced(text, f"{name}: 5s", f"{name}: 2s")
        config = self.home / "prometheus.yml"
        config.write_text(text)
        self._server("prometheus", "prometheus", f"{LOOPBACK}:9090", config, "/prometheus")

    def start_alertmanager(self) -> None:
        """Debian's Alertmanager on compose's configuration."""
        config = mounted("alertmanager", "/etc/alertmanager/alertmanager.yml")
        self._server(
            "alertmanager",
            "prometheus-alertmanager",
            "alertmanager:9093",
            config,
            "/alertmanager",
        )

    def ask(self, server: str, path: str, **query: str) -> Any:
        """What Prometheus (`127.0.0.1:9090`) or Alertmanager answers, decoded."""
        url = f"http://{self.addresses[server]}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def query(self, expression: str, start_s: float, end_s: float) -> list[dict[str, Any]]:
        """The series of a range query, as a dashboard asks for it."""
        answer = self.ask(
            f"{LOOPBACK}:9090",
            "/api/v1/query_range",
            **{"query": expression, "start": str(start_s), "end": str(end_s), "step": "1"},
        )
        assert answer["status"] == "success", answer
        series: list[dict[str, Any]] = answer["data"]["result"]
        return series

    def _server(self, name: str, package: str, there: str, config: Path, storage: str) -> None:
        folder = self.home / name
        folder.mkdir()
        given = SERVICES[name]["command"]
        flags = [
            _replaced(flag, flag.split("=")[1], str(config))
            if flag.startswith("--config.file=")
            else flag.replace(f"path={storage}", f"path={folder}")
            for flag in given
        ]
        listen = f"--web.listen-address={self.addresses[there]}"
        self._launch(name, [*server(_BINARIES[name], package), *flags, listen], dict(os.environ))

    def _launch(self, name: str, command: list[str], environment: dict[str, str]) -> Process:
        process = Process(command, environment, self.home / f"{name}.log")
        self.processes[name] = process
        return process

    def _environment(self, service: str) -> dict[str, str]:
        """Compose's, with its addresses and folders replaced by ours."""
        others = {k: v for k, v in os.environ.items() if not k.startswith("OFFERSTREAM_")}
        given = SERVICES[service]["environment"]
        plain = {k: re.sub(r"\$\{\w+:-(\w*)\}", r"\1", v) for k, v in given.items()}
        plain = {k: v.replace("/run/secrets", str(self.secrets)) for k, v in plain.items()}
        port = self.addresses.get(f"{service}:9100", f"{LOOPBACK}:0").rpartition(":")[2]
        ours = {
            "PATH": _path(),
            "OFFERSTREAM_BOOTSTRAP": self.kafka.bootstrap,
            "OFFERSTREAM_DATA_DIR": str(self.home / service),
            "OFFERSTREAM_HTTP_HOST": LOOPBACK,
            "OFFERSTREAM_HTTP_PORT": port,
        }
        if service == "gateway":
            listens, shows = (self.addresses[at] for at in (GATEWAY, METRICS_OF_GATEWAY))
            ours["OFFERSTREAM_GATEWAY_HOST"] = LOOPBACK
            ours["OFFERSTREAM_GATEWAY_PORT"] = listens.rpartition(":")[2]
            ours["OFFERSTREAM_GATEWAY_METRICS_PORT"] = shows.rpartition(":")[2]
            told_of = given["OFFERSTREAM_GATEWAY_PAGE_WORKERS"].split(",")
            ours["OFFERSTREAM_GATEWAY_PAGE_WORKERS"] = ",".join(self.addresses[w] for w in told_of)
        if service == "deliver":
            ours["OFFERSTREAM_DELIVERY_METRICS_PORT"] = self.addresses[DELIVER].rpartition(":")[2]
            ours["OFFERSTREAM_DELIVERY_DESTINATIONS_FILE"] = str(self.destinations)
        return {**others, **plain, **ours, **self._settings}

    def _here(self, word: str, service: str) -> str:
        there = self._metrics_of(service)
        return word.replace(f"{LOOPBACK}:{there.partition(':')[2]}", self.addresses[there])

    def _metrics_of(self, service: str) -> str:
        elsewhere = {"gateway": METRICS_OF_GATEWAY, "deliver": DELIVER}
        return elsewhere.get(service, f"{service}:9100")


_BINARIES = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}


def mounted(service: str, at: str = "/mnt/shared/config") -> Path:
    """What compose mounts at a place in a service's container."""
    for mount in SERVICES[service]["volumes"]:
        source, target, *_ = str(mount).split(":")
        if target == at:
            return ROOT / source
    raise AssertionError(f"{service} mounts nothing at {at}")


def free_ports(count: int) -> list[int]:
    """So many different free ports."""
    return [free_port() for _ in range(count)]


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"{old} is not there to be replaced"
    return text.replace(old, new)


def _missing_for_kafka() -> str:
    if not shutil.which("java") or not (JARS.exists() or shutil.which("mvn")):
        return "java and mvn not found: Apache Kafka cannot be started as compose configures it"
    return ""
