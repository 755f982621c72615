"""What is said of a wrong value: for every kind of field, in words without a decoder's terms."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import pytest
from msgspec import Meta

from streams.contracts import common, money
from streams.contracts.fault_words import plain
from streams.contracts.faults import faults_of
from streams.contracts.inputs import beacon_addresses, events
from streams.contracts.pattern_words import in_words
from streams.contracts.reference import structs, wallet
from streams.contracts.reference.check import check_reference
from streams.contracts.reference.structs import Offer, Policies, Reference
from tests.support.scarce_shop import scarce

KINDS: list[tuple[Any, object, str]] = [
    (float | None, "x", "must be a number, not a text"),
    (Annotated[float, Meta(gt=0)] | None, 0.0, "must be above 0"),
    (Annotated[float, Meta(le=1e7)], 1e8, "must be at most 10,000,000"),
    (Annotated[float, Meta(lt=0.5)], 1.0, "must be below 0.5"),
    (Annotated[int, Meta(ge=-3)], -4, "must be at least -3"),
    (str | None, 3, "must be a text, not a whole number"),
    (Annotated[str, Meta(min_length=1)], "", "must not be empty"),
    (Annotated[str, Meta(max_length=3)], "abcd", "must have at most 3 characters"),
    (Annotated[tuple[str, ...], Meta(max_length=1)], ["a", "b"], "must have at most 1 item"),
    (tuple[float, float], [1.0], "must have 2 items, not 1"),
    (tuple[str, ...], "x", "must be a list, not a text"),
    (Annotated[dict[str, int], Meta(min_length=2)], {}, "must have at least 2 fields"),
    (bool, None, "must be true or false, not null"),
    (list[int] | dict[str, int], "d", "must be a list or an object of named fields, not a text"),
]


@pytest.mark.parametrize(("kind", "value", "said"), KINDS, ids=range(len(KINDS)))
def test_what_was_expected_is_said_in_words(kind: Any, value: object, said: str) -> None:
    """Numbers without a needless point, kinds by their everyday names."""
    assert list(faults_of(value, kind)) == [f"$: {said}"]


def _hints(kind: type[msgspec.Struct]) -> list[Any]:
    hints = get_type_hints(kind, include_extras=True).values()
    return [one for hint in hints for one in (hint, *get_args(hint))]


def _wrong(kind: type[msgspec.Struct]) -> Iterator[tuple[str, object, Any]]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for value in ("", "x" * 9_999, -1e30, 1e30, True, [], [3], {}, {"x": 3}, None):
            yield name, value, hint


@pytest.mark.parametrize("kind", [Offer, Policies])
def test_no_field_of_a_file_is_answered_in_a_decoder_s_terms(kind: type[msgspec.Struct]) -> None:
    """Of any wrong value in any field of an offer and of the policies."""
    said = [line for name, value, hint in _wrong(kind) for line in faults_of(value, hint, name)]
    assert len(said) > 50
    assert [line for line in said if "Expected" in line or "`" in line.replace("^ ` {", "")] == []


def test_sums_are_never_powers_of_ten() -> None:
    """Ten millions are written out, in a message too."""
    (dear,) = scarce(2).offers
    dear = msgspec.structs.replace(dear, discount_max=10_000_000.0)
    (said,) = check_reference(Reference(offers=(dear,)))
    assert "10,000,000.00" in said
    assert plain(0.05) == "0.05"


def test_every_pattern_has_words() -> None:
    """Of all that a shop or a sender writes; a lease's key is written by the program alone."""
    rooms = [common, money, beacon_addresses, events, structs, wallet]
    values = [value for room in rooms for value in vars(room).values()]
    found = {
        meta.pattern
        for value in values
        for hint in (value, *(getattr(value, "__struct_fields__", ()) and _hints(value)))
        for meta in getattr(hint, "__metadata__", ())
        if isinstance(meta, Meta) and meta.pattern is not None
    }
    assert len(found) > 12
    for pattern in found:
        assert "regex" not in in_words(f"Expected `str` matching regex {pattern!r}")
