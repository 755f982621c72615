"""An offer as a pass: the fields of Google Wallet's offers and of Apple Wallet's coupons.

The names are theirs, and what is not known is left out. Google: `OfferClass` and `OfferObject` of
the Google Wallet API, as the payload of a "save to wallet" token has them. Apple: `pass.json` of a
coupon. Nothing is signed here.
"""

from typing import Literal

from streams.contracts.common import Block, LanguageTag, Zoned

RedemptionChannel = Literal["INSTORE", "ONLINE", "BOTH"]
GoogleBarcodeType = Literal["QR_CODE", "CODE_128", "PDF_417", "AZTEC"]
AppleBarcodeFormat = Literal[
    "PKBarcodeFormatQR",
    "PKBarcodeFormatCode128",
    "PKBarcodeFormatPDF417",
    "PKBarcodeFormatAztec",
]


class GoogleUri(Block, frozen=True, kw_only=True):
    """An address."""

    uri: str


class GoogleImage(Block, frozen=True, kw_only=True, rename="camel"):
    """A picture that Google fetches."""

    source_uri: GoogleUri


class GoogleTranslation(Block, frozen=True, kw_only=True):
    """A text in one language."""

    language: LanguageTag
    value: str


class GoogleTexts(Block, frozen=True, kw_only=True, rename="camel"):
    """A text in several languages, and the one for all others."""

    default_value: GoogleTranslation
    translated_values: tuple[GoogleTranslation, ...] = ()


class GoogleOfferClass(Block, frozen=True, kw_only=True, rename="camel"):
    """What all passes of an offer share."""

    id: str | None = None
    issuer_name: str
    provider: str
    title: str
    localized_title: GoogleTexts
    short_title: str | None = None
    redemption_channel: RedemptionChannel
    details: str | None = None
    localized_details: GoogleTexts | None = None
    fine_print: str | None = None
    localized_fine_print: GoogleTexts | None = None
    help_uri: GoogleUri | None = None
    title_image: GoogleImage | None = None
    hex_background_color: str | None = None
    multiple_devices_and_holders_allowed_status: Literal["ONE_USER_ALL_DEVICES"]
    review_status: Literal["UNDER_REVIEW"]


class GoogleBarcode(Block, frozen=True, kw_only=True, rename="camel"):
    """What the till scans."""

    type: GoogleBarcodeType
    value: str
    alternate_text: str


class GoogleMoment(Block, frozen=True, kw_only=True):
    """A moment."""

    date: Zoned


class GoogleInterval(Block, frozen=True, kw_only=True):
    """From when to when it can be used."""

    start: GoogleMoment
    end: GoogleMoment


class GoogleOfferObject(Block, frozen=True, kw_only=True, rename="camel"):
    """The pass of one person."""

    id: str | None = None
    class_id: str | None = None
    state: Literal["ACTIVE"]
    barcode: GoogleBarcode | None = None
    valid_time_interval: GoogleInterval


class GooglePass(Block, frozen=True, kw_only=True, rename="camel"):
    """The payload of a token that saves the offer to Google Wallet."""

    offer_classes: tuple[GoogleOfferClass, ...]
    offer_objects: tuple[GoogleOfferObject, ...]


class AppleField(Block, frozen=True, kw_only=True, rename="camel"):
    """A field of a pass, and how its value is written."""

    key: str
    label: str | None = None
    value: str | float
    currency_code: str | None = None
    number_style: Literal["PKNumberStylePercent"] | None = None
    date_style: Literal["PKDateStyleMedium"] | None = None
    time_style: Literal["PKDateStyleShort"] | None = None


class AppleCoupon(Block, frozen=True, kw_only=True, rename="camel"):
    """The fields of a coupon, by where they stand."""

    header_fields: tuple[AppleField, ...] = ()
    primary_fields: tuple[AppleField, ...]
    secondary_fields: tuple[AppleField, ...]
    back_fields: tuple[AppleField, ...] = ()


class AppleBarcode(Block, frozen=True, kw_only=True, rename="camel"):
    """What the till scans."""

    format: AppleBarcodeFormat
    message: str
    message_encoding: Literal["iso-8859-1", "utf-8"]
    alt_text: str


class ApplePass(Block, frozen=True, kw_only=True, rename="camel"):
    """The `pass.json` of a coupon, for one person."""

    format_version: Literal[1]
    pass_type_identifier: str | None = None
    team_identifier: str | None = None
    serial_number: str
    organization_name: str
    description: str
    expiration_date: Zoned
    sharing_prohibited: bool
    background_color: str | None = None
    barcodes: tuple[AppleBarcode, ...] = ()
    coupon: AppleCoupon


class Wallet(Block, frozen=True, kw_only=True):
    """The offer as a pass, for whoever signs it."""

    google: GooglePass
    apple: ApplePass
