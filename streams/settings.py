"""Settings: defaults, then a TOML file, then `OFFERSTREAM_*`; the only reader of the environment.

A nested name is joined by `_` in the environment: `[http] port` is `OFFERSTREAM_HTTP_PORT`.
`OFFERSTREAM_CONFIG` names the file. Everything that is wrong is said at once.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from streams.errors import SettingsError
from streams.setting_sections import (
    BreakerSettings,
    DeliverySettings,
    GatewaySettings,
    HttpSettings,
    LearnerSettings,
    SecuritySettings,
)
from streams.topics import Topic

__all__ = [
    "BreakerSettings",
    "DeliverySettings",
    "GatewaySettings",
    "HttpSettings",
    "LearnerSettings",
    "SecuritySettings",
    "Settings",
    "as_environment",
    "child_environment",
    "load_settings",
    "variable_of_environment",
]
PREFIX = "OFFERSTREAM_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
SECRETS = frozenset({"sasl_password", "write_keys", "token_keys", "operator_tokens"})
FORMATS = {
    "bootstrap": "host:port, several with commas",
    "application_id": "small letters, digits, _ and -, a letter first",
    "topic_prefix": "letters, digits, ., _ and -, at most 60",
    "http.host": "a host name or an address",
    "gateway.host": "a host name or an address",
    "instance_id": "letters, digits and _ . -, as in shop-a",
}
_IN_WORDS = {
    "Expected `int` >= ": "a whole number, at least ",
    "Expected `int` <= ": "a whole number, at most ",
    "Expected `int`": "a whole number",
    "Expected `float` >= ": "a number, at least ",
    "Expected `float` > ": "a number above ",
    "Expected `float` <= ": "a number, at most ",
    "Expected `float`": "a number",
    "Expected `bool`": "true or false",
    "Expected `datetime`": "a time with its zone, as in 2026-03-01T10:00:00Z",
    "Invalid RFC3339 encoded datetime": "a time with its zone, as in 2026-03-01T10:00:00Z",
    "Expected `str` of length >= 1": "a text that is not empty",
    "Expected `str`": "a text",
}
_FILES = (
    "security.sasl_password_file",
    "security.ssl_ca_file",
    "security.ssl_certificate_file",
    "security.ssl_key_file",
    "gateway.write_keys_file",
    "gateway.token_keys_file",
    "gateway.operator_tokens_file",
    "delivery.destinations_file",
)

_LISTS = {
    "gateway.allowed_origins": (
        re.compile(r"null|file://|[a-z][a-z0-9+.\-]*://[^\s/?#@A-Z]+"),
        "write origins as browsers send them, small letters without a path, as https://shop.example",
    ),
    "gateway.page_workers": (
        re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]]+):[0-9]{1,5}"),
        "write addresses of workers' metrics, as 127.0.0.1:9100",
    ),
}

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_\-]{0,62}$")]
TopicPrefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._\-]{0,60}$")]
InstanceId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.\-]{0,200}$")]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may be set. Times are milliseconds; `occurred_at_min` is RFC 3339.

    `topic_prefix` stands in front of every topic, group and transactional id: applications with
    prefixes of their own share nothing on one Kafka.
    `transactional` false (the embedded broker, which fences nobody) means at least once.
    `instance_id` names this machine's slots in the group, differently on every machine: a slot that
    is back within `session_timeout_ms` has its partitions again, and nobody is rebalanced. Empty:
    whoever stops leaves the group, and others take over at once.
    `broker_patience_s`: so long a process waits at its start for a broker that is not there.
    `standby_replicas` other workers follow each partition's rows, so that a take-over is short.
    `clock` is what fires timers: processing time, or the greatest event time of the partition.
    `mappings_dir` holds a shop's own mapping files, for whoever reads what other systems write.
    `input_sources` says of input topics which source wrote their records, as
    `events.clickstream=segment`, several with blanks; all others hold events of ours.
    `cached_rows_max` is for each partition: a row in memory takes its bytes, its key and a slot.
    `urgent_commits_max`: so many partitions of a worker commit offers and answers at once.
    """

    bootstrap: Annotated[str, Meta(pattern=r"^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$")] = (
        "127.0.0.1:9092"
    )
    application_id: Name = "offerstream"
    topic_prefix: TopicPrefix = ""
    partitions: Annotated[int, Meta(ge=1, le=512)] = 4
    replication_factor: Annotated[int, Meta(ge=1, le=7)] = 1
    data_dir: Annotated[str, Meta(min_length=1)] = "offerstream-data"
    archive_dir: Annotated[str, Meta(min_length=1)] = "offerstream-archive"
    mappings_dir: str = ""
    input_sources: str = ""
    epoch_ms: Annotated[int, Meta(ge=10, le=10_000)] = 1_000
    urgent_commits_max: Annotated[int, Meta(ge=1, le=64)] = 2
    batch_records_max: Annotated[int, Meta(ge=1, le=100_000)] = 500
    cached_rows_max: Annotated[int, Meta(ge=1, le=10_000_000)] = 50_000
    transactional: bool = True
    clock: Literal["processing_time", "event_time"] = "processing_time"
    occurred_at_min: Annotated[datetime, Meta(tz=True)] = datetime.fromisoformat(
        "2020-01-01T00:00:00+00:00"
    )
    instance_id: InstanceId = ""
    session_timeout_ms: Annotated[int, Meta(ge=6_000, le=300_000)] = 10_000
    standby_replicas: Annotated[int, Meta(ge=0, le=7)] = 0
    broker_patience_s: Annotated[float, Meta(ge=1, le=86_400)] = 120.0
    stop_timeout_s: Annotated[float, Meta(ge=1, le=600)] = 25.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    http: HttpSettings = HttpSettings()
    security: SecuritySettings = SecuritySettings()
    learner: LearnerSettings = LearnerSettings()
    breaker: BreakerSettings = BreakerSettings()
    gateway: GatewaySettings = GatewaySettings()
    delivery: DeliverySettings = DeliverySettings()

    @property
    def group(self) -> str:
        """The workers' consumer group, and what internal topics and transactional ids begin with.

        >>> Settings(topic_prefix="demo.").group
        'demo.offerstream'
        """
        return self.topic_prefix + self.application_id

    def on_broker(self, topic: Topic) -> str:
        """The name of a topic on the broker.

        >>> from streams import topics
        >>> Settings(topic_prefix="demo.").on_broker(topics.CLICKSTREAM)
        'demo.events.clickstream'
        >>> Settings().on_broker(topics.CUSTOMER_EVENTS)
        'offerstream-customer-events'
        """
        return self.topic_prefix + topic.on_broker(self.application_id)

    @property
    def data_path(self) -> Path:
        """The folder of all state on this machine."""
        return Path(self.data_dir)

    @property
    def occurred_at_min_ms(self) -> int:
        """The earliest event time that is accepted."""
        return round(self.occurred_at_min.timestamp() * 1000)


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """The settings in force.

    Args:
        file: a TOML file; else `OFFERSTREAM_CONFIG`; else none.
        environment: `os.environ` if not given.
        overrides: dotted names from the command line; they win (`None` values are passed over).

    Raises:
        SettingsError: unknown names and bad values, all of them, each with what to do.
    """
    environ = os.environ if environment is None else environment
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    given: dict[str, tuple[object, str]] = {}
    errors: list[str] = []
    for name, value, origin in _given(file, environ, overrides or {}):
        if name in TYPES:
            given[name] = (value, origin)
        else:
            errors.append(f"{origin}: there is no such setting{_suggest(name)}")
    values = _checked(given, errors)
    if not errors:
        errors.extend(_contradictions(values))
    if errors:
        raise SettingsError("\n".join(["the settings are wrong:", *(f"  {e}" for e in errors)]))
    return _build(values)


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as `OFFERSTREAM_*` variables, for a process that is started with them."""
    flat = msgspec.to_builtins(settings)
    return {_variable(name): _text(_at(flat, name)) for name in TYPES if _at(flat, name) != ""}


def variable_of_environment(name: str) -> str:
    """A secret that a file names by its variable; empty where it is not set."""
    return os.environ.get(name, "")


def child_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with `settings` in place of its own `OFFERSTREAM_*`.

    Sixty threads of the clients and the store would each fill a heap of their own: two are enough.
    """
    others = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    return {"MALLOC_ARENA_MAX": "2", **others, **as_environment(settings)}


