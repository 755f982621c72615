"""The file of destinations: where webhooks go, which, and how; wrong is told with its place."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from streams import topics
from streams.contracts.common import LanguageTag
from streams.contracts.faults import faults_of
from streams.contracts.inputs.allowed import what_is_allowed
from streams.contracts.reference.files import READ_ERRORS, read_document
from streams.delivery.bodies import Shape, compile_template
from streams.delivery.filters import SOURCE_CHARS_MAX, Filter, compile_filter
from streams.delivery.secrets import SecretPlace, read_secret
from streams.errors import OperatorError

DESTINATIONS_MAX: Final = 50
SIGNING_BYTES_MIN: Final = 24
SIGNING_BYTES_MAX: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9\-]{0,30}")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}")
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection"}
    | {"webhook-id", "webhook-timestamp", "webhook-signature"}
)

TOPICS: Final = tuple(
    topic.name
    for topic in topics.OUTPUTS
    if topic not in (topics.DEAD_LETTERS, topics.DELIVERY_FAILURES, topics.REPLIES)
)


class DestinationsError(OperatorError):
    """The file of destinations is wrong; every fault has its place and what to do."""


class Retrying(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a failed request is tried again.

    After `first_s`, twice as long each time up to `longest_s`, each pause between half and all of
    that; a record that has been tried for `for_s` is parked.
    """

    first_s: Annotated[float, Meta(ge=0.01, le=3_600)] = 5.0
    longest_s: Annotated[float, Meta(ge=0.01, le=21_600)] = 1_800.0
    for_s: Annotated[float, Meta(ge=0, le=2_592_000)] = 86_400.0


