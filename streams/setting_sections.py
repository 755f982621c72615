"""The sections of the settings: what belongs to one part of offerstream alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65_535)]
Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:\-]{1,255}$")]
Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class HttpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a process shows its metrics; slot n listens on `port + n`, 0 is any free port."""

    host: Host = "127.0.0.1"
    port: Port = 9100


class SecuritySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach the broker. The password is never printed; a file may hold it instead."""

    protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: str = ""
    sasl_password_file: str = ""
    ssl_ca_file: str = ""
    ssl_certificate_file: str = ""
    ssl_key_file: str = ""

    def __repr__(self) -> str:
        """The protocol alone: a settings object may end up in a log."""
        return f"SecuritySettings(protocol={self.protocol!r}, ...)"

    @property
    def password(self) -> str:
        """The password, read from its file where one is named."""
        if not self.sasl_password_file:
            return self.sasl_password
        return Path(self.sasl_password_file).read_text(encoding="utf-8").strip()


class LearnerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often models are published. `learn` false freezes them: labels are written, not read.

    `challenger`: a second response model learns the same labels and is scored beside the first. Its
    half-lives, and the variances of its prior, are so many times the first one's.
    """

    learn: bool = True
    snapshot_every_examples: Annotated[int, Meta(ge=1, le=1_000_000)] = 200
    challenger: bool = False
    challenger_half_lives: Annotated[float, Meta(ge=0.01, le=100)] = 1.0
    challenger_variances: Annotated[float, Meta(ge=0.01, le=100)] = 1.0


class BreakerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When nearly all of the last `window_records` are bad, the worker stops and says why.

    Until `accept_bad_until` (RFC 3339) it does not: all of it goes to the dead letters.
    """

    window_records: Annotated[int, Meta(ge=10, le=10_000_000)] = 2_000
    bad_ratio_max: Annotated[float, Meta(gt=0, le=1)] = 0.95
    accept_bad_until: Annotated[datetime, Meta(tz=True)] = datetime.fromtimestamp(0, UTC)


class GatewaySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway: where events come in over HTTP, who may send, and how much.

    `write_keys` are `source=key`, several with blanks; `write_keys_file` holds the same, a line
    each, instead. `source:server=key` is of a server, which may ask for erasure and access as well.
    `allowed_origins` are those of web pages that may send, with commas (`https://shop.example`).
    `ack_timeout_s`: so long a request waits for Kafka before it is answered with 503, or kept in
    `spool_dir` where one is named: a folder of this gateway alone, of `spool_bytes_max` at most.
    `token_keys` are `kid=key` with blanks, by which the shop's backend signs tokens of persons;
    `token_keys_file` holds the same, a line each, instead. A token's `aud` is `token_audience`, and
    it holds for `token_lifetime_max_s` at most.
    Offers decided in the last `offers_hours` are shown while they are valid; who listens hears
    something every `heartbeat_s`.
    `decide_timeout_ms`: so long a decision is waited for, unless the caller says otherwise.
    `operator_tokens` are `name=token` or `name:act=token` with blanks: who may log in to the page,
    which is there only with them; `operator_tokens_file` holds the same, a line each, instead.
    `page_workers` are the metrics of the workers that it tells of, as `host:port` with commas;
    `page_elsewhere`: whether it is shown to other machines than this one.
    """

    host: Host = "127.0.0.1"
    port: Port = 8080
    metrics_port: Port = 9180
    write_keys: str = ""
    write_keys_file: str = ""
    allowed_origins: str = ""
    body_bytes_max: Annotated[int, Meta(ge=1_024, le=1_048_576)] = 1_048_576
    events_max: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    events_per_second_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    connections_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    read_timeout_s: Annotated[float, Meta(ge=0.1, le=600)] = 10.0
    ack_timeout_s: Annotated[float, Meta(ge=1, le=120)] = 5.0
    spool_dir: str = ""
    spool_bytes_max: Annotated[int, Meta(ge=1_048_576, le=1_099_511_627_776)] = 1_073_741_824
    decide_timeout_ms: Annotated[int, Meta(ge=10, le=5_000)] = 300
    token_keys: str = ""
    token_keys_file: str = ""
    token_audience: Annotated[str, Meta(min_length=1, max_length=200)] = "offerstream"  # noqa: S105 - no secret
    token_lifetime_max_s: Annotated[int, Meta(ge=10, le=86_400)] = 3_600
    offers_hours: Annotated[int, Meta(ge=1, le=744)] = 48
    heartbeat_s: Annotated[float, Meta(ge=0.1, le=300)] = 15.0
    operator_tokens: str = ""
    operator_tokens_file: str = ""
    page_workers: str = ""
    page_elsewhere: bool = False

    def __repr__(self) -> str:
        """Where it listens, and no keys: a settings object may end up in a log."""
        return f"GatewaySettings(host={self.host!r}, port={self.port!r}, ...)"

    @property
    def keys_text(self) -> str:
        """The write keys, read from their file where one is named."""
        if not self.write_keys_file:
            return self.write_keys
        return Path(self.write_keys_file).read_text(encoding="utf-8")

    @property
    def token_keys_text(self) -> str:
        """The keys of tokens, read from their file where one is named."""
        if not self.token_keys_file:
            return self.token_keys
        return Path(self.token_keys_file).read_text(encoding="utf-8")

    @property
    def operator_tokens_text(self) -> str:
        """The tokens of operators, read from their file where one is named."""
        if not self.operator_tokens_file:
            return self.operator_tokens
        return Path(self.operator_tokens_file).read_text(encoding="utf-8")


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Webhooks: the file of destinations, and where `offerstream deliver` shows its metrics."""

    destinations_file: str = ""
    metrics_port: Port = 9190
