"""An offer as a pass for Google Wallet and Apple Wallet: their fields, filled from what is known.

Google Wallet API, `offerclass` and `offerobject`; Apple Wallet Passes, `Pass` with the style
`coupon`. Nothing is signed, and no account is needed: that is the shop's own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from streams.contracts.common import LanguageTag
from streams.contracts.outputs.wallet import (
    AppleBarcode,
    AppleBarcodeFormat,
    AppleCoupon,
    AppleField,
    ApplePass,
    GoogleBarcode,
    GoogleBarcodeType,
    GoogleImage,
    GoogleInterval,
    GoogleMoment,
    GoogleOfferClass,
    GoogleOfferObject,
    GooglePass,
    GoogleTexts,
    GoogleTranslation,
    GoogleUri,
    RedemptionChannel,
    Wallet,
)
from streams.contracts.reference.structs import Offer
from streams.contracts.reference.wallet import BarcodeKind, Redeemed, WalletPass

LABELS: Final[Mapping[str, Mapping[LanguageTag, str]]] = {
    "discount": {"en": "Discount", "ja": "割引", "zh": "优惠"},
    "expires": {"en": "Use by", "ja": "有効期限", "zh": "有效期至"},
    "details": {"en": "Details", "ja": "詳細", "zh": "详情"},
    "fine_print": {"en": "Terms", "ja": "ご利用条件", "zh": "使用条款"},
    "help": {"en": "Help", "ja": "ヘルプ", "zh": "帮助"},
}
_REDEEMED: Final[Mapping[Redeemed, RedemptionChannel]] = {
    "in_store": "INSTORE",
    "online": "ONLINE",
    "both": "BOTH",
}
_GOOGLE: Final[Mapping[BarcodeKind, GoogleBarcodeType]] = {
    "qr": "QR_CODE",
    "code_128": "CODE_128",
    "pdf_417": "PDF_417",
    "aztec": "AZTEC",
}
_APPLE: Final[Mapping[BarcodeKind, AppleBarcodeFormat]] = {
    "qr": "PKBarcodeFormatQR",
    "code_128": "PKBarcodeFormatCode128",
    "pdf_417": "PKBarcodeFormatPDF417",
    "aztec": "PKBarcodeFormatAztec",
}


def wallet_of(
    offer: Offer, decision_id: str, language: LanguageTag, sent_at: datetime, until: datetime
) -> Wallet | None:
    """The passes of one decision; None where the owner wants none.

    `until`: how long this person may use the offer. Apple's pass is in `language`, Google's class
    in all.
    """
    words = offer.wallet
    if words is None:
        return None
    start, end = sent_at.replace(microsecond=0), until.replace(microsecond=0)
    return Wallet(
        google=GooglePass(
            offer_classes=(_class(offer, words),),
            offer_objects=(_object(offer, words, decision_id, start, end),),
        ),
        apple=_apple(offer, words, decision_id, language, end),
    )


def _class(offer: Offer, words: WalletPass) -> GoogleOfferClass:
    return GoogleOfferClass(
        id=words.google_class_id,
        issuer_name=words.organization,
        provider=words.organization,
        title=_default(offer.title).value,
        localized_title=_texts(offer.title),
        short_title=_short(offer),
        redemption_channel=_REDEEMED[words.redeemed],
        details=_default(words.details).value if words.details else None,
        localized_details=_texts(words.details) if words.details else None,
        fine_print=_default(words.fine_print).value if words.fine_print else None,
        localized_fine_print=_texts(words.fine_print) if words.fine_print else None,
        help_uri=GoogleUri(uri=words.help_url) if words.help_url else None,
        title_image=GoogleImage(source_uri=GoogleUri(uri=words.image_url))
        if words.image_url
        else None,
        hex_background_color=words.background,
        multiple_devices_and_holders_allowed_status="ONE_USER_ALL_DEVICES",
        review_status="UNDER_REVIEW",
    )


def _object(
    offer: Offer, words: WalletPass, decision_id: str, start: datetime, end: datetime
) -> GoogleOfferObject:
    code, class_id = _code(offer), words.google_class_id
    return GoogleOfferObject(
        id=f"{class_id.partition('.')[0]}.{decision_id}" if class_id else None,
        class_id=class_id,
        state="ACTIVE",
        barcode=GoogleBarcode(type=_GOOGLE[words.barcode], value=code, alternate_text=code)
        if code
        else None,
        valid_time_interval=GoogleInterval(
            start=GoogleMoment(date=start), end=GoogleMoment(date=end)
        ),
    )


def _apple(
    offer: Offer, words: WalletPass, decision_id: str, language: LanguageTag, end: datetime
) -> ApplePass:
    title, code = _said(offer.title, language), _code(offer)
    return ApplePass(
        format_version=1,
        pass_type_identifier=words.apple_pass_type_id,
        team_identifier=words.apple_team_id,
        serial_number=decision_id,
        organization_name=words.organization,
        description=title,
        expiration_date=end,
        sharing_prohibited=True,
        background_color=_css(words.background) if words.background else None,
        barcodes=(_apple_barcode(words.barcode, code),) if code else (),
        coupon=AppleCoupon(
            header_fields=_discount(offer, language),
            primary_fields=(AppleField(key="offer", label=words.organization, value=title),),
            secondary_fields=(
                AppleField(
                    key="expires",
                    label=LABELS["expires"][language],
                    value=end.isoformat(),
                    date_style="PKDateStyleMedium",
                    time_style="PKDateStyleShort",
                ),
            ),
            back_fields=_back(words, language),
        ),
    )


def _discount(offer: Offer, language: LanguageTag) -> tuple[AppleField, ...]:
    label = LABELS["discount"][language]
    if offer.kind == "percent":
        share = offer.value / 100
        return (
            AppleField(
                key="discount", label=label, value=share, number_style="PKNumberStylePercent"
            ),
        )
    if offer.kind == "amount":
        return (
            AppleField(
                key="discount", label=label, value=offer.value, currency_code=offer.currency
            ),
        )
    return ()


def _back(words: WalletPass, language: LanguageTag) -> tuple[AppleField, ...]:
    texts = {
        "details": _said(words.details, language) if words.details else None,
        "fine_print": _said(words.fine_print, language) if words.fine_print else None,
        "help": words.help_url,
    }
    return tuple(
        AppleField(key=key, label=LABELS[key][language], value=text)
        for key, text in texts.items()
        if text
    )


def _apple_barcode(kind: BarcodeKind, code: str) -> AppleBarcode:
    """Scanners read ISO 8859-1 as Apple recommends it; other letters need UTF-8."""
    narrow = all(ord(letter) < 256 for letter in code)
    return AppleBarcode(
        format=_APPLE[kind],
        message=code,
        message_encoding="iso-8859-1" if narrow else "utf-8",
        alt_text=code,
    )


def _code(offer: Offer) -> str | None:
    return offer.coupon_code or offer.gcn


def _short(offer: Offer) -> str | None:
    """The discount in a few letters; points, gifts and services have none."""
    units = {"percent": "%", "amount": offer.currency}
    return f"{_plain(offer.value)} {units[offer.kind]}" if offer.kind in units else None


def _plain(number: float) -> str:
    """In full, without zeros at the end; no currency of ISO 4217 has more than four decimals.

    >>> [_plain(number) for number in (5.0, 12.5, 1_500_000.0, 12_345.67)]
    ['5', '12.5', '1500000', '12345.67']
    """
    return f"{number:.4f}".rstrip("0").rstrip(".")


def _default(texts: Mapping[LanguageTag, str]) -> GoogleTranslation:
    language: LanguageTag = "en" if "en" in texts else next(iter(texts))
    return GoogleTranslation(language=language, value=texts[language])


def _texts(texts: Mapping[LanguageTag, str]) -> GoogleTexts:
    default = _default(texts)
    others = tuple(
        GoogleTranslation(language=language, value=text)
        for language, text in texts.items()
        if language != default.language
    )
    return GoogleTexts(default_value=default, translated_values=others)


def _said(texts: Mapping[LanguageTag, str], language: LanguageTag) -> str:
    return texts.get(language) or _default(texts).value


def _css(color: str) -> str:
    """A color as CSS writes it by parts.

    >>> _css("#00ff10")
    'rgb(0, 255, 16)'
    """
    red, green, blue = bytes.fromhex(color[1:])
    return f"rgb({red}, {green}, {blue})"
