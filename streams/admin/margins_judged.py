"""What deciding brought by the own log, wherever it lies, and what is said of it."""

from collections.abc import Iterator, Sequence

from streams import topics
from streams.admin.log_places import LogPlace, decoded_records
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import DecisionLog
from streams.evaluation.brought import Against, Brought, Uses, brought
from streams.models.incremental_margin import PEOPLE_MIN


def judge_margins(place: LogPlace) -> Brought:
    """Compare arms with each other, and each offer that has a holdout with that.

    Raises:
        OperatorError: the log cannot be read.
    """
    return brought(
        decoded_records(place, topics.DECISION_LOG, DecisionLog),
        decoded_records(place, topics.LEARNING_EXAMPLES, LearningExample),
    )


def told_of_margins(found: Brought) -> Iterator[str]:
    """Lines for a terminal."""
    yield "margin a head, of people whose window is over; intervals hold at every look"
    for one in found.arms:
        yield _against(f"{one.groups[0].name} against {one.groups[1].name}", one)
    yield "" if found.arms else "  nobody's window is over yet"
    yield "offers with a holdout: margin a head of who was sent it, against who would have been"
    for one in found.offers:
        yield _against(one.offer_id or "", one)
    yield "" if found.offers else "  none whose windows are over (offers: holdout_share)"
    yield from _uses("arm", found.uses_by_arm)
    yield ""
    yield from _uses("offer", found.uses_by_offer)


def _against(name: str, one: Against) -> str:
    (first, second), effect = one.groups, one.effect
    groups = (
        f"  {name:<28} {first.margin:8.3f} ({first.people:,} people)"
        f" {second.margin:8.3f} ({second.people:,} people)"
    )
    if effect is None:
        return f"{groups}  too few people ({PEOPLE_MIN} of each are needed)"
    return f"{groups}  {effect.value:+.3f}  [{effect.low:+.3f}, {effect.high:+.3f}]"


def _uses(kind: str, rows: Sequence[Uses]) -> Iterator[str]:
    """Uses by offers sent, and by people; the first flatters whoever sends fewer."""
    columns = ("people", "sent", "used", "of sent", "a head")
    yield f"{kind + ', uses':<30} " + " ".join(f"{column:>8}" for column in columns)
    for one in rows:
        yield (
            f"  {one.name:<28} {one.people:>8,} {one.sent:>8,} {one.used:>8,} "
            f"{one.of_sent:>8.1%} {one.a_head:>8.3f}"
        )
