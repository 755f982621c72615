"""What docs/wallet.md does with an offer that the gateway answered, with keys of this test."""

import hashlib
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from streams.contracts.reference.wallet import WalletPass
from tests.support.asking import QUESTION, Door
from tests.unit.decisions.people import offer, rule, shop

PAGE = Path(__file__).parents[3] / "docs" / "wallet.md"
SHOP = shop(
    replace(offer("tea"), coupon_code="TEA-10", wallet=WalletPass(organization="Tea House")),
    rules=(rule("banner", kind="offer_requested", placement="banner"),),
)
SAVE = "https://pay.google.com/gp/v/save/"


@pytest.fixture(scope="module")
def snippet() -> dict[str, Any]:
    """What the page defines."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(found[1], str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.fixture(scope="module")
def wallet() -> dict[str, Any]:
    """Of the offer that `GET /v1/customers/{id}/offers` answers to the backend."""
    door = Door(reference=SHOP)
    with door.client:
        decided = door.post(QUESTION).json()
        (listed,) = door.offers("c-1").json()["offers"]
    assert listed["wallet"] == decided["offer"]["wallet"]
    assert listed["wallet"]["apple"]["serialNumber"] == decided["decision_id"]
    made: dict[str, Any] = listed["wallet"]
    return made


def test_googles_link_carries_the_passes_under_the_account_that_signed(
    snippet: dict[str, Any], wallet: dict[str, Any]
) -> None:
    """The token is read with the account's public key, and holds what the gateway answered."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    link = snippet["google_link"](wallet, {"client_email": "a@b.example", "private_key": private})
    assert link.startswith(SAVE)
    claims = jwt.decode(
        link.removeprefix(SAVE), key.public_key(), algorithms=["RS256"], audience="google"
    )
    assert (claims["iss"], claims["typ"]) == ("a@b.example", "savetowallet")
    assert claims["payload"] == wallet["google"]


def test_apples_package_verifies_and_holds_what_it_lists(
    snippet: dict[str, Any], wallet: dict[str, Any], tmp_path: Path
) -> None:
    """`openssl` verifies the signature of the manifest, whose sums are those of the files."""
    keys, pictures = tmp_path / "keys", tmp_path / "pictures"
    for folder in (keys, pictures):
        folder.mkdir()
    certify = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=pass"
    run = [*certify.split(), "-keyout", "pass.key", "-out", "pass.pem"]
    subprocess.run(run, cwd=keys, check=True, capture_output=True)
    (keys / "wwdr.pem").write_bytes((keys / "pass.pem").read_bytes())
    (pictures / "icon.png").write_bytes(b"a picture")
    made = snippet["apple_pass"](wallet, pictures, keys, tmp_path)
    with zipfile.ZipFile(made) as package:
        files = {name: package.read(name) for name in package.namelist()}
    sums = json.loads(files["manifest.json"])
    assert sums == {n: hashlib.sha1(files[n]).hexdigest() for n in ("icon.png", "pass.json")}  # noqa: S324 - as Apple asks
    assert set(files) == {*sums, "manifest.json", "signature"}
    assert json.loads(files["pass.json"]) == wallet["apple"]
    (tmp_path / "signature").write_bytes(files["signature"])
    verify = "openssl smime -verify -inform DER -in signature -content manifest.json -noverify"
    said = subprocess.run(verify.split(), cwd=tmp_path, check=False, capture_output=True)
    assert said.returncode == 0, said.stderr
