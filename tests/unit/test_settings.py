"""Settings: one door, every mistake told at once, secrets never shown."""

from datetime import date
from pathlib import Path

import pytest

from streams.errors import SettingsError
from streams.settings import (
    FORMATS,
    TYPES,
    Settings,
    as_environment,
    child_environment,
    load_settings,
)


def test_defaults_need_nothing() -> None:
    """A stranger who sets nothing gets a local broker and a loopback port."""
    settings = load_settings(environment={})
    assert settings == Settings()
    assert (settings.http.host, settings.partitions, settings.clock) == (
        "127.0.0.1",
        4,
        "processing_time",
    )


def test_environment_wins_over_the_file_and_options_win_over_both(tmp_path: Path) -> None:
    """The nearer to the command, the stronger."""
    file = tmp_path / "offerstream.toml"
    file.write_text('bootstrap = "a:1"\npartitions = 8\nepoch_ms = 50\n[http]\nport = 1\n')
    settings = load_settings(
        file,
        {"OFFERSTREAM_PARTITIONS": "2", "OFFERSTREAM_HTTP_PORT": "9", "PATH": "/bin"},
        {"epoch_ms": 70, "bootstrap": None},
    )
    assert settings.bootstrap == "a:1"
    assert (settings.partitions, settings.http.port, settings.epoch_ms) == (2, 9, 70)


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    """`OFFERSTREAM_CONFIG` names the file."""
    file = tmp_path / "o.toml"
    file.write_text('clock = "event_time"\n')
    assert load_settings(environment={"OFFERSTREAM_CONFIG": str(file)}).clock == "event_time"


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Unknown names and values out of range are all in one error, each with its origin."""
    file = tmp_path / "o.toml"
    file.write_text('partition = 4\nepoch_ms = 1\nclock = "sun"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {"OFFERSTREAM_HTTP_PORT": "99999", "OFFERSTREAM_BOOTSTRAPS": "x:1"})
    text = str(caught.value)
    assert "did you mean partitions (OFFERSTREAM_PARTITIONS)?" in text
    assert "epoch_ms" in text
    assert "clock" in text
    assert "OFFERSTREAM_HTTP_PORT" in text
    assert "OFFERSTREAM_BOOTSTRAPS: there is no such setting; did you mean bootstrap" in text


def test_a_broken_file_is_an_operator_error(tmp_path: Path) -> None:
    """No traceback of the TOML reader."""
    file = tmp_path / "o.toml"
    file.write_text("a = = 1")
    with pytest.raises(SettingsError, match="cannot be read as TOML"):
        load_settings(file, {})
    with pytest.raises(SettingsError, match=r"no\.toml"):
        load_settings(tmp_path / "no.toml", {})


def test_the_password_is_never_shown(tmp_path: Path) -> None:
    """Neither a settings object nor an error holds the password; a file may hold it."""
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    environment = {
        "OFFERSTREAM_SECURITY_PROTOCOL": "SASL_SSL",
        "OFFERSTREAM_SECURITY_SASL_USERNAME": "worker",
        "OFFERSTREAM_SECURITY_SASL_PASSWORD": "hunter1",
    }
    settings = load_settings(environment=environment)
    assert settings.security.password == "hunter1"  # noqa: S105
    assert "hunter1" not in repr(settings)
    filed = load_settings(
        environment={**environment, "OFFERSTREAM_SECURITY_SASL_PASSWORD_FILE": str(secret)}
    )
    assert filed.security.password == "hunter2"  # noqa: S105


def test_sasl_without_a_user_is_refused() -> None:
    """A contradiction says what to set."""
    with pytest.raises(SettingsError, match="sasl_username"):
        load_settings(environment={"OFFERSTREAM_SECURITY_PROTOCOL": "SASL_SSL"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("security.protocol", "SASL_SSL", "set security.sasl_username and a password"),
        ("gateway.allowed_origins", "https://shop.example/", "https://shop.example/ is none"),
        ("gateway.allowed_origins", "https://a.example, shop.example", "shop.example is none"),
        ("gateway.allowed_origins", "https://Shop.example", "as browsers send them"),
        ("gateway.allowed_origins", "https://", "https:// is none"),
        ("gateway.allowed_origins", "*", "without a path, as https://shop.example"),
        ("gateway.page_workers", "localhost", "localhost is none: write addresses"),
        ("gateway.page_workers", "a:9100, http://b:9100", "http://b:9100 is none"),
        ("occurred_at_min", "2020-01-01T00:00:00", r"as in 2026-03-01T10:00:00Z \(it is '2020"),
        ("occurred_at_min", date(2020, 1, 1), r"as in 2026-03-01T10:00:00Z \(it is '2020-01-01'\)"),
    ],
)
def test_a_slip_that_would_be_seen_much_later_is_refused_with_its_name(
    name: str, value: object, said: str
) -> None:
    """With what to write in its place."""
    user = {"OFFERSTREAM_SECURITY_SASL_USERNAME": "worker"}
    with pytest.raises(SettingsError, match=said) as told:
        load_settings(environment=user, overrides={name: value})
    assert name in str(told.value)


@pytest.mark.parametrize(
    "origins",
    ["", "https://a.example, http://[::1]:8000", "capacitor://localhost", "null", "file://, null"],
)
def test_origins_as_browsers_send_them_are_taken(origins: str) -> None:
    """Of pages, of this machine and of apps."""
    settings = load_settings(environment={"OFFERSTREAM_GATEWAY_ALLOWED_ORIGINS": origins})
    assert settings.gateway.allowed_origins == origins


def test_settings_travel_to_a_child_process() -> None:
    """What is written as environment reads back as the same settings."""
    settings = load_settings(
        environment={},
        overrides={
            "bootstrap": "h:1",
            "transactional": False,
            "http.port": 7,
            "breaker.bad_ratio_max": 0.5,
            "occurred_at_min": "1996-01-01T00:00:00Z",
        },
    )
    assert load_settings(environment=as_environment(settings)) == settings
    assert settings.occurred_at_min_ms == 820_454_400_000


def test_a_child_process_has_few_heaps_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two, so that its memory stays flat; what the operator has set stands."""
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    assert child_environment(Settings())["MALLOC_ARENA_MAX"] == "2"
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    assert child_environment(Settings())["MALLOC_ARENA_MAX"] == "8"


def test_every_setting_is_explained() -> None:
    """`docs/run.md` names each of them."""
    page = (Path(__file__).parents[2] / "docs" / "run.md").read_text(encoding="utf-8")
    names = {name if f"`{name}`" in page else "." + name.split(".")[-1] for name in TYPES}
    special = {"security.sasl_password", ".sasl_password"}
    assert [n for n in names - special if f"`{n}`" not in page and f"{n}`" not in page] == []


def test_no_pattern_and_no_list_is_left_to_guess() -> None:
    """A text of a fixed form says which, a closed list says all that is allowed."""
    for name, kind in TYPES.items():
        patterned = [m for m in getattr(kind, "__metadata__", ()) if getattr(m, "pattern", None)]
        assert not patterned or name in FORMATS, name
    for wrong in ({"log_level": "loud"}, {"clock": "sundial"}, {"security.protocol": "TLS"}):
        with pytest.raises(SettingsError, match=r"is not one of \w+, \w+"):
            load_settings(environment={}, overrides=wrong)
    with pytest.raises(SettingsError, match="must be a whole number, at least 1"):
        load_settings(environment={}, overrides={"partitions": 0})
