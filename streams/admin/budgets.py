"""Where the money of the offers' budgets is, as the treasury told it last."""

from collections.abc import Iterable, Iterator

from streams import topics
from streams.broker.reading import read_to_end
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.budgets import BudgetTold, decode_budget
from streams.settings import Settings

NOTHING = "no budget is known yet: the treasury tells of one once a partition has asked for it"
COLUMNS = ("budget", "used", "reserved", "free", "overdrawn")


def budgets(settings: Settings) -> dict[str, BudgetTold]:
    """The newest word on each budget, by the offer's id.

    Raises:
        OperatorError: no broker answers, or the topic is missing.
    """
    said = read_to_end(settings, (settings.on_broker(topics.BUDGETS),))
    return newest((message.key(), message.value()) for message in said)


def newest(records: Iterable[tuple[bytes | None, bytes | None]]) -> dict[str, BudgetTold]:
    """The last word on each budget among keys and values, in their order.

    One that was removed has a record without a value, and is not among them.
    """
    found: dict[str, BudgetTold] = {}
    for key, value in records:
        told = decode_budget(value)
        if not value:
            found.pop((key or b"").decode("utf-8", "replace"), None)
        elif not isinstance(told, Rejected):
            found[told.offer_id] = told
    return found


def told_budgets(settings: Settings) -> Iterator[str]:
    """The same as lines of a table, in the shop's currency.

    Raises:
        OperatorError: no broker answers, or the topic is missing.
    """
    found = budgets(settings)
    if not found:
        yield NOTHING
        return
    width = max(len(offer_id) for offer_id in found)
    yield f"{'offer':{width}}" + "".join(f"{name:>14}" for name in COLUMNS)
    for offer_id, told in sorted(found.items()):
        sums = (told.amount, told.used, told.reserved, told.free, told.overdrawn)
        yield f"{offer_id:{width}}" + "".join(f"{amount:>14}" for amount in sums)
