"""What an owner says of an offer that may be kept in Google Wallet or Apple Wallet.

The ids are those of the shop's own accounts at Google and Apple; they are public, and no secret is
here. Whoever signs passes may leave them out and add them there.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from streams.contracts.common import Block, LanguageTag, Text

Redeemed = Literal["in_store", "online", "both"]
BarcodeKind = Literal["qr", "code_128", "pdf_417", "aztec"]
HTTPS_PATTERN: Final = r'^https://[^\x00-\x20\x7f"<>\\^`{|}]+(?!\n)$'
COLOR_PATTERN: Final = r"^#[0-9a-f]{6}(?!\n)$"
GOOGLE_CLASS_PATTERN: Final = r"^[0-9]{1,20}\.[A-Za-z0-9._\-]{1,64}(?!\n)$"
APPLE_TYPE_PATTERN: Final = r"^pass\.[A-Za-z0-9.\-]{1,128}(?!\n)$"
APPLE_TEAM_PATTERN: Final = r"^[A-Z0-9]{10}(?!\n)$"
HttpsUrl = Annotated[str, Meta(max_length=500, pattern=HTTPS_PATTERN)]
Terms = Annotated[str, Meta(max_length=2_000)]


class WalletPass(Block, frozen=True, kw_only=True):
    """How the offer looks as a pass; title, coupon and times are the offer's own."""

    organization: Annotated[str, Meta(min_length=1, max_length=64)]
    redeemed: Redeemed = "both"
    barcode: BarcodeKind = "qr"
    details: dict[LanguageTag, Text] = field(default_factory=dict)
    fine_print: dict[LanguageTag, Terms] = field(default_factory=dict)
    help_url: HttpsUrl | None = None
    image_url: HttpsUrl | None = None
    background: Annotated[str, Meta(pattern=COLOR_PATTERN)] | None = None
    google_class_id: Annotated[str, Meta(pattern=GOOGLE_CLASS_PATTERN)] | None = None
    apple_pass_type_id: Annotated[str, Meta(pattern=APPLE_TYPE_PATTERN)] | None = None
    apple_team_id: Annotated[str, Meta(pattern=APPLE_TEAM_PATTERN)] | None = None
