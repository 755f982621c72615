"""An offer as a pass: every field of Google's and Apple's that is known is filled, no other."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams.admin.reference import load_validated
from streams.contracts.outputs.effects import OfferDecided
from streams.contracts.reference.structs import Offer
from streams.contracts.reference.wallet import WalletPass
from streams.contracts.times import from_ms
from streams.decisions import Basis, decide
from streams.decisions.wallet import wallet_of
from streams.errors import ReferenceDataError
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

ROOT = Path(__file__).parents[3]
SENT = datetime(2026, 3, 14, 9, 26, 53, 589_000, UTC)
UNTIL = datetime(2026, 3, 21, 9, 26, 53, 589_000, UTC)
BARE = WalletPass(organization="Tea House")


@pytest.fixture(scope="module")
def tea(tmp_path_factory: pytest.TempPathFactory) -> Offer:
    """The offer of docs/wallet.md."""
    page = (ROOT / "docs" / "wallet.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    folder = tmp_path_factory.mktemp("shop")
    (folder / "offers.yaml").write_text(found[1], encoding="utf-8")
    (only,) = load_validated(folder).offers
    return only


def filled(one: Offer, language: Any = "en") -> dict[str, Any]:
    """Its passes as they are written."""
    made = wallet_of(one, "d_7", language, SENT, UNTIL)
    read: dict[str, Any] = json.loads(msgspec.json.encode(made))
    return read


def test_googles_class_is_of_the_offer_and_its_object_of_the_person(tea: Offer) -> None:
    """The class has all languages and nothing of a person; ids begin with the issuer's."""
    google = filled(tea, "ja")["google"]
    (of_offer,), (of_person,) = google["offerClasses"], google["offerObjects"]
    assert of_offer == {
        "id": "3388000000012345678.tea-10",
        "issuerName": "Tea House",
        "provider": "Tea House",
        "title": "10 % off tea",
        "localizedTitle": {
            "defaultValue": {"language": "en", "value": "10 % off tea"},
            "translatedValues": [
                {"language": "ja", "value": "お茶10％オフ"},
                {"language": "zh", "value": "茶叶九折"},
            ],
        },
        "shortTitle": "10 %",
        "redemptionChannel": "BOTH",
        "finePrint": "Once per person, not with other coupons.",
        "localizedFinePrint": {
            "defaultValue": {"language": "en", "value": "Once per person, not with other coupons."},
            "translatedValues": [{"language": "ja", "value": "お一人様1回限り。"}],
        },
        "helpUri": {"uri": "https://tea.example/coupons"},
        "hexBackgroundColor": "#1b5e20",
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
        "reviewStatus": "UNDER_REVIEW",
    }
    assert of_person == {
        "id": "3388000000012345678.d_7",
        "classId": "3388000000012345678.tea-10",
        "state": "ACTIVE",
        "barcode": {"type": "QR_CODE", "value": "TEA-10", "alternateText": "TEA-10"},
        "validTimeInterval": {
            "start": {"date": "2026-03-14T09:26:53Z"},
            "end": {"date": "2026-03-21T09:26:53Z"},
        },
    }


def test_apples_pass_is_in_the_persons_language(tea: Offer) -> None:
    """Title, labels and terms; what has no text in that language is in English."""
    apple = filled(tea, "zh")["apple"]
    assert apple == {
        "formatVersion": 1,
        "passTypeIdentifier": "pass.example.tea.coupon",
        "teamIdentifier": "A1B2C3D4E5",
        "serialNumber": "d_7",
        "organizationName": "Tea House",
        "description": "茶叶九折",
        "expirationDate": "2026-03-21T09:26:53Z",
        "sharingProhibited": True,
        "backgroundColor": "rgb(27, 94, 32)",
        "barcodes": [
            {
                "format": "PKBarcodeFormatQR",
                "message": "TEA-10",
                "messageEncoding": "iso-8859-1",
                "altText": "TEA-10",
            }
        ],
        "coupon": {
            "headerFields": [
                {
                    "key": "discount",
                    "label": "优惠",
                    "value": 0.1,
                    "numberStyle": "PKNumberStylePercent",
                }
            ],
            "primaryFields": [{"key": "offer", "label": "Tea House", "value": "茶叶九折"}],
            "secondaryFields": [
                {
                    "key": "expires",
                    "label": "有效期至",
                    "value": "2026-03-21T09:26:53+00:00",
                    "dateStyle": "PKDateStyleMedium",
                    "timeStyle": "PKDateStyleShort",
                }
            ],
            "backFields": [
                {
                    "key": "fine_print",
                    "label": "使用条款",
                    "value": "Once per person, not with other coupons.",
                },
                {"key": "help", "label": "帮助", "value": "https://tea.example/coupons"},
            ],
        },
    }


