"""Consent strings as published elsewhere are read as their writers meant them."""

import pytest

from streams.contracts.common import ConsentSignals
from streams.customer.gpp import denied_by_gpp, denied_purposes, section_ids
from streams.customer.tcf import denied_by_tcf
from streams.customer.us_privacy import ALL_PURPOSES, denied_by_us_section

OFFERS = {"personalization", "profiling"}
NO_TCF_CONSENT = OFFERS | {"location_beacon"}


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
    assert denied_by_gpp(text) == denied


def test_virginia_as_the_encoder_writes_it() -> None:
    """Sale is opted out of (1), targeted advertising is not (2), location is no value (3)."""
    assert denied_by_us_section(9, "BbYbG9s") == OFFERS


def test_a_version_that_is_unknown_is_passed_over() -> None:
    """A later version has other fields: reading them by the old table would be a guess."""
    assert denied_by_us_section(9, "CbYbG9s") == set()
    assert denied_by_us_section(24, "BbYbG9s") == set()


def test_a_tcf_string_of_any_length_is_read() -> None:
    """57 letters are no whole bytes and were refused; letters that are no base64 were skipped."""
    published = "CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAFpQAwAAgCtAWkAAAAAAA"
    assert len(published) % 4 == 1
    assert denied_by_tcf(published) == OFFERS | {"location_beacon"}
    assert denied_by_tcf(published[:10] + "!" + published[10:]) == set()


def test_both_strings_of_an_event_count() -> None:
    """What one string allows does not take back what the other denies."""
    signals = ConsentSignals(tcf="CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", gpp="DBABTA~1YNN")
    assert denied_purposes(signals) == ("location_beacon", "personalization", "profiling")
