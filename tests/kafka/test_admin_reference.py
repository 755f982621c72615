"""Nothing replaces what is published unasked, and what was replaced comes back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from msgspec.structs import replace

from streams.admin.catalogue import VERSIONS_KEPT, OvertakenError, commit, published, versions
from streams.admin.reference import example_shop, load_validated, plan_of, publish_reference
from streams.cli import main
from streams.settings import Settings
from tests.support.apache_kafka import ApacheKafka
from tests.support.worker_job import WorkerJob

Verb = Callable[..., tuple[int, str]]


def offer(offer_id: str, **more: object) -> dict[str, object]:
    """An offer of a file."""
    return {
        "offer_id": offer_id,
        "kind": "content",
        "title": {"en": offer_id},
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2030-01-01T00:00:00Z",
        "margin": 1.0,
        **more,
    }


def shop_of(folder: Path, *offers: dict[str, object]) -> Path:
    """A folder with these offers."""
    folder.mkdir(exist_ok=True)
    (folder / "offers.yaml").write_text(yaml.safe_dump(list(offers)), encoding="utf-8")
    return folder


@pytest.fixture
def settings(kafka: ApacheKafka, tmp_path: Path) -> Settings:
    """Topics that are there and empty."""
    return WorkerJob(kafka, tmp_path, "catalogue").settings


@pytest.fixture
def offers(settings: Settings) -> Verb:
    """`offerstream offers ...`; exit code and what it said."""
    environment = {
        "OFFERSTREAM_BOOTSTRAP": settings.bootstrap,
        "OFFERSTREAM_APPLICATION_ID": settings.application_id,
    }

    def run(*arguments: object) -> tuple[int, str]:
        words = ["offers", *map(str, arguments)]
        done = CliRunner().invoke(main, words, env=environment, catch_exceptions=False)
        return done.exit_code, done.output

    return run


def ids(settings: Settings) -> list[str]:
    """What is published now."""
    return sorted(published(settings)["ref.offers"])


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_only_replace_withdraws(settings: Settings, offers: Verb, tmp_path: Path) -> None:
    """A diff is shown, a dry run changes nothing, and what is in no file stays until asked."""
    assert offers("publish", shop_of(tmp_path / "a", offer("a"), offer("b"), offer("c")))[0] == 0
    changed = shop_of(tmp_path / "b", offer("b", margin=2.0), offer("c"), offer("d"))
    code, said = offers("publish", changed, "--dry-run")
    assert code == 0
    assert said.splitlines()[0].startswith("warning: policies: there are no trigger rules")
    assert said.splitlines()[1:] == [
        "~ ref.offers b: margin",
        "+ ref.offers d",
        "added 1, changed 1, withdrawn 0",
        "in no file, and left as they are: 1 (--replace withdraws them)",
        "nothing was published (--dry-run)",
    ]
    assert ids(settings) == ["a", "b", "c"]
    assert "this is version 2" in offers("publish", changed)[1]
    assert ids(settings) == ["a", "b", "c", "d"]
    code, said = offers("publish", changed, "--replace")
    assert "- ref.offers a" in said.splitlines()
    assert ids(settings) == ["b", "c", "d"]
    assert "nothing has changed" in offers("publish", changed, "--replace")[1]


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_every_version_comes_back(settings: Settings, offers: Verb, tmp_path: Path) -> None:
    """Back to any version, to before the first, and forward again, byte for byte."""
    stood = [published(settings)]
    for number, names in enumerate((("a", "b"), ("b",), ("b", "c"))):
        shop = shop_of(tmp_path / f"{number}", *(offer(n, margin=1.0 + number) for n in names))
        assert offers("publish", shop, "--replace")[0] == 0
        stood.append(published(settings))
    code, said = offers("versions")
    assert [line.split()[0] for line in said.splitlines()] == ["3", "2", "1"]
    assert offers("rollback", "1", "--dry-run")[1].endswith("nothing was published (--dry-run)\n")
    assert published(settings) == stood[3]
    for target in (1, 2, 0, 3):
        assert offers("rollback", target)[0] == 0
        assert published(settings) == stood[target]
    assert offers("rollback")[0] == 0  # the version before the newest: where it had gone back to 0
    assert published(settings) == stood[0]
    code, said = offers("rollback", "99")
    assert code == 2
    assert "version 99 cannot be had: name one from 0 to 7" in said


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_the_example_shop_takes_no_place_of_others(
    settings: Settings, offers: Verb, tmp_path: Path
) -> None:
    """Published beside a catalogue of somebody's own it is refused, unless that was asked for."""
    offers("publish", shop_of(tmp_path / "mine", offer("mine")))
    code, said = offers("publish", "--example-shop")
    assert code == 2
    assert "another catalogue is published here: 1 of its records" in said
    assert ids(settings) == ["mine"]
    assert offers("publish", "--example-shop", "--replace")[0] == 0
    assert len(ids(settings)) == 14


