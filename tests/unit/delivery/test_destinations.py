"""The file of destinations: what is wrong is told with its place and what to do; no secret is."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from msgspec.structs import fields
from standardwebhooks.webhooks import Webhook as Official
from standardwebhooks.webhooks import WebhookVerificationError

from streams.cli import main
from streams.delivery.destinations import (
    TOPICS,
    Destination,
    DestinationsError,
    Target,
    load_targets,
)
from streams.delivery.webhooks import signed_headers
from tests.support.receiver import SECRET

NEW = "whsec_" + b64encode(b"n" * 32).decode()
GOOD: dict[str, Any] = {
    "url": "https://crm.example/hook",
    "topics": ["churn-alerts"],
    "signing_secrets": [{"env": "NEW_SECRET"}, {"env": "OLD_SECRET"}],
    "secret_headers": {"Authorization": {"env": "TOKEN", "prefix": "Bearer "}},
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file names."""
    monkeypatch.setenv("NEW_SECRET", NEW)
    monkeypatch.setenv("OLD_SECRET", SECRET)
    monkeypatch.setenv("TOKEN", "token-0123456789")


def loaded(tmp_path: Path, **differs: Any) -> tuple[Target, ...]:
    """The targets of a file of one destination."""
    wanted = {name: value for name, value in {**GOOD, **differs}.items() if value is not None}
    file = tmp_path / "destinations.yaml"
    file.write_text(yaml.safe_dump({"destinations": {"crm": wanted}}))
    return load_targets(file)


def test_secrets_are_read_and_never_shown(tmp_path: Path) -> None:
    """Of variables and of a file; a target's text has none of them."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (target,) = loaded(tmp_path, signing_secrets=[{"file": str(tmp_path / "secret")}])
    assert target.signing_secrets == (SECRET,)
    assert target.headers == {"Authorization": "Bearer token-0123456789"}
    assert (SECRET in repr(target), "token" in repr(target)) == (False, False)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://crm.example/"}, "crm.url: is not https; only a destination with"),
    ({"url": "ftp://crm.example/"}, "crm.url: is no address of the web; write https://host/path"),
    ({"url": "https://me:pw@crm.example/"}, "crm.url: holds a user or a password; use"),
    ({"url": "https://crm.example:99999/"}, "crm.url: is no address"),
    ({"url": None}, "crm.url: is required"),
    ({"topics": ["churn-alert"]}, "crm.topics[0]: "),
    ({"topics": ["churn-alerts", "churn-alerts"]}, "crm.topics: one is named twice"),
    ({"colour": "red"}, "crm.colour: is no field of Destination"),
    ({"concurrency": 0}, "crm.concurrency: "),
    ({"retry": {"first_s": 9, "longest_s": 1}}, "crm.retry: first_s is above longest_s"),
    ({"signing_secrets": [{"env": "MISSING"}]}, "MISSING is not set: set it"),
    ({"signing_secrets": [{"env": "TOKEN"}]}, "signing_secrets.0: is no secret of Standard"),
    ({"signing_secrets": [{"file": "no-such-file"}]}, "no-such-file cannot be read as text"),
    ({"signing_secrets": [{}]}, "name the secret by `env` or by `file`, one of the two"),
    ({"signing_secrets": [{"env": "OFFERSTREAM_X"}]}, "are settings; name another"),
    ({"headers": {"Webhook-Id": "x"}}, "the header Webhook-Id cannot be set"),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, "the header X-A has characters that no header may have"),
    ({"ca_file": "no-such-file"}, "ca_file: no-such-file is no file; name one in PEM"),
]


@pytest.mark.parametrize(("differs", "told"), WRONG, ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, differs: dict[str, Any], told: str
) -> None:
    """Nothing is started with half a file, and no secret is in the sentence."""
    with pytest.raises(DestinationsError) as caught:
        loaded(tmp_path, **differs)
    assert told in str(caught.value)
    assert "$.destinations.crm" in str(caught.value)
    assert (SECRET in str(caught.value), "token-0123456789" in str(caught.value)) == (False, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "$.destinations: needs 1 to 50 destinations by name"),
        ("destinations: {}", "$.destinations: needs 1 to 50 destinations by name"),
        ("destinations: {Über: {}}", "a name has small letters, digits and -"),
        ("- a", "$.destinations: needs"),
        ("destinations: {a: 1}\nmore: 2", "$.more: is no field"),
        ("destinations: {a: 1, a: 2}", "`a` is given twice"),
        ("destinations: !!python/object:os.system {}", "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    """Also unsafe YAML, which is not loaded."""
    file = tmp_path / "destinations.yaml"
    file.write_text(text)
    ran = CliRunner().invoke(main, ["deliver", "check", str(file)])
    assert ran.exit_code == 2
    assert told in ran.output


def test_check_says_what_goes_where(tmp_path: Path) -> None:
    """A line a destination."""
    loaded(tmp_path)
    ran = CliRunner().invoke(main, ["deliver", "check", str(tmp_path / "destinations.yaml")])
    assert ran.output == "crm: churn-alerts to https://crm.example/hook, signatures: 2\n"


def test_without_a_file_it_does_not_start() -> None:
    """And says how to name one."""
    ran = CliRunner().invoke(main, ["deliver"])
    assert ran.exit_code == 2
    assert "name their file with --destinations" in ran.output


def test_both_secrets_of_a_rotation_sign_and_a_third_does_not() -> None:
    """The official library verifies with the new one and with the old one."""
    now = datetime.now(UTC)
    headers = dict(signed_headers("msg_1", b'{"a": 1}', (NEW, SECRET), now))
    for secret in (NEW, SECRET):
        assert Official(secret).verify(b'{"a": 1}', headers) == {"a": 1}
    other = Official("whsec_" + b64encode(b"o" * 32).decode())
    for body, verifier in ((b'{"a": 2}', Official(NEW)), (b'{"a": 1}', other)):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, headers)


PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_files_of_the_page_are_files_of_destinations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: str
) -> None:
    """What a reader copies is taken, once the secrets are there."""
    (tmp_path / "token").write_text("token")
    monkeypatch.setenv("CRM_SIGNING_SECRET", SECRET)
    monkeypatch.setenv("HUBSPOT_TOKEN", "token")
    file = tmp_path / "destinations.yaml"
    file.write_text(block.replace("/run/secrets/salesforce-token", str(tmp_path / "token")))
    assert load_targets(file)


def test_the_page_names_every_field() -> None:
    """A field that nobody reads of is used by nobody."""
    told = set(re.findall(r"`([a-z_]+)`", PAGE.read_text(encoding="utf-8")))
    assert {field.encode_name for field in fields(Destination)} <= told
    assert set(TOPICS) <= set(re.findall(r"`([a-z.\-]+)`", PAGE.read_text(encoding="utf-8")))
