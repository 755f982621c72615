"""What is deployed holds together: compose, rules and dashboards against catalogue and settings."""

import json
import re
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyOptions

from deploy.grafana.build_dashboards import built
from streams.delivery.destinations import DestinationsError, load_targets
from streams.gateway.keys import parse_keys
from streams.settings import PREFIX, SECRETS, TYPES, Settings
from streams.telemetry import CATALOGUE
from streams.worker.processes import PATIENCE_S
from tests.support.debian import program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
WEEKS_LOOKED_AT = 13  # as precision of the first k, and a horizon of shops
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
RULE_TESTS = ("rules_test.yml", "objectives_test.yml")
TESTED = [
    case
    for name in RULE_TESTS
    for test in yaml.safe_load((DEPLOY / "prometheus" / name).read_text(encoding="utf-8"))["tests"]
    for case in test["alert_rule_test"]
]
ALERT_RULES = [r for group in RULES["groups"] for r in group["rules"] if "alert" in r]
ALERTS = [rule["alert"] for rule in ALERT_RULES]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
METRIC = re.compile(r"\bofferstream_[a-z0-9_]+")


def dashboards() -> dict[str, str]:
    """What the dashboard builder writes now."""
    return built()


def known_series() -> set[str]:
    """Every series name that a scrape can hold."""
    names = set()
    for metric in CATALOGUE:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        names |= {metric.name + suffix for suffix in suffixes}
    return names


def test_compose_is_valid_by_the_compose_specification() -> None:
    """A parser of the specification takes the file."""
    compose = PyOptions().from_yaml(yaml.safe_dump(COMPOSE))  # merges are expanded
    compose.validate()
    started = {
        "kafka",
        "setup",
        "worker-1",
        "worker-2",
        "learner",
        "treasury",
        "gateway",
        "deliver",
    }
    assert started | {"simulator"} <= set(compose.service_names())


def test_every_file_that_compose_mounts_is_here() -> None:
    """A container never starts on an empty folder in place of its configuration."""
    mounts = [m for s in COMPOSE["services"].values() for m in s.get("volumes", ())]
    files = [m.split(":")[0] for m in mounts if m.startswith("./")]
    files += [str(secret_file(name)) for name in COMPOSE["secrets"]]
    assert len(files) >= 6
    assert [f for f in files if not (ROOT / f).exists()] == []


def secret_file(name: str) -> Path:
    """The file of a secret that compose mounts where nothing else is said."""
    where = str(COMPOSE["secrets"][name]["file"])
    return ROOT / where.replace("${OFFERSTREAM_SECRETS:-./deploy/secrets}", "deploy/secrets")


def test_compose_gives_secrets_as_files_to_those_who_name_them() -> None:
    """Each is mounted where a setting or the file of destinations looks for it, or not at all."""
    destinations = (DEPLOY / "delivery" / "destinations.yaml").read_text(encoding="utf-8")
    for name, service in COMPOSE["services"].items():
        said = json.dumps(service.get("environment", {})) + destinations * (name == "deliver")
        assert set(re.findall(r"/run/secrets/(\w+)", said)) == set(service.get("secrets", ())), name
        plain = {v.removeprefix(PREFIX).lower() for v in service.get("environment", {})}
        assert not [v for v in plain if v.endswith(tuple(SECRETS))], name
    assert all(secret_file(name).is_file() for name in COMPOSE["secrets"])


def test_secrets_that_everybody_knows_open_no_more_than_a_page_s_key(tmp_path: Path) -> None:
    """As committed: one write key of a browser; no page, no persons, and no webhook is signed."""
    read = {n: secret_file(n).read_text(encoding="utf-8") for n in COMPOSE["secrets"]}
    sender = parse_keys(read["write_keys"]).sender_of("write_key_for_this_machine")
    assert sender is not None
    assert not sender.may_send("privacy.requests")
    for name in ("token_keys", "operator_tokens"):
        assert all(line.startswith("#") for line in read[name].splitlines()), name
    destinations = (DEPLOY / "delivery" / "destinations.yaml").read_text(encoding="utf-8")
    file, secrets = tmp_path / "destinations.yaml", tmp_path / "crm_signing_secret"
    file.write_text(destinations.replace("/run/secrets", str(tmp_path)))
    secrets.write_text(read["crm_signing_secret"])
    with pytest.raises(DestinationsError, match="signing_secrets"):
        load_targets(file)
    secrets.write_text("whsec_" + b64encode(b"a" * 32).decode())
    assert [target.name for target in load_targets(file)] == ["crm"]


