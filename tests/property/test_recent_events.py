"""The same event again is taken in once, however many others came between, within the bound."""

from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.common import Identity
from streams.contracts.inputs.events import Clickstream, Page
from streams.contracts.times import from_ms
from streams.customer import Customer, Places, apply, decode_row, encode_row, new_customer
from streams.customer.row import OLDER_EVENTS_MAX, RECENT_EVENTS_MAX

T0 = 1_770_000_000_000
KNOWN = RECENT_EVENTS_MAX + OLDER_EVENTS_MAX


def view(number: int, path: str = "/") -> Clickstream:
    """A page view."""
    return Clickstream(
        event_id=f"e-{number}",
        event_name="page_viewed",
        occurred_at=from_ms(T0 + number * 1_000),
        identity=Identity(customer_id="c-1"),
        channel="web",
        page=Page(path=path),
    )


def after(numbers: range) -> Customer:
    """A person who looked at so many pages, read back from the store."""
    person = new_customer("c-1", T0)
    for number in numbers:
        person = apply(person, view(number), Places()).person
    stored = decode_row(encode_row(person))
    assert isinstance(stored, Customer)
    return stored


LONG = after(range(KNOWN))


@given(st.integers(0, KNOWN - 1), st.sampled_from(["/", "/changed"]))
def test_each_of_the_last_256_events_counts_once(number: int, path: str) -> None:
    """Any of them again, also with other content, changes nothing."""
    applied = apply(LONG, view(number, path), Places())
    assert applied.ignored
    assert applied.person == LONG


def test_the_bound_is_what_the_docs_say() -> None:
    """256 events are known; the one before them is new again, and others are never mistaken."""
    assert KNOWN == 256
    one_more = apply(LONG, view(KNOWN), Places()).person
    assert not apply(one_more, view(0), Places()).ignored
    assert apply(one_more, view(1), Places()).ignored
    assert not any(apply(LONG, view(n), Places()).ignored for n in range(1_000, 3_000))
