"""Microseconds per apply, encode, decode; bytes of a typical row: `python -m benchmarks.rows`."""

import time
from collections.abc import Callable

from streams.contracts.times import DAY_MS
from streams.customer import apply, decode_row, encode_row
from streams.identity import resolve
from tests.unit.customer.test_applying import (
    GRANTED,
    PLACES,
    SHOE,
    T0,
    after,
    order,
    stream_of,
    web,
)


def microseconds(work: Callable[[], object], times: int = 5_000) -> float:
    """The best of five rounds."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, time.perf_counter() - start)
    return best / times * 1e6


def main() -> None:
    """Print what was measured."""
    person = after(GRANTED, *stream_of(1)).person
    view = web(1_000, "product_viewed", T0 + 8 * DAY_MS, product=SHOE)
    bought = order(1_001, "o-new", "20.00", T0 + 8 * DAY_MS)
    data = encode_row(person)
    print(f"resolve                {microseconds(lambda: resolve(view, person)):7.1f} us")
    print(f"apply product_viewed   {microseconds(lambda: apply(person, view, PLACES)):7.1f} us")
    print(f"apply order_completed  {microseconds(lambda: apply(person, bought, PLACES)):7.1f} us")
    print(f"encode                 {microseconds(lambda: encode_row(person)):7.1f} us")
    print(f"decode                 {microseconds(lambda: decode_row(data)):7.1f} us")
    print(f"typical row            {len(data):7d} bytes")


if __name__ == "__main__":
    main()