def test_nobody_is_told_to_write_a_secret_into_the_repository() -> None:
    """Each file there says that a copy is written, and the destinations name the copy's file."""
    for name in COMPOSE["secrets"]:
        assert "copy of this folder, never here" in secret_file(name).read_text(encoding="utf-8")
    destinations = (DEPLOY / "delivery" / "destinations.yaml").read_text(encoding="utf-8")
    assert "deploy/secrets/" not in destinations
    assert "OFFERSTREAM_SECRETS=" in destinations


def test_compose_publishes_on_loopback_only_and_drops_every_right() -> None:
    """Nothing listens beyond this machine, nothing has a capability."""
    for name, service in COMPOSE["services"].items():
        assert all(p.startswith("127.0.0.1:") for p in service.get("ports", ())), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_compose_sets_only_settings_that_exist() -> None:
    """A misspelled variable would be refused at start; it is refused here first."""
    known = {PREFIX + name.replace(".", "_").upper() for name in TYPES}
    given = {
        variable
        for service in COMPOSE["services"].values()
        for variable in service.get("environment", {})
        if variable.startswith(PREFIX)
    }
    assert given
    assert given <= known


def test_every_metric_in_the_rules_is_in_the_catalogue() -> None:
    """An alert on a metric that nobody exposes never fires."""
    used = {name for g in RULES["groups"] for r in g["rules"] for name in METRIC.findall(r["expr"])}
    assert used
    assert used <= known_series()


def test_every_metric_on_the_dashboards_is_in_the_catalogue() -> None:
    """A panel on a metric that nobody exposes stays empty."""
    used = {name for text in dashboards().values() for name in METRIC.findall(text)}
    assert len(used) > 30
    assert used <= known_series()


def test_the_committed_dashboards_are_what_the_code_builds() -> None:
    """`python deploy/grafana/build_dashboards.py` was run after the last change."""
    for name, text in dashboards().items():
        committed = (DEPLOY / "grafana" / "dashboards" / name).read_text(encoding="utf-8")
        assert committed == text, name


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_firing_and_a_silent_case(alert: str) -> None:
    """A rule that cannot fire, or never stops, is worse than none."""
    expected = [bool(c["exp_alerts"]) for c in TESTED if c["alertname"] == alert]
    assert True in expected
    assert False in expected


@pytest.mark.parametrize("rule", ALERT_RULES, ids=ALERTS)
def test_every_alert_links_to_its_section_of_the_runbook(rule: dict[str, Any]) -> None:
    """Whoever is paged finds what it means, where to look and what to do, in this order."""
    name = rule["alert"]
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
    section = RUNBOOK.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    said = [section.index(f"**{word}.** ") for word in ("Means", "Look", "Do")]
    assert said == sorted(said)


def test_the_runbook_has_no_section_without_an_alert() -> None:
    """A rule that is taken away takes its section along."""
    assert sorted(re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)) == sorted(ALERTS)


