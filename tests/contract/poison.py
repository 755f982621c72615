"""Poison: inputs made by hand that must be rejected, each with its reason and its path.

Reused by the worker's test on Kafka, which mixes them with good events: `topic`, `value` and
`headers` are the record, `reason` and `path` what its dead letter must say. None depends on the
clock as long as it stands between 2025-06-02 and the year 2999.
"""

import gzip
import json
from typing import Any, NamedTuple

Headers = tuple[tuple[str, bytes], ...]
DEEP = 20


class Poison(NamedTuple):
    """One bad record, and what must be said of it."""

    name: str
    value: bytes | None
    reason: str
    path: str
    topic: str = "events.clickstream"
    headers: Headers = ()


GOOD: dict[str, Any] = {
    "event_id": "good-1",
    "event_name": "product_viewed",
    "occurred_at": "2025-06-01T12:00:00Z",
    "identity": {"customer_id": "c-1"},
    "channel": "web",
    "page": {"path": "/p/1"},
    "product": {"product_id": "p-1", "category": "shoes"},
}
ORDER: dict[str, Any] = {
    "event_id": "good-2",
    "event_name": "order_completed",
    "occurred_at": "2025-06-01T12:00:00Z",
    "identity": {"customer_id": "c-1"},
    "channel": "store",
    "order_id": "o-1",
    "total": {"amount": "10.00", "currency": "EUR"},
    "items": [{"product_id": "p-1", "category": "a", "quantity": 1, "unit_price": 10.0}],
}


