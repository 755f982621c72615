"""Two rows that become one person, each told of one order."""

from streams.customer.orders import joined, unknown_order, with_completion, with_return


def test_a_refund_that_both_rows_were_told_of_counts_once() -> None:
    """One event told under two ids, before a login, takes its amount once; two events twice."""
    paid = with_completion(unknown_order("o-1"), 0, 100.0, "web")
    known = with_return(paid, "r-1", 1, 30.0)
    loose = with_return(unknown_order("o-1"), "r-1", 1, 30.0)
    other = with_return(unknown_order("o-1"), "r-2", 1, 30.0)
    for a, b, back in ((known, loose, 30.0), (known, other, 60.0), (loose, other, 60.0)):
        assert joined(a, b).given_back == back
        assert joined(b, a).given_back == back
    assert joined(with_return(known, "r-2", 2, 5.0), loose).refunded == 35.0
