"""Webhooks of shops: who signed the body, and the message that it is."""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from streams.gateway.keys import Sender, WriteKeys
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.segment import read_payload

_PING = re.compile(rb"\Awebhook_id=[0-9]{1,20}\Z")


class Shop(Struct, frozen=True):
    """How a shop's system signs: headers in small letters; HMAC-SHA256 of the body, in base64."""

    source: str
    signature: str
    topic: str
    delivery: str


SHOPS: Final = (
    Shop("shopify", "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-webhook-id"),
    Shop("woocommerce", "x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-delivery-id"),
)


def signer_of(shop: Shop, keys: WriteKeys, headers: Mapping[str, str], body: bytes) -> Sender:
    """Whose secret signed the body.

    Raises:
        RequestRefusedError: nobody's that we know.
    """
    given = headers.get(shop.signature, "").strip().encode("ascii", "replace")
    for sender, secret in keys.signing(shop.source):
        if hmac.compare_digest(given, signature(secret, body)):
            return sender
    raise RequestRefusedError(401, "bad_signature", "the body is not signed with a secret of ours")


def signature(secret: bytes, body: bytes) -> bytes:
    """HMAC-SHA256 in base64, as Shopify and WooCommerce write it.

    >>> signature(b"secret", b"{}")
    b'dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM='
    """
    return b64encode(hmac.digest(secret, body, "sha256"))


def is_ping(body: bytes) -> bool:
    """Whether it is the unsigned body by which WooCommerce asks if anybody is there.

    >>> is_ping(b"webhook_id=7"), is_ping(b"{}")
    (True, False)
    """
    return _PING.match(body) is not None


def message_of(shop: Shop, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The payload with its topic as type, and the delivery's id where that is the same each try.

    Raises:
        RequestRefusedError: the body is no JSON object.
    """
    message = read_payload(body)
    message["type"] = headers.get(shop.topic, "").strip().lower()
    if shop.delivery in headers:
        message["delivery"] = f"{shop.source}-{headers[shop.delivery]}"
    return message