def gln(number: int) -> str:
    """Thirteen digits, the last of them the check digit."""
    body = f"{number:012d}"
    weighed = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(body))
    return f"{body}{-weighed % 10}"


def policies_of(folder: Path, rates: int) -> Path:
    """Offers, and policies of 820,000 bytes of stores, and some 70 for each rate."""
    shop_of(folder, offer("a"))
    first = datetime(2024, 1, 1, tzinfo=UTC)
    policies = {
        "stores": {f"{n:064d}": gln(n) for n in range(10_000)},
        "exchange_rates": [
            {"currency": "USD", "from": (first + timedelta(hours=n)).isoformat(), "rate": 1 / 3}
            for n in range(rates)
        ],
    }
    (folder / "policies.json").write_text(json.dumps(policies), encoding="utf-8")
    return folder


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_a_record_is_as_large_as_kafka_takes_or_refused_by_name(
    settings: Settings, offers: Verb, tmp_path: Path
) -> None:
    """A warning stops nothing; what is too large is said, and nothing of it is published."""
    code, said = offers("publish", policies_of(tmp_path / "first", 2_800))
    assert "warning: policies: there are no trigger rules" in said
    assert (code, said.splitlines()[-1]) == (0, "this is version 1")
    assert offers("publish", policies_of(tmp_path / "second", 2_799))[0] == 0
    assert offers("rollback")[0] == 0
    stood = published(settings)
    assert len(stood["ref.policies"]["policies"]) > 1_000_000

    code, said = offers("publish", policies_of(tmp_path / "third", 5_000))
    assert code == 2
    assert "nothing was published: ref.policies policies has 1," in said
    assert published(settings) == stood
    assert [one.number for one in versions(settings)] == [3, 2, 1]


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_the_newest_fifty_versions_are_kept(settings: Settings) -> None:
    """The topic does not grow for ever, and every version that it lists can be had."""
    shop = load_validated(example_shop())
    for number in range(VERSIONS_KEPT + 3):
        one = replace(shop.offers[0], margin=float(number))
        publish_reference(settings, replace(shop, offers=(one, *shop.offers[1:])))
    kept = versions(settings)
    assert [v.number for v in kept] == list(range(VERSIONS_KEPT + 3, 3, -1))


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_who_was_overtaken_publishes_nothing(settings: Settings, tmp_path: Path) -> None:
    """What somebody else published after the look stays, and so do the versions."""
    publish_reference(settings, load_validated(shop_of(tmp_path / "a", offer("a"), offer("b"))))
    mine = load_validated(shop_of(tmp_path / "b", offer("a", margin=2.0)))
    plan = plan_of(settings, mine, replace=False)
    others = load_validated(shop_of(tmp_path / "c", offer("a", margin=3.0), offer("b")))
    publish_reference(settings, others)
    stood, kept = published(settings), versions(settings)
    with pytest.raises(OvertakenError, match=r"ref\.offers a meanwhile"):
        commit(settings, plan.changes, "mine")
    assert published(settings) == stood
    assert versions(settings) == kept
    assert published(settings, ("ref.offers",)) == {"ref.offers": stood["ref.offers"]}
    assert commit(settings, plan_of(settings, mine, replace=False).changes, "mine") == 3