class SecretHeader(SecretPlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A header whose value is secret; `prefix` stands before it (`Bearer `)."""

    prefix: Annotated[str, Meta(max_length=32)] = ""


class Destination(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where webhooks go, as the file has it.

    Attributes:
        url: https; http and addresses inside the network only with `allow_private`.
        topics: whose records are sent.
        begin: where a new destination begins: with what is new, or with all that Kafka still has.
        signing_secrets: `whsec_` secrets of Standard Webhooks; every one of them signs, so that
            one can be replaced while both are valid.
        headers, secret_headers: sent with each request.
        concurrency: so many requests at once, never two of one customer.
        filter: CEL over `data` and `topic`; a record of which it does not say true is not sent.
        template: one that is shipped, or a file beside this one; else the body is a CloudEvent.
        language, owner_queue, fill: what templates are given.
        reports_delivery: whether delivery here is delivery to the customer, and is reported.
        max_age_s: what is older is parked, not sent; 0: nothing is too old.
        ca_file: further certificates to trust, PEM.
    """

    url: Annotated[str, Meta(min_length=8, max_length=2_048)]
    topics: Annotated[tuple[str, ...], Meta(min_length=1, max_length=8)]
    begin: Literal["new", "all"] = "new"
    signing_secrets: Annotated[tuple[SecretPlace, ...], Meta(max_length=4)] = ()
    headers: Annotated[dict[str, str], Meta(max_length=32)] = {}
    secret_headers: Annotated[dict[str, SecretHeader], Meta(max_length=8)] = {}
    concurrency: Annotated[int, Meta(ge=1, le=64)] = 4
    timeout_s: Annotated[float, Meta(ge=0.1, le=120)] = 10.0
    retry: Retrying = Retrying()
    max_age_s: Annotated[float, Meta(ge=0, le=2_592_000)] = 0.0
    allow_private: bool = False
    ca_file: str = ""
    filter: Annotated[str, Meta(max_length=SOURCE_CHARS_MAX)] = ""
    template: Annotated[str, Meta(max_length=256)] = ""
    language: LanguageTag = "en"
    owner_queue: Annotated[str, Meta(max_length=128)] = ""
    fill: Annotated[dict[str, str], Meta(max_length=32)] = {}
    reports_delivery: bool = False


class Target(Struct, frozen=True, kw_only=True):
    """A destination that is ready to be used, its secrets read."""

    name: str
    destination: Destination
    signing_secrets: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    filter: Filter = Filter()
    shape: Shape = Shape()

    def __repr__(self) -> str:
        """The name alone: a target holds secrets, and may end up in a log."""
        return f"Target({self.name!r})"


def load_targets(path: Path) -> tuple[Target, ...]:
    """The destinations of a file, their secrets read.

    Raises:
        DestinationsError: with every fault as `file: place: what is wrong`, one a line.
    """
    try:
        document = read_document(path)
    except READ_ERRORS as error:
        said = " ".join(str(error).split())
        raise DestinationsError(f"{path}: cannot be read: {said}") from error
    errors: list[str] = []
    targets = tuple(_targets(document, path.parent, errors))
    if errors:
        raise DestinationsError("\n".join(f"{path}: {fault}" for fault in errors))
    return targets


def _targets(document: object, folder: Path, errors: list[str]) -> Iterator[Target]:
    document = document if isinstance(document, dict) else {}
    named = document.get("destinations")
    if not isinstance(named, dict) or not 0 < len(named) <= DESTINATIONS_MAX:
        errors.append(f"$.destinations: needs 1 to {DESTINATIONS_MAX} destinations by name")
        return
    others = sorted(str(name) for name in document if name != "destinations")
    errors.extend(f"$.{n}: is no field; write everything below `destinations`" for n in others)
    for name, value in named.items():
        place = f"$.destinations.{name}"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            errors.append(f"{place}: a name has small letters, digits and -, at most 31")
            continue
        faults = list(faults_of(value, Destination, place))
        errors.extend(faults)
        if not faults:
            wanted = msgspec.convert(value, Destination)
            filter_, shape = _filter(wanted, place, errors), _shape(wanted, folder, place, errors)
            yield replace(_target(name, wanted, place, errors), filter=filter_, shape=shape)


def _filter(wanted: Destination, place: str, errors: list[str]) -> Filter:
    made, fault = compile_filter(wanted.filter, wanted.topics)
    if fault:
        errors.append(f"{place}.filter: {fault}")
    return made


def _shape(wanted: Destination, folder: Path, place: str, errors: list[str]) -> Shape:
    if not wanted.template:
        return Shape()
    template, fault = compile_template(wanted.template, folder, wanted.topics)
    if fault:
        errors.append(f"{place}.template: {fault}")
    return Shape(
        template=template,
        language=wanted.language,
        owner_queue=wanted.owner_queue,
        fill=wanted.fill,
    )


def _target(name: str, wanted: Destination, place: str, errors: list[str]) -> Target:
    """The target, its faults told; where there are some it is not used."""
    errors.extend(f"{place}.{fault}" for fault in _contradictions(wanted))
    secrets = _secrets(dict(enumerate(wanted.signing_secrets)), f"{place}.signing_secrets", errors)
    for number, secret in secrets.items():
        if not _signs(secret):
            errors.append(
                f"{place}.signing_secrets.{number}: is no secret of Standard Webhooks, `whsec_` "
                f"and the base64 of {SIGNING_BYTES_MIN} to {SIGNING_BYTES_MAX} random bytes"
            )
    hidden = _secrets(wanted.secret_headers, f"{place}.secret_headers", errors)
    values = {
        header: wanted.secret_headers[header].prefix + secret for header, secret in hidden.items()
    }
    headers = {**wanted.headers, **values}
    for header, value in headers.items():
        if not _HEADER.fullmatch(header) or header.lower() in _OWN_HEADERS:
            errors.append(f"{place}: the header {header} cannot be set; choose another name")
        if not _may_stand(value):
            errors.append(f"{place}: the header {header} has characters that no header may have")
    return Target(
        name=name,
        destination=wanted,
        signing_secrets=tuple(secrets.values()),
        headers=headers,
    )


def with_headers_anew(target: Target) -> Target:
    """The target with its secret headers read again: a token's file may have been replaced.

    Where one cannot be read now, the one that we have stays.
    """
    wanted = target.destination.secret_headers
    read = _secrets(wanted, "", [])
    fresh = {name: wanted[name].prefix + secret for name, secret in read.items()}
    good = {name: value for name, value in fresh.items() if _may_stand(value)}
    return replace(target, headers={**target.headers, **good})


def _may_stand(value: str) -> bool:
    """Whether a header may have this value."""
    return value.isascii() and value.isprintable()


def _secrets(places: Mapping[Any, SecretPlace], where: str, errors: list[str]) -> dict[Any, str]:
    found: dict[Any, str] = {}
    for name, place in places.items():
        secret, fault = read_secret(place)
        if fault:
            errors.append(f"{where}.{name}: {fault}")
        else:
            found[name] = secret
    return found


def _signs(secret: str) -> bool:
    encoded = secret.removeprefix("whsec_")
    try:
        length = len(b64decode(encoded + "=" * (-len(encoded) % 4), validate=True))
    except ValueError:
        return False
    return secret != encoded and SIGNING_BYTES_MIN <= length <= SIGNING_BYTES_MAX


def _contradictions(wanted: Destination) -> Iterator[str]:
    """What each field allows by itself and the whole does not."""
    try:
        parts = urlsplit(wanted.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield "url: is no address; write https://host/path"
        return
    if parts.scheme not in ("https", "http") or not host or parts.fragment:
        yield "url: is no address of the web; write https://host/path"
    elif parts.scheme == "http" and not wanted.allow_private:
        yield "url: is not https; only a destination with `allow_private: true` may use http"
    if parts.username or parts.password:
        yield "url: holds a user or a password; use `secret_headers`"
    if wanted.ca_file and not Path(wanted.ca_file).is_file():
        yield f"ca_file: {wanted.ca_file} is no file; name one in PEM"
    if wanted.retry.first_s > wanted.retry.longest_s:
        yield "retry: first_s is above longest_s"
    for number, topic in enumerate(wanted.topics):
        if topic not in TOPICS:
            yield f"topics[{number}]: {what_is_allowed(TOPICS, topic)}"
    if wanted.reports_delivery and topics.NEXT_BEST_OFFERS.name not in wanted.topics:
        yield f"reports_delivery: is about {topics.NEXT_BEST_OFFERS.name}, which is none of topics"
    if len(set(wanted.topics)) < len(wanted.topics):
        yield "topics: one is named twice"
