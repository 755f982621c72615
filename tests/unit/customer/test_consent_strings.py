"""Consent strings as published elsewhere are read as their writers meant them."""

import pytest

from streams.contracts.common import Purpose
from streams.customer.gpp import read_strings, section_ids
from streams.customer.tcf import read_tcf
from streams.customer.us_privacy import ALL_PURPOSES, read_us_section

OFFERS: frozenset[Purpose] = frozenset({"personalization", "profiling"})
NO_TCF_CONSENT: frozenset[Purpose] = OFFERS | {"location_beacon"}


def denied_by(tcf: str = "", gpp: str = "") -> set[Purpose]:
    """What the strings of one event deny together."""
    return set().union(*(denied for _, denied in read_strings(tcf, gpp)))


@pytest.mark.parametrize(
    ("header", "ids"),
    [
        ("DBAA", ()),
        ("DBABMA", (2,)),
        ("DBABM", (2,)),
        ("DBABTA", (6,)),
        ("DBABLA", (7,)),
        ("DBACNY", (2, 6)),
        ("DBABjw", (5, 6)),
        ("CPXxRfA", ()),
        ("DBABMA ", ()),
        ("DBB", ()),
        ("", ()),
    ],
)
def test_headers_that_others_write(header: str, ids: tuple[int, ...]) -> None:
    """Headers as the IAB's own encoder and documents have them; what is no header names nothing."""
    assert section_ids(header) == ids


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("DBABLA~BVQqAAAAAgA.QA", set()),
        ("DBABLA~BVQqAAAAAgA.YA", set(ALL_PURPOSES)),
        ("DBABLA~BVAoAAAAAABk.QA", set()),
        ("DBABTA~1YYN", OFFERS),
        ("DBABTA~1YNN", set()),
        ("DBABTA~1---", set()),
        ("DBABTA~2YYN", set()),
        ("DBACNY~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", NO_TCF_CONSENT),
        ("DBABjw~BPXuQIAPXuQIAAfKABENB-CgAAAAAAAAAAAAAAAA.YAAAAAAAAAA~1YNN", NO_TCF_CONSENT),
        ("DBABLA", set()),
        ("~BVQqAAAAAgA.YA", set()),
    ],
)
def test_strings_that_others_write(text: str, denied: set[str]) -> None:
    """Strings as the IAB's encoder and consent managers write them."""
    assert denied_by(gpp=text) == denied


def test_virginia_as_the_encoder_writes_it() -> None:
    """Sale is opted out of (1), targeted advertising is not (2), location is no value (3)."""
    assert read_us_section(9, "BbYbG9s") == OFFERS


def test_a_version_that_is_unknown_is_passed_over() -> None:
    """A later version has other fields: reading them by the old table would be a guess."""
    assert read_us_section(9, "CbYbG9s") is None
    assert read_us_section(24, "BbYbG9s") is None


def test_a_tcf_string_of_any_length_is_read() -> None:
    """57 letters are no whole bytes and were refused; letters that are no base64 were skipped."""
    published = "CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAFpQAwAAgCtAWkAAAAAAA"
    assert len(published) % 4 == 1
    assert read_tcf(published) == OFFERS | {"location_beacon"}
    assert read_tcf(published[:10] + "!" + published[10:]) is None


def test_both_strings_of_an_event_count() -> None:
    """What one string allows does not take back what the other denies."""
    denied = denied_by(tcf="CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", gpp="DBABTA~1YNN")
    assert denied == {"location_beacon", "personalization", "profiling"}