def can_show_windows() -> bool:
    """Whether this session has a screen for windows, a browser's say, and not only a terminal."""
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return named or sys.platform in ("darwin", "win32")


def _given(
    file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Iterator[tuple[str, object, str]]:
    """Every value that was given, weakest first: dotted name, value, where it stands."""
    if file is not None:
        yield from ((name, value, f"{file}: {name}") for name, value in _flatten(_read(file)))
    names = {_variable(name): name for name in TYPES}
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            name = names.get(variable, variable.removeprefix(PREFIX).lower())
            yield name, environ[variable], variable
    for name, value in overrides.items():
        if value is not None:
            yield name, value, f"option {name}"


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} cannot be read as TOML: {error}") from error


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _checked(given: Mapping[str, tuple[object, str]], errors: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, (value, origin) in given.items():
        try:
            values[name] = msgspec.convert(value, TYPES[name], strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            said = repr(str(value) if isinstance(value, date) else value)
            shown = "" if name.split(".")[-1] in SECRETS else f" (it is {said})"
            errors.append(f"{origin}: {_what_is_wanted(name, value, str(error))}{shown}")
    return values


def _what_is_wanted(name: str, value: object, fault: str) -> str:
    """What a setting may be, for somebody who wrote something else."""
    from streams.contracts.inputs.allowed import allowed_at, what_is_allowed

    if name in FORMATS:
        return f"must be {FORMATS[name]}"
    if allowed := allowed_at(TYPES[name], "$"):
        return what_is_allowed(allowed, value)
    for start, words in _IN_WORDS.items():
        if fault.startswith(start):
            rest = "" if "a time" in words else fault.removeprefix(start).partition(",")[0]
            return f"must be {words}{rest}"
    return fault


def _contradictions(values: Mapping[str, object]) -> Iterator[str]:
    protocol = str(values.get("security.protocol", "PLAINTEXT"))
    passwords = (values.get("security.sasl_password"), values.get("security.sasl_password_file"))
    if protocol.startswith("SASL") and not (
        values.get("security.sasl_username") and any(passwords)
    ):
        yield "security.protocol is SASL: set security.sasl_username and a password (or its file)"
    for name, (pattern, words) in _LISTS.items():
        for each in filter(None, map(str.strip, str(values.get(name, "")).split(","))):
            if not pattern.fullmatch(each):
                yield f"{name}: {each} is none: {words}"
    for name in _FILES:
        path = values.get(name)
        if path and not os.access(str(path), os.R_OK):
            yield f"{name}: {path} cannot be read: name a file that this user may read"


def _build(values: Mapping[str, object]) -> Settings:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, leaf = name.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[leaf] = value
    sections = {name: kind(**nested.pop(name, {})) for name, kind in _SECTIONS.items()}
    return Settings(**nested, **sections)


def _suggest(name: str) -> str:
    near = get_close_matches(name, TYPES, n=1) or get_close_matches(
        name.replace("_", "."), TYPES, 1
    )
    return f"; did you mean {near[0]} ({_variable(near[0])})?" if near else ""


def _variable(name: str) -> str:
    return PREFIX + name.replace(".", "_").upper()


def _at(flat: Any, name: str) -> Any:
    for part in name.split("."):
        flat = flat[part]
    return flat


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_SECTIONS: dict[str, type[Any]] = {
    "http": HttpSettings,
    "security": SecuritySettings,
    "learner": LearnerSettings,
    "breaker": BreakerSettings,
    "gateway": GatewaySettings,
    "delivery": DeliverySettings,
}


def _types() -> dict[str, object]:
    """The type of every setting by its dotted name."""
    found: dict[str, object] = {}
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        if name not in _SECTIONS:
            found[name] = kind
            continue
        inner = get_type_hints(_SECTIONS[name], include_extras=True)
        found.update({f"{name}.{leaf}": leaf_kind for leaf, leaf_kind in inner.items()})
    return found


TYPES = _types()
