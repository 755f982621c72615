"""What the pattern of a field asks, in words: nobody has to read a regular expression."""

from typing import Final

from streams.contracts import common, money
from streams.contracts.inputs import beacon_addresses
from streams.contracts.reference import wallet

_WORDS: Final = {
    common.ID_PATTERN: "may hold 1 to 64 letters, digits and _ . : - only, as in c-4711",
    money.AMOUNT_PATTERN: 'is no amount as "12.50": up to 12 digits, a point, up to 6',
    money.PRICE_PATTERN: 'is no price as "12.50": up to 9 digits, a point, up to 6',
    money.CURRENCY_PATTERN: "is no currency of three capital letters, as EUR",
    common.COUNTRY_PATTERN: "is no country of two capital letters, as DE",
    common.DIGITS_PATTERN: "is not 8 to 14 digits without blanks or hyphens, as in 4006381333931",
    common.SHA_256_PATTERN: "is no SHA-256 of 64 lower case hex digits",
    common.GCN_PATTERN: "is no GCN of 13 to 25 digits without blanks or hyphens",
    common.COUPON_CODE_PATTERN: "may hold no tabs, line ends or other control characters",
    common.PLACE_PATTERN: "must be * for all, or hold 1 to 64 letters, digits and _ . : - only",
    beacon_addresses.UUID_PATTERN: "is no UUID of 32 hex digits, with hyphens or without",
    beacon_addresses.HEX_12_PATTERN: "must be 12 hex digits",
    beacon_addresses.HEX_16_PATTERN: "must be 16 hex digits",
    beacon_addresses.HEX_20_PATTERN: "must be 20 hex digits",
    beacon_addresses.HEX_40_PATTERN: "must be 40 hex digits",
    wallet.HTTPS_PATTERN: (
        "must begin with https:// and hold no blanks, quotes or any of < > \\ ^ ` { | }"
    ),
    wallet.COLOR_PATTERN: (
        'must be # and six digits or small letters from a to f in quotes, as in "#1b5e20"'
    ),
    wallet.GOOGLE_CLASS_PATTERN: (
        "must be your issuer's number at Google, a dot, and a name of letters, digits and . _ -"
    ),
    wallet.APPLE_TYPE_PATTERN: (
        "must begin with pass. and go on with letters, digits, dots and hyphens"
    ),
    wallet.APPLE_TEAM_PATTERN: "must be ten capital letters and digits, as in A1B2C3D4E5",
}


def in_words(message: str) -> str:
    """What a decoder said of a pattern, in words; as it was where the pattern has none.

    >>> in_words("Expected `str` matching regex " + repr(wallet.APPLE_TEAM_PATTERN))
    'must be ten capital letters and digits, as in A1B2C3D4E5'
    """
    return next((words for pattern, words in _WORDS.items() if repr(pattern) in message), message)
