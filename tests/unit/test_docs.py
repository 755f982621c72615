"""The documents say what the program does: tables, codes and examples are held against the code."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from msgspec import Struct
from msgspec.structs import replace

from streams import topics
from streams.admin.reference import load_validated
from streams.alerts.churn_signals import BY_EVALUATION, BY_EVENT
from streams.alerts.wording import CHURN_REASONS
from streams.contracts.catalogue import EVENT_NAMES
from streams.contracts.inputs.required import REQUIRED_BY_NAME
from streams.contracts.inputs.rules import RejectReason
from streams.contracts.outputs.payloads import ChurnSignalCode, Verdict, WhyNot
from streams.contracts.reference.structs import (
    Arbitration,
    ChurnDefinition,
    ContactPolicy,
    Experiment,
    Offer,
    Policies,
    Reference,
    TriggerKind,
    TriggerRule,
    ZoneRules,
)
from streams.customer import browsing, phones
from streams.decisions import compile_policy, eligibility, facts
from streams.decisions.wording import OFFER_REASONS
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.runtime import faults
from streams.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
FIELDS = re.compile(r"`([a-z_.]+)`")


def page(name: str) -> str:
    """A page of `docs/`."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table."""
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(text: str) -> set[str]:
    """Every text between backticks, blocks of code left out."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`([^`\n]+)`", prose))


def fields(kind: type[Struct]) -> set[str]:
    """The fields of a struct as people write them."""
    return {"class" if name == "class_" else name for name in kind.__struct_fields__}


def section(text: str, title: str) -> str:
    """What stands under a heading."""
    return text.split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]


def test_the_example_offer_is_valid(tmp_path: Path) -> None:
    """Whoever copies it can publish it."""
    found = re.search(r"<!-- example: .*?```yaml\n(.*?)```", page("offers.md"), re.DOTALL)
    assert found is not None
    (tmp_path / "offers.yaml").write_text(found[1], encoding="utf-8")
    reference = load_validated(tmp_path)
    assert [offer.offer_id for offer in reference.offers] == ["tea-10"]


def test_every_rule_in_the_offer_page_compiles() -> None:
    """Each expression of `person` or `trigger` in backticks is one that a segment may be."""
    expressions = [e for e in named(page("offers.md")) if re.search(r"[=<>]| in |\(", e)]
    rules = [e for e in expressions if re.search(r"\b(person|trigger)\.", e)]
    assert len(rules) >= 3
    example = Offer(
        offer_id="o",
        kind="content",
        title={"en": "o"},
        valid_from=Settings().occurred_at_min,
        valid_until=Settings().occurred_at_min.replace(year=2030),
        margin=0,
    )
    for rule in rules:
        assert compile_policy(Reference(offers=(replace(example, segment=rule),)))


def test_every_field_of_an_offer_is_explained() -> None:
    """The table of offers.md has all of them, and no other."""
    table = rows(section(page("offers.md"), "The fields of an offer"))[2:]
    assert {name for row in table for name in FIELDS.findall(row[0])} == fields(Offer)


def test_every_variable_and_counter_of_a_rule_is_listed() -> None:
    """What CEL may ask is on the page."""
    text = section(page("offers.md"), "The segment rule")
    expected = {
        *(f"person.{n}" for n in facts.OF_PERSON),
        *(f"trigger.{n}" for n in facts.OF_TRIGGER),
    }
    assert {name for row in rows(text)[2:] for name in FIELDS.findall(row[0])} == expected
    counters = {*browsing.COUNTED_AS.values(), "app_opens", "zone_visits"}
    assert counters <= named(text)
    assert "COUNTED_AS" in text
    assert phones.COUNTED_AS


@pytest.mark.parametrize("name", ["offers.md", "decisions.md"])
def test_every_why_not_is_explained(name: str) -> None:
    """Both to who writes an offer and to who wants to know how it was chosen."""
    codes = set(get_args(WhyNot))
    if name == "decisions.md":
        codes -= {"quiet_hours"}  # there the verdict is told, `deferred`
    assert codes - named(page(name)) == set()


def test_eligibility_stands_in_the_order_in_which_it_is_asked() -> None:
    """The first rule that objects is what the log says, so the order is part of the answer."""
    table = page("decisions.md").split("<!-- rules:", 1)[1].split("\n\n", 1)[0]
    told = [row[0].strip("`") for row in rows(table)[2:]]
    assert told == [rule.code for rule in eligibility.RULES]


def test_triggers_verdicts_and_policies_are_explained() -> None:
    """Every kind, every verdict, and every field of the policies' sections."""
    decisions = page("decisions.md")
    assert set(get_args(TriggerKind)) - named(decisions) == set()
    assert set(get_args(TriggerKind)) == set(OFFER_REASONS)
    assert set(get_args(Verdict)) - named(decisions) - {"offer", "no_offer"} == set()
    triggers = section(decisions, "Triggers")
    assert fields(TriggerRule) - named(triggers) == set()
    for kind, prefix in ((ContactPolicy, "contact"), (Arbitration, "arbitration")):
        wanted = {f"{prefix}.{name}" for name in fields(kind)} - {
            "arbitration.policy_id",
            "arbitration.version",
        }
        assert [name for name in sorted(wanted) if name not in decisions] == []
    assert [name for name in fields(Experiment) if f"`{name}`" not in decisions
            and f"experiment.{name}" not in decisions] == []  # fmt: skip
    assert fields(ZoneRules) | fields(Policies) <= named(page("offers.md"))
    assert fields(ChurnDefinition) - named(page("churn.md")) == set()


