"""What the CRM's word on a treated case teaches: whether its signals told of leaving.

What comes of a treated case teaches nothing of its signals, for the contact may have done it. Where
the CRM says `false_alarm` (there was nothing to save) or `lost` (nothing was saved), it has not.
Then the word is half a label, learned at once, and what comes within the horizon is the other half:
together they count as one case, and where they disagree one takes back the other. Two
words that contradict each other are a half each, and one takes back the other: with what came such
a case counts as one and a half.
"""

from collections.abc import Mapping
from typing import Final, cast

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.inputs.events import InputEvent, Profile
from streams.contracts.outputs.effects import Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import CrmResult
from streams.customer.row import CaseFollowUp, Customer
from streams.features.churn_signals import report_example
from streams.feedback.labels import may_train

WORDS: Final[Mapping[CrmResult, bool | None]] = {"false_alarm": True, "lost": False, "saved": None}
"""Whether the person stays, as the word has it; None: the contact changed what comes."""


def hear_report(
    person: Customer, event: InputEvent, at_ms: int
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person after the CRM's word on a case that is followed, open or not; and its half label.

    Each word counts once a case. Another event, and the word on a case that is not followed, change
    nothing.
    """
    outcome = event.outcome if isinstance(event, Profile) else None
    if outcome is None or outcome.result not in WORDS:
        return person, ()
    word = cast("CrmResult", outcome.result)
    case = next((c for c in person.churn.followed if outcome.alert_id in c.alert_ids), None)
    if case is None or word in case.reported:
        return person, ()
    told = replace(case, reported=tuple(sorted((*case.reported, word))))
    followed = tuple(told if c is case else c for c in person.churn.followed)
    person = replace(person, churn=replace(person.churn, followed=followed))
    stays = WORDS[word]
    if stays is None or not may_train(person):
        return person, ()
    return person, _half(told, stays, at_ms, word)


def label_reported(case: CaseFollowUp, *, bought: bool, at_ms: int) -> tuple[Effect, ...]:
    """The other half, when the horizon is over: what came of a case that no contact has changed."""
    if not case.reported or any(WORDS[word] is None for word in case.reported):
        return ()
    return _half(case, bought, at_ms, "came")


def _half(case: CaseFollowUp, stays: bool, at_ms: int, by: str) -> tuple[Effect, ...]:
    """Half a label; none of a control, of which the horizon tells, nor where nothing was said."""
    if case.said is None:
        return ()
    example_id = derive_id("x", case.case_id, "reported", by)
    horizon_ms = case.ends_at_ms - case.entered_at_ms
    return (OutcomeLabeled(report_example(example_id, case.said, horizon_ms, stays, at_ms)),)