def test_what_is_not_known_is_left_out(tea: Offer) -> None:
    """No ids, no coupon, no discount: the fields are not there, empty or null."""
    bare = replace(tea, kind="content", coupon_code=None, wallet=BARE)
    made = filled(bare)
    (of_person,) = made["google"]["offerObjects"]
    assert set(of_person) == {"state", "validTimeInterval"}
    assert not {"id", "shortTitle", "helpUri"} & set(made["google"]["offerClasses"][0])
    assert not {"barcodes", "teamIdentifier", "backgroundColor"} & set(made["apple"])
    assert set(made["apple"]["coupon"]) == {"primaryFields", "secondaryFields"}
    assert "null" not in json.dumps(made)


def test_the_gcn_stands_in_for_a_code_and_other_letters_are_utf_8(tea: Offer) -> None:
    """The code first; it is read as it is written."""
    gcn = filled(replace(tea, coupon_code=None, gcn="9501101530003"))
    assert gcn["apple"]["barcodes"][0]["message"] == "9501101530003"
    odd = filled(replace(tea, coupon_code="茶10"))["apple"]["barcodes"][0]
    assert (odd["message"], odd["messageEncoding"]) == ("茶10", "utf-8")
    wide = replace(tea, kind="amount", value=5.0, currency="JPY")
    assert filled(wide)["google"]["offerClasses"][0]["shortTitle"] == "5 JPY"
    assert filled(wide)["apple"]["coupon"]["headerFields"][0]["currencyCode"] == "JPY"


@pytest.mark.parametrize(
    ("value", "currency", "short"),
    [
        (1_500_000.0, "IDR", "1500000 IDR"),
        (12_345.67, "EUR", "12345.67 EUR"),
        (1_000.0, "JPY", "1000 JPY"),
        (7.125, "KWD", "7.125 KWD"),
        (0.5, "EUR", "0.5 EUR"),
    ],
)
def test_an_amount_is_written_in_full(tea: Offer, value: float, currency: str, short: str) -> None:
    """Large ones too: no exponent, nothing rounded away, no zeros at the end."""
    one = replace(tea, kind="amount", value=value, currency=currency)
    assert filled(one)["google"]["offerClasses"][0]["shortTitle"] == short


def test_a_decision_carries_the_pass_of_its_person() -> None:
    """It ends when this person's use ends, in their language; without the block there is none."""
    for words in (None, BARE):
        policy = shop(replace(offer("tea"), redeem_within_days=3.0, wallet=words))
        person = replace(someone(), locale="ja-JP")
        effects = decide(person, request(), T0, Basis(Fixed(), policy))[1]
        (sent,) = [e.offer for e in effects if isinstance(e, OfferDecided)]
        if words is None:
            assert sent.wallet is None
        else:
            assert sent.wallet is not None
            assert sent.wallet.apple.serial_number == sent.decision_id
            assert sent.wallet.apple.expiration_date == sent.offer.valid_until.replace(
                microsecond=0
            )
            assert sent.wallet.apple.coupon.secondary_fields[0].label == "有効期限"
            assert sent.wallet.apple.expiration_date <= from_ms(T0 + 3 * 86_400_000)


@pytest.mark.parametrize(
    ("wallet", "said"),
    [
        ("{}", "$.wallet.organization: is required"),
        ("{organization: A, colour: red}", "$.wallet.colour: is no field of WalletPass"),
        ("{organization: A, help_url: 'javascript:alert(1)'}", "$.wallet.help_url"),
        ("{organization: A, image_url: 'http://a.example/a.png'}", "$.wallet.image_url"),
        ("{organization: A, background: green}", "$.wallet.background"),
        ("{organization: A, google_class_id: tea-10}", "$.wallet.google_class_id"),
        ("{organization: A, apple_pass_type_id: tea}", "$.wallet.apple_pass_type_id"),
        (
            "{organization: A, apple_pass_type_id: pass.a}",
            "$.wallet.apple_team_id: is required beside the other id of Apple",
        ),
        (
            "{organization: A, barcode: code_128}",
            "$.wallet.barcode: code_128 has ASCII letters only, and coupon_code has others",
        ),
    ],
)
def test_a_mistake_in_the_block_is_told_with_its_place(
    tmp_path: Path, wallet: str, said: str
) -> None:
    """`offers validate` and `publish` refuse it; nothing is published."""
    (tmp_path / "offers.yaml").write_text(
        "- {offer_id: t, kind: content, title: {en: T}, margin: 1, coupon_code: 茶, wallet: "
        f"{wallet}, valid_from: 2026-01-01T00:00:00Z, valid_until: 2030-01-01T00:00:00Z}}\n",
        encoding="utf-8",
    )
    with pytest.raises(ReferenceDataError, match=re.escape(said)):
        load_validated(tmp_path)