def _with(base: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """The good event with some fields changed; `...` takes a field away."""
    merged = (base or GOOD) | changes
    return json.dumps({k: v for k, v in merged.items() if v is not ...}).encode()


def _raw(json_text: str) -> bytes:
    """The good event with text put before its closing brace: what no encoder would write."""
    return _with()[:-1] + b"," + json_text.encode("utf-8", "surrogatepass") + b"}"


def _structured(data: bytes | None, **changes: Any) -> bytes:
    envelope = {
        "specversion": "1.0",
        "id": "s-1",
        "type": "product_viewed.v1",
        "source": "/web",
    } | changes
    head = json.dumps({k: v for k, v in envelope.items() if v is not ...}).encode()
    return head if data is None else head[:-1] + b',"data":' + data + b"}"


_CE = (("ce_specversion", b"1.0"), ("ce_id", b"x-1"), ("ce_source", b"/web"))
_STRUCTURED = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
_PRODUCT = GOOD["product"]
_ITEM = ORDER["items"][0]
_BUY = "events.purchase"

NOT_JSON = (
    Poison("no value at all", None, "empty_value", "$"),
    Poison("an empty value", b"", "empty_value", "$"),
    Poison("white space only", b"  \n ", "invalid_json", "$"),
    Poison("plain text", b"hello", "invalid_json", "$"),
    Poison("half a document", _with()[:-20], "invalid_json", "$"),
    Poison("two documents", _with() * 2, "invalid_json", "$"),
    Poison("lines of JSON", _with() + b"\n" + _with(), "invalid_json", "$"),
    Poison("single quotes", b"{'event_id': 'e'}", "invalid_json", "$"),
    Poison("a trailing comma", _with()[:-1] + b",}", "invalid_json", "$"),
    Poison("NaN", _raw('"price": NaN'), "invalid_json", "$"),
    Poison("Infinity", _raw('"price": -Infinity'), "invalid_json", "$"),
    Poison("a byte order mark", b"\xef\xbb\xbf" + _with(), "invalid_json", "$"),
    Poison("gzip", gzip.compress(_with(), mtime=0), "invalid_json", "$"),
    Poison("zstd's magic", b"\x28\xb5\x2f\xfd\x04\x00", "invalid_json", "$"),
    Poison("lz4's magic", b"\x04\x22\x4d\x18\x64\x40", "invalid_json", "$"),
    Poison("a pickle that would call os.system", b"\x80\x04cos\nsystem\n.", "invalid_json", "$"),
    Poison("Avro behind a schema id", b"\x00\x00\x00\x00\x07\x02a", "invalid_json", "$"),
    Poison("an Avro file", b"Obj\x01\x04\x14avro.codec", "invalid_json", "$"),
    Poison("a raw NUL", _with().replace(b"/p/1", b"/p\x00"), "invalid_json", "$"),
    Poison("UTF-16", _with().decode().encode("utf-16"), "invalid_utf8", "$"),
    Poison("Latin-1 in a field", _with().replace(b"/p/1", b"/caf\xe9"), "invalid_utf8", "$"),
    Poison("Latin-1 in a field unknown", _with()[:-1] + b',"z":"\xe9"}', "invalid_utf8", "$"),
    Poison("overlong UTF-8", _with().replace(b"/p/1", b"/\xc0\xaf"), "invalid_utf8", "$"),
    Poison("half a surrogate pair", _with(page={"path": "\ud800"}), "invalid_utf8", "$"),
    Poison("the other half", _with(page={"path": "\udc00x"}), "invalid_utf8", "$"),
    Poison("a surrogate as bytes", _raw('"z":"\ud800"'), "invalid_utf8", "$"),
)
TOO_MUCH = (
    Poison("10 MB of text", _with(page={"path": "x" * 10_000_000}), "too_large", "$"),
    Poison("600,000 keys", _raw(",".join(f'"k{i}":0' for i in range(600_000))), "too_large", "$"),
    Poison("one byte over", _with(z="x" * (65_537 - len(_with(z="")))), "too_large", "$"),
    Poison("deep brackets", b"[" * 30_000 + b"]" * 30_000, "not_an_object", "$"),
    Poison("deep in a field unknown", _raw(f'"z":{"[" * 9000}{"]" * 9000}'), "too_deep", "$"),
    Poison("deeper than 16", _raw(f'"z":{"[" * DEEP}{"]" * DEEP}'), "too_deep", "$"),
    Poison(
        "brackets in texts hide no depth",
        _raw(f'"y":"{"]" * 99}","z":{"[" * DEEP}{"]" * DEEP}'),
        "too_deep",
        "$",
    ),
    Poison(
        "65 facts of a device",
        _with(context={"device": {f"k{i}": i for i in range(65)}}),
        "too_many_properties",
        "$.context.device",
    ),
    Poison("201 products", _with(products=[_PRODUCT] * 201), "out_of_range", "$.products"),
)
WRONG_SHAPE = (
    Poison("a list", b"[" + _with() + b"]", "not_an_object", "$"),
    Poison("a text", b'"event"', "not_an_object", "$"),
    Poison("null", b"null", "not_an_object", "$"),
    Poison("a number", b"1e5", "not_an_object", "$"),
    Poison("an empty object", b"{}", "missing_field", "$.event_id"),
    Poison("no event name", _with(event_name=...), "missing_field", "$.event_name"),
    Poison("no page", _with(page=...), "missing_field", "$.page"),
    Poison("no path of the page", _with(page={}), "missing_field", "$.page.path"),
    Poison("no product viewed", _with(product=...), "missing_field", "$.product"),
    Poison(
        "no category of a product",
        _with(products=[_PRODUCT, {"product_id": "p"}]),
        "missing_field",
        "$.products[1].category",
    ),
    Poison("a page that is text", _with(page="/p/1"), "wrong_type", "$.page"),
    Poison("a path that is a number", _with(page={"path": 1}), "wrong_type", "$.page.path"),
    Poison("an id that is a number", _with(event_id=17), "wrong_type", "$.event_id"),
    Poison("an unknown name", _with(event_name="hacked"), "unknown_event_name", "$.event_name"),
    Poison(
        "an event of another topic",
        _with(event_name="order_completed"),
        "unknown_event_name",
        "$.event_name",
    ),
    Poison("an unknown channel", _with(channel="fax"), "out_of_range", "$.channel"),
)
WRONG_VALUE = (
    Poison("an id with a space", _with(event_id="a b"), "bad_format", "$.event_id"),
    Poison("an id of 65 characters", _with(event_id="x" * 65), "bad_format", "$.event_id"),
    Poison("an empty id", _with(event_id=""), "bad_format", "$.event_id"),
    Poison("an id that ends a line", _with(event_id="e\n"), "bad_format", "$.event_id"),
    Poison("an id of other digits", _with(event_id="\u0661\u0662"), "bad_format", "$.event_id"),
    Poison("a NUL in a text", _with(page={"path": "/\x00"}), "bad_character", "$.page.path"),
    Poison(
        "a huge integer",
        _with(product=_PRODUCT | {"quantity": 10**30}),
        "out_of_range",
        "$.product.quantity",
    ),
    Poison(
        "a float beyond floats",
        _with().replace(b'"category"', b'"price": 1e999, "category"'),
        "out_of_range",
        "$.product.price",
    ),
    Poison(
        "an amount out of bounds",
        _with(product=_PRODUCT | {"price": 1e12}),
        "out_of_range",
        "$.product.price",
    ),
    Poison(
        "a negative stay",
        _with(page={"path": "/", "dwell_ms": -1}),
        "out_of_range",
        "$.page.dwell_ms",
    ),
    Poison(
        "money as words",
        _with(ORDER, total={"amount": "ten", "currency": "EUR"}),
        "bad_format",
        "$.total.amount",
        _BUY,
    ),
    Poison(
        "a currency in lower case",
        _with(ORDER, total={"amount": "1", "currency": "eur"}),
        "bad_format",
        "$.total.currency",
        _BUY,
    ),
    Poison("an order without items", _with(ORDER, items=...), "missing_field", "$.items", _BUY),
    Poison(
        "a wrong GTIN",
        _with(ORDER, items=[_ITEM | {"gtin": "4006381333932"}]),
        "bad_check_digit",
        "$.items[0].gtin",
        _BUY,
    ),
    Poison(
        "a wrong GTIN in a cart",
        _with(cart={"cart_id": "k", "items": [_PRODUCT, _PRODUCT | {"gtin": "96385075"}]}),
        "bad_check_digit",
        "$.cart.items[1].gtin",
    ),
    Poison("a wrong GLN", _with(ORDER, gln="4012345000008"), "bad_check_digit", "$.gln", _BUY),
    Poison(
        "a wrong GCN",
        _with(ORDER, coupons=[{"gcn": "9801234567893"}]),
        "bad_check_digit",
        "$.coupons[0].gcn",
        _BUY,
    ),
    Poison(
        "consent without purposes",
        _with(event_name="consent_updated"),
        "missing_field",
        "$.purposes",
        "events.profile",
    ),
    Poison(
        "a beacon of no standard",
        _with(event_name="beacon_sighted", observation="sighting", beacon={"standard": "wifi"}),
        "out_of_range",
        "$.beacon.standard",
        "events.beacon",
    ),
)
WRONG_TIME = (
    Poison("a time that is words", _with(occurred_at="noon"), "bad_timestamp", "$.occurred_at"),
    Poison(
        "a time without zone",
        _with(occurred_at="2025-06-01T12:00:00"),
        "bad_timestamp",
        "$.occurred_at",
    ),
    Poison("a time as a number", _with(occurred_at=1748779200), "bad_timestamp", "$.occurred_at"),
    Poison(
        "a 13th month", _with(occurred_at="2025-13-01T12:00:00Z"), "bad_timestamp", "$.occurred_at"
    ),
    Poison(
        "before 2020", _with(occurred_at="2019-12-31T23:59:59Z"), "out_of_range", "$.occurred_at"
    ),
    Poison(
        "the year 1",
        _with(occurred_at="0001-01-01T00:00:00+14:00"),
        "out_of_range",
        "$.occurred_at",
    ),
    Poison(
        "the year 2999", _with(occurred_at="2999-01-01T00:00:00Z"), "in_the_future", "$.occurred_at"
    ),
)
WRONG_PERSON = (
    Poison("nobody", _with(identity={}), "no_identity", "$.identity"),
    Poison("only nulls", _with(identity={"customer_id": None}), "no_identity", "$.identity"),
    Poison(
        "an e-mail address as customer id",
        _with(identity={"customer_id": "jane.doe@example.com"}),
        "pii_in_key",
        "$.identity.customer_id",
    ),
    Poison(
        "a phone number with a plus",
        _with(identity={"customer_id": "c-1", "device_id": "+81 90 1234 5678"}),
        "pii_in_key",
        "$.identity.device_id",
    ),
    Poison(
        "a phone number of allowed characters",
        _with(identity={"anonymous_id": "090-1234-5678"}),
        "pii_in_key",
        "$.identity.anonymous_id",
    ),
    Poison(
        "an e-mail address in a link",
        _with(
            event_name="identity_linked",
            link={"from": "jane@example.com", "to": "c-1", "method": "login"},
        ),
        "pii_in_key",
        "$.link.from",
        "events.profile",
    ),
    Poison(
        "an address that was not hashed",
        _with(
            identity={
                "customer_id": "c",
                "ids": [{"type": "email", "value_hash": "jane@example.com"}],
            }
        ),
        "pii_in_key",
        "$.identity.ids[0].value_hash",
    ),
)
WRONG_ENVELOPE = (
    Poison(
        "a type of version 2",
        _with(),
        "unsupported_version",
        "headers.ce_type",
        headers=(*_CE, ("ce_type", b"product_viewed.v2")),
    ),
    Poison(
        "CloudEvents 0.3",
        _with(),
        "unsupported_version",
        "headers.ce_specversion",
        headers=(("ce_specversion", b"0.3"),),
    ),
    Poison(
        "an unknown ce_type",
        _with(event_name=...),
        "unknown_event_name",
        "headers.ce_type",
        headers=(*_CE, ("ce_type", b"com.example.hacked.v1")),
    ),
    Poison(
        "an e-mail address as ce_id",
        _with(event_id=...),
        "pii_in_key",
        "headers.ce_id",
        headers=(("ce_id", b"jane@example.com"),),
    ),
    Poison(
        "a ce_time that is words",
        _with(occurred_at=...),
        "bad_timestamp",
        "headers.ce_time",
        headers=(*_CE, ("ce_time", b"noon")),
    ),
    Poison(
        "structured, but a plain event",
        _with(),
        "missing_field",
        "$.specversion",
        headers=_STRUCTURED,
    ),
    Poison(
        "structured without data", _structured(None), "missing_field", "$.data", headers=_STRUCTURED
    ),
    Poison(
        "structured of version 2",
        _structured(_with(), type="product_viewed.v2"),
        "unsupported_version",
        "$.type",
        headers=_STRUCTURED,
    ),
    Poison(
        "structured CloudEvents 0.3",
        _structured(_with(), specversion="0.3"),
        "unsupported_version",
        "$.specversion",
        headers=_STRUCTURED,
    ),
    Poison(
        "structured with bad data",
        _structured(_with(page={})),
        "missing_field",
        "$.data.page.path",
        headers=_STRUCTURED,
    ),
    Poison(
        "structured with data as text",
        _structured(b'"text"'),
        "not_an_object",
        "$.data",
        headers=_STRUCTURED,
    ),
    Poison(
        "a batch of CloudEvents",
        b"[" + _structured(_with()) + b"]",
        "not_an_object",
        "$",
        headers=_STRUCTURED,
    ),
    Poison(
        "a request without its id",
        b'{"event_name":"erasure_requested","identity":{"customer_id":"c"},"requested_at":"2025-06-01T12:00:00Z"}',
        "missing_field",
        "$.request_id",
        "privacy.requests",
    ),
    Poison(
        "a request at no time",
        b'{"event_name":"erasure_requested","request_id":"r","identity":{"customer_id":"c"}}',
        "missing_field",
        "$.requested_at",
        "privacy.requests",
    ),
    Poison(
        "a request at an odd time",
        b'{"event_name":"erasure_requested","request_id":"r","identity":{"customer_id":"c"},'
        b'"requested_at":"noon"}',
        "bad_timestamp",
        "$.requested_at",
        "privacy.requests",
    ),
)

POISON: tuple[Poison, ...] = (
    *NOT_JSON,
    *TOO_MUCH,
    *WRONG_SHAPE,
    *WRONG_VALUE,
    *WRONG_TIME,
    *WRONG_PERSON,
    *WRONG_ENVELOPE,
)