@pytest.mark.parametrize("name", ["runbook.md", "operate.md"])
def test_links_of_the_pages_on_call_lead_somewhere(name: str) -> None:
    """Page and section of every link are there."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([a-z-]*\.md)?(?:#([a-z0-9-]+))?\)", text)
    assert links
    for page, anchor in links:
        there = (ROOT / "docs" / (page or name)).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", there, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
        assert not anchor or anchor in anchors, (page, anchor)


@pytest.mark.parametrize("name", RULE_TESTS)
def test_promtool_finds_the_rules_right(name: str) -> None:
    """Prometheus's own tool runs every case."""
    ran = subprocess.run(
        [program("promtool", "prometheus"), "test", "rules", name],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_alertmanager_takes_its_configuration() -> None:
    """Alertmanager's own tool reads the file that compose mounts."""
    ran = subprocess.run(
        [
            program("amtool", "prometheus-alertmanager"),
            "check-config",
            DEPLOY / "alertmanager" / "alertmanager.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("board", ["pipeline.json", "outcomes.json", "webhooks.json"])
def test_panels_do_not_overlap_and_explain_themselves(board: str) -> None:
    """Each has its place in the 24 columns, a title, a unit and a sentence on what it shows."""
    panels = json.loads(dashboards()[board])["panels"]
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert 0 <= x < 24
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_grafana_knows_how_often_prometheus_scrapes() -> None:
    """The data source says it; else rates are over a minute, and dashboards lag behind."""
    folder = DEPLOY / "grafana" / "provisioning" / "datasources"
    source = yaml.safe_load((folder / "prometheus.yml").read_text())["datasources"][0]
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["global"]
    assert source["jsonData"]["timeInterval"] == scrape["scrape_interval"]
    assert source["uid"] == "prometheus"


def test_prometheus_keeps_what_the_outcomes_dashboard_is_asked_for() -> None:
    """Weeks of cases whose horizon is over; within a bound of the disk."""
    kept = dict(
        word.removeprefix("--storage.tsdb.retention.").split("=")
        for word in COMPOSE["services"]["prometheus"]["command"]
        if word.startswith("--storage.tsdb.retention.")
    )
    assert int(kept["time"].removesuffix("d")) >= WEEKS_LOOKED_AT * 7
    assert kept["size"].endswith("GB")


def test_prometheus_looks_at_every_process_that_compose_starts() -> None:
    """The targets are the services of our image that answer a health check, on their port."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in config["scrape_configs"]
        if "static_configs" in job  # `deliver` is found by its name, where it runs
    }
    ours = [n for n, s in COMPOSE["services"].items() if "offerstream" in s["image"]]
    port = COMPOSE["x-offerstream"]["environment"]["OFFERSTREAM_HTTP_PORT"]
    served = [name for name in ours if "healthcheck" in COMPOSE["services"][name]]
    workers = [name for name in served if name not in ("gateway", "deliver")]
    working = jobs["offerstream"] + jobs["learner"] + jobs["treasury"]
    assert working == [f"{name}:{port}" for name in workers]
    assert jobs["learner"] == [f"learner:{port}"], "no worker: it is counted with none of them"
    assert jobs["treasury"] == [f"treasury:{port}"], "likewise"
    assert jobs["gateway"] == [f"gateway:{Settings().gateway.metrics_port}"]
    page = COMPOSE["services"]["gateway"]["environment"]["OFFERSTREAM_GATEWAY_PAGE_WORKERS"]
    assert page.split(",") == working
    (by_name,) = [j["dns_sd_configs"] for j in config["scrape_configs"] if "dns_sd_configs" in j]
    port = Settings().delivery.metrics_port
    assert by_name == [{"names": ["deliver"], "type": "A", "port": port}]
    for name, served_at in (("gateway", Settings().gateway.metrics_port), ("deliver", port)):
        assert f"127.0.0.1:{served_at}/" in str(COMPOSE["services"][name]["healthcheck"]["test"])


def test_what_is_mounted_as_a_volume_belongs_to_the_image_s_user() -> None:
    """A named volume takes its owner from the image's folder, so the Dockerfile makes it."""
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    user = COMPOSE["x-offerstream"]["user"]
    assert f"mkdir /data && chown {user} /data" in dockerfile
    assert f"\nUSER {user}\n" in dockerfile
    assert COMPOSE["x-offerstream"]["read_only"] is True


def test_a_stop_is_waited_for_longer_than_it_may_take() -> None:
    """Docker kills what has not stopped in its grace period; offerstream's own deadline is less."""
    grace_s = int(COMPOSE["x-worker"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > Settings().stop_timeout_s + PATIENCE_S
