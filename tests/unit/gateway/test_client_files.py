"""The client for pages: what is served is what its source makes: small, cached, and no other."""

import json
import re
from pathlib import Path

import pytest

from streams.contracts.common import Purpose
from streams.contracts.inputs.events import ClickstreamName, PurchaseName, names_of
from streams.gateway.feedback import NAMES
from tests.support.asking import Door
from tests.support.client_build import STATIC, built, compiled

SENT_BYTES_MAX = 2_048
PLAIN_BYTES_MAX = 3_700
SOURCE = (STATIC / "offerstream.ts").read_text(encoding="utf-8")


@pytest.fixture
def door() -> Door:
    """The gateway's application."""
    return Door()


def test_what_is_committed_is_what_the_compiler_makes_of_the_source() -> None:
    """`python -m tests.support.client_build` writes both."""
    made = built()
    there = {name: (STATIC / name).read_text(encoding="utf-8") for name in made}
    assert there == made


def test_the_client_is_small(door: Door) -> None:
    """Under 2 KiB as a browser is sent it; and that is the file."""
    answer = door.client.get("/client/offerstream.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) <= SENT_BYTES_MAX
    assert answer.content == (STATIC / "offerstream.js").read_bytes()
    assert len(answer.content) <= PLAIN_BYTES_MAX


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("offerstream.js", "text/javascript; charset=utf-8"),
        ("offerstream.d.ts", "text/plain; charset=utf-8"),
        ("offerstream.ts", "text/plain; charset=utf-8"),
    ],
)
def test_a_file_is_served_to_anybody_and_kept(door: Door, name: str, media_type: str) -> None:
    """Without a key or a token; who has it already is told so."""
    answer = door.client.get(f"/client/{name}", headers={"accept-encoding": "identity"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert "content-encoding" not in answer.headers
    assert answer.content == (STATIC / name).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = door.client.get(f"/client/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_of_the_shop_may_load_it_as_a_module(door: Door) -> None:
    """Those of `allowed_origins`, and no others."""
    origins = ("https://shop.example", "https://evil.example")
    answers = [door.client.get("/client/offerstream.js", headers={"origin": o}) for o in origins]
    allowed = [answer.headers.get("access-control-allow-origin") for answer in answers]
    assert allowed == ["https://shop.example", None]


@pytest.mark.parametrize(
    "path",
    [
        "/client/",
        "/client/app.py",
        "/client/../app.py",
        "/client/%2e%2e/app.py",
        "/client/..%2fapp.py",
        "/client/offerstream.js/../../app.py",
        "/client/offerstream.js%00.py",
        "/client//etc/passwd",
    ],
)
def test_no_other_file_is_served(door: Door, path: str) -> None:
    """Three names are known; whatever else an address says is 404."""
    assert door.client.get(path).status_code == 404


def union(name: str) -> set[str]:
    """The texts of a union type of the source."""
    found = re.search(rf"export type {name} =(.*?);", SOURCE, re.DOTALL)
    assert found is not None
    return set(re.findall(r'"(\w+)"', found[1]))


def test_its_types_know_the_names_of_the_contract() -> None:
    """Every event of a page, every purpose and every kind of feedback, and no other."""
    assert union("EventName") == {*names_of(ClickstreamName), names_of(PurchaseName)[0]}
    assert union("Purpose") == set(names_of(Purpose))
    assert union("Did") == set(NAMES)


USES = """
import {{ connect, type Decided, type Offer }} from "{client}";
const shop = connect({{ key: "k", customer: "c-1", token: async () => "t", consent: true }});
shop.track("product_viewed", {{ product: {{ product_id: "s-1", category: "tea" }} }});
const answer: Decided = await shop.decide("home_banner", {{ timeout_ms: 200 }});
if (answer.offer) shop.feedback(answer.offer, "seen");
const stop: () => void = shop.onOffer((offer) => offer.coupon?.code?.trim());
stop();
const offer: Offer = {offer};
shop.feedback(offer, "used");
// @ts-expect-error: no such event
shop.track("product_veiwed");
// @ts-expect-error: a product has a category
shop.track("product_viewed", {{ product: {{ product_id: "s-1" }} }});
// @ts-expect-error: nothing else can become of an offer
shop.feedback(offer, "eaten");
// @ts-expect-error: a purpose that nobody knows
shop.consent({{ everything: true }});
"""


def test_its_types_fit_what_the_gateway_answers(door: Door, tmp_path: Path) -> None:
    """An offer of the running code is an `Offer`; mistakes in a page are found before it runs."""
    body = {"person": {"customer_id": "c-1"}, "placement": "banner", "channel": "app"}
    with door.client:
        offer = door.post(body).json()["offer"]
    assert offer is not None
    page = tmp_path / "page.ts"
    client = str(STATIC / "offerstream.js")
    page.write_text(USES.format(client=client, offer=json.dumps(offer)), encoding="utf-8")
    assert compiled(page, "--noEmit", "--allowImportingTsExtensions") == ""
