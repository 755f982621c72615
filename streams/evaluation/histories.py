"""What a file of purchases says of each customer at a moment: last purchase, own gap, spend."""

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from streams.contracts.times import DAY_MS
from streams.evaluation.purchases import Purchase


class Known(Struct, frozen=True):
    """A customer as they are known at one moment; purchases of one day (UTC) count once.

    Attributes:
        repeats: purchase days after the first.
        first_ms: the first purchase.
        last_ms: the newest purchase.
        spent: the sum of all amounts, in the file's currency.
    """

    repeats: int
    first_ms: int
    last_ms: int
    spent: float

    @property
    def gap_ms(self) -> float | None:
        """The own gap: the mean between purchase days so far, a day at least; None without one."""
        if not self.repeats:
            return None
        return max((self.last_ms - self.first_ms) / self.repeats, float(DAY_MS))


class _Own(Struct):
    at_ms: list[int] = []
    day: list[int] = []
    spent: list[float] = []


class Histories:
    """The purchases of every customer; what is asked at a moment knows nothing later."""

    def __init__(self, purchases: Sequence[Purchase]) -> None:
        """`purchases` in the order of time."""
        self._own: dict[str, _Own] = {}
        for purchase in purchases:
            own = self._own.setdefault(purchase.customer_id, _Own())
            new = not own.at_ms or own.at_ms[-1] // DAY_MS != purchase.at_ms // DAY_MS
            own.day.append((own.day[-1] if own.day else -1) + new)
            own.spent.append((own.spent[-1] if own.spent else 0.0) + purchase.amount)
            own.at_ms.append(purchase.at_ms)

    @property
    def customers(self) -> tuple[str, ...]:
        """Everybody who ever bought, in the order of their first purchases."""
        return tuple(self._own)

    def times_ms(self, customer_id: str) -> list[int]:
        """When the customer bought, the earliest first; do not change it."""
        return self._own[customer_id].at_ms

    def known(self, customer_id: str, at_ms: int) -> Known | None:
        """The customer at `at_ms`, a purchase at that moment included; None before the first."""
        own = self._own.get(customer_id)
        newest = bisect_right(own.at_ms, at_ms) - 1 if own else -1
        if own is None or newest < 0:
            return None
        return Known(own.day[newest], own.at_ms[0], own.at_ms[newest], own.spent[newest])

    def next_ms(self, customer_id: str, at_ms: int) -> int | None:
        """The first purchase after `at_ms`; None if the file has none."""
        own = self._own.get(customer_id)
        following = bisect_right(own.at_ms, at_ms) if own else 0
        return own.at_ms[following] if own and following < len(own.at_ms) else None

    def is_gone(self, customer_id: str, at_ms: int, horizon_ms: int) -> bool:
        """Whether no purchase follows in (`at_ms`, `at_ms + horizon_ms`], as far as the file."""
        next_ms = self.next_ms(customer_id, at_ms)
        return next_ms is None or next_ms > at_ms + horizon_ms
