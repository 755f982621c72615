"""Terms are rounded without going over text, and to what the text would say."""

from hypothesis import given
from hypothesis import strategies as st

from streams.decisions.arbitration import to_nano

NANO = 1e-9


@given(st.floats(-1e6, 1e6))
def test_it_is_within_half_a_nano_of_the_amount(amount: float) -> None:
    """Of any amount that a shop has, no more than half of the ninth decimal is lost."""
    assert abs(to_nano(amount) - amount) <= NANO / 2 + abs(amount) * 2**-52


@given(st.integers(-(10**15), 10**15))
def test_what_has_nine_decimals_stays_as_it_is(nanos: int) -> None:
    """An amount of at most nine decimals is itself, as `round` has it."""
    amount = nanos / 1e9
    assert to_nano(amount) == amount == round(amount, 9)