def test_every_sign_and_every_reason_of_leaving_is_explained() -> None:
    """churn.md names each code; a signal without a row in the tables of signals.py is dead."""
    text = named(page("churn.md"))
    assert set(get_args(ChurnSignalCode)) - text == set()
    assert set(CHURN_REASONS) - text == set()
    assert {code for code, _ in (*BY_EVENT.values(), *BY_EVALUATION)} == set(
        get_args(ChurnSignalCode)
    )


def test_the_table_of_topics_is_the_catalogue() -> None:
    """Name, key, partitions, how long it is kept, and whether it holds personal data."""
    table = rows(section(page("events.md"), "Topics"))
    assert [row[0].strip("`") for row in table[2:]] == [topic.name for topic in topics.ALL]
    for topic, row in zip(topics.ALL, table[2:], strict=True):
        days = topic.retention_ms // topics.DAY_MS
        kept = "newest of each key" if topic.cleanup == "compact" else f"{days} days"
        facts = [f"`{topic.holds}`", topic.key, topic.partitions, kept]
        assert row[1:] == [*facts, "yes" if topic.personal else "no"]


def test_every_event_name_and_reject_reason_is_listed() -> None:
    """events.md is the contract in words."""
    text = page("events.md")
    assert set(EVENT_NAMES) - named(text) == set()
    # `unknown_field` is a fault of files that people write; in events such fields are passed over
    assert set(get_args(RejectReason)) - named(text) == {"unknown_field"}
    assert set(REQUIRED_BY_NAME.values()) - named(text) == set()


def test_every_feature_is_listed() -> None:
    """features.md has the families with all their names."""
    text = section(page("features.md").replace("# Features", "\n## Features"), "Features")
    words = set(re.findall(r"[a-z_]+", text))
    assert {*CONTEXT_FEATURES, *OFFER_FEATURES} - words == set()


def test_every_alert_rule_says_what_to_do() -> None:
    """The table of operate.md is that of the alert rules, one for one."""
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text(encoding="utf-8"))
    alerts = [r["alert"] for group in rules["groups"] for r in group["rules"] if "alert" in r]
    table = rows(section(page("operate.md"), "Look here first"))[2:]
    assert sorted(n for row in table for n in row[0].split(", ")) == sorted(alerts)


@pytest.mark.parametrize("name", ["operate.md", "runtime.md"])
def test_every_exit_code_is_told(name: str) -> None:
    """Whoever finds a process ended can look its code up."""
    codes = {v for n, v in vars(faults).items() if n.startswith("EXIT_") and isinstance(v, int)}
    assert len(codes) >= 6
    told = {int(c) for row in rows(page(name)) for c in re.findall(r"\b\d+\b", row[0])}
    assert codes - told == set()


def test_the_settings_file_in_the_page_can_be_read(tmp_path: Path) -> None:
    """With the files that it names being there."""
    found = re.search(r"```toml\n(.*?)```", page("run.md"), re.DOTALL)
    assert found is not None
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    text = re.sub(r'"/(run|etc)/[^"]*"', f'"{secret}"', found[1])
    file = tmp_path / "offerstream.toml"
    file.write_text(text, encoding="utf-8")
    assert load_settings(file, {}).partitions == 12


def test_the_settings_table_holds_the_defaults() -> None:
    """A default in the table is the default of the code."""
    defaults = Settings()
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(page("run.md")) if len(row) == 3}
    for name in ("bootstrap", "partitions", "epoch_ms", "batch_records_max", "session_timeout_ms",
                 "data_dir", "archive_dir", "clock", "log_level",
                 "replication_factor"):  # fmt: skip
        assert table[name] == str(getattr(defaults, name))
    assert table["learner.snapshot_every_examples"] == str(defaults.learner.snapshot_every_examples)


def map_of(text: str) -> list[str]:
    """The lines of a page's first table, links to files at the top as plain names."""
    lines = (line.replace("](docs/", "](") for line in text.splitlines() if line.startswith("|"))
    return [re.sub(r"\[([^]]+)\]\(([A-Z]+\.md)\)", r"\1 (`\2`)", line) for line in lines]


def test_the_site_begins_with_the_map_of_the_readme() -> None:
    """Whoever begins there finds the same."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert map_of(page("index.md")) == map_of(readme)
    assert len(map_of(readme)) > 10


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in headings}


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_of_the_files_at_the_top_lead_somewhere(name: str) -> None:
    """To a file, and to a heading of it; the site does not check them."""
    found = re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    wrong = []
    for link in (one for one in found if "://" not in one):
        file, _, anchor = link.partition("#")
        path = ROOT / (file or name)
        if not path.exists() or (anchor and anchor not in anchors(path)):
            wrong.append(link)
    assert wrong == []


def test_pages_stay_readable() -> None:
    """A page is read in one sitting; a table that a command makes does not count."""
    long = {}
    for path in sorted((ROOT / "docs").glob("*.md")):
        lines = path.read_text(encoding="utf-8").split("<!-- metrics:")[0].count("\n")
        if lines > 160:
            long[path.name] = lines
    assert long == {}
