"""Churn cases as the alerts on the topic tell them: which are open, and all of one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.log_places import LogPlace, records
from streams.alerts.step_wording import CHANNELS
from streams.alerts.wording import LIFT_SAID_MIN, SIGNAL_REASONS
from streams.contracts.chances import percent_reached
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import ChurnAlert, ChurnSignal
from streams.contracts.unreadable import UNREADABLE
from streams.errors import OperatorError

_ALERT = msgspec.json.Decoder(ChurnAlert)
DAMAGED_SHOWN_MAX = 5
HEAD = (
    f"{'expected loss':>13}  {'value at risk':>14}  {'risk':>4}  {'state':<8}  customer, since, "
    "what to do, case (by expected loss: risk times value at risk)"
)


class Case(Struct, frozen=True):
    """The alerts of one case, the oldest first."""

    alerts: tuple[ChurnAlert, ...]

    @property
    def last(self) -> ChurnAlert:
        """What was said last."""
        return self.alerts[-1]

    @property
    def is_open(self) -> bool:
        """Nothing has resolved it."""
        return self.last.transition != "resolved"

    @property
    def expected_loss(self) -> float:
        """Stated risk times value at risk, in the shop's currency; 0 where no risk is stated."""
        return (self.last.risk or 0.0) * float(self.last.value_at_risk.amount)


def signal_words(signal: ChurnSignal, language: LanguageTag) -> str:
    """What the alerts themselves say of a signal; its code where it is of a newer worker."""
    known = SIGNAL_REASONS.get(signal.code)
    return signal.code if known is None else known[language]


def raises_risk(signal: ChurnSignal) -> bool:
    """Whether it has raised the stated risk by what the alerts themselves speak of."""
    return signal.lift >= LIFT_SAID_MIN


def read_cases(place: LogPlace) -> tuple[list[Case], list[str]]:
    """Every case whose alerts are archived or on the topic, and what of these cannot be read."""
    alerts, damaged = list[ChurnAlert](), list[str]()
    for where, value in records(place, topics.CHURN_ALERTS):
        try:
            alerts.append(_ALERT.decode(value))
        except UNREADABLE as error:
            damaged.append(f"{where} is no record of an alert: {error}")
    return cases_of(alerts), damaged


def told_of_damage(damaged: Sequence[str]) -> Iterator[str]:
    """What cannot be read, the first few by name.

    >>> list(told_of_damage([f"line {n} is no record" for n in range(6)]))[4:]
    ['line 4 is no record', 'and 1 more record of churn-alerts that cannot be read']
    """
    yield from damaged[:DAMAGED_SHOWN_MAX]
    more = len(damaged) - DAMAGED_SHOWN_MAX
    if more > 0:
        many = "record" if more == 1 else "records"
        yield f"and {more} more {many} of churn-alerts that cannot be read"


def cases_of(alerts: Iterable[ChurnAlert]) -> list[Case]:
    """Alerts by case, the case with the greatest expected loss first."""
    found: dict[str, list[ChurnAlert]] = {}
    for alert in alerts:
        found.setdefault(alert.case_id, []).append(alert)
    cases = [Case(tuple(sorted(case, key=lambda a: a.raised_at))) for case in found.values()]
    return sorted(cases, key=lambda case: (-case.expected_loss, case.last.case_id))


def chosen(cases: list[Case], *, open_: bool, band: str | None, customer: str) -> list[Case]:
    """Those that are open, in the band and of the customer, as far as asked."""
    return [
        case
        for case in cases
        if (case.is_open or not open_)
        and band in (None, case.last.risk_band)
        and customer in ("", case.last.customer_id)
    ]


def left_out(kept: int, found: int, limit: int, over: int = 0) -> Iterator[str]:
    """What a list of at most `limit` cases does not show, in words.

    `over`: how many a list of open cases would show, were they not resolved.

    >>> list(left_out(9, 0, 50)), list(left_out(9, 7, 5))
    (['no such case, of 9 that are kept'], ['2 more; --limit 7 shows all'])
    >>> list(left_out(9, 0, 50, over=1))
    ['no open case; 1 that is over (leave out --open to see it)']
    """
    if not found and over:
        is_, it = ("is", "it") if over == 1 else ("are", "them")
        yield f"no open case; {over} that {is_} over (leave out --open to see {it})"
    elif not found:
        yield f"no such case, of {kept} that are kept" if kept else "no case is kept"
    if found > limit:
        yield f"{found - limit} more; --limit {found} shows all"


def case_named(cases: list[Case], case_id: str) -> Case:
    """The case of this id, or of the alert of this id.

    Raises:
        OperatorError: there is none.
    """
    for case in cases:
        if case.last.case_id == case_id or any(a.alert_id == case_id for a in case.alerts):
            return case
    raise OperatorError(
        f"no case {case_id} is kept. `offerstream alerts list` names those that are, with "
        "`--customer ID` those of one customer"
    )


def in_json(case: Case) -> str:
    """The last alert as it is on the topic."""
    return msgspec.json.encode(case.last).decode()


def in_a_line(case: Case) -> str:
    """A case for a list: expected loss, value, risk, who, since when, what to do."""
    last, value = case.last, case.last.value_at_risk
    state = last.risk_band if case.is_open else str(last.resolved_by)
    risk = "-" if last.risk is None else percent_reached(last.risk)
    return (
        f"{case.expected_loss:>13.2f}  {value.amount:>10} {value.currency}  {risk:>4}  {state:<8}"
        f"  {last.customer_id}  since {case.alerts[0].raised_at:%Y-%m-%d}  {_to_do(last)}"
        f"  {last.case_id}"
    )


def _to_do(alert: ChurnAlert) -> str:
    """The next step in the words of the alert's text; without one, the arm that the case is in."""
    step = alert.recommended
    if step is None:
        return alert.experiment.arm
    channel = CHANNELS[step.channel]["en"]
    what = "settle complaint" if step.action == "service_recovery" else f"by {channel}"
    if step.action == "offer":
        what = f"offer {step.offer_id} by {channel}"
    return f"{what}, before {step.act_before:%Y-%m-%d}"


def told(case: Case, language: LanguageTag) -> Iterator[str]:
    """A case from its first alert to its last, with the signals and the events that show them."""
    yield in_a_line(case)
    for alert in case.alerts:
        text = alert.text.get(language, next(iter(alert.text.values()), ""))
        how = f" ({alert.resolved_by})" if alert.resolved_by else ""
        yield f"{alert.raised_at:%Y-%m-%d %H:%M:%S}  {alert.transition}{how}  {text}"
        yield from _told_step(alert, language)
        for signal in alert.signals:
            events = ", ".join(signal.evidence_event_ids) or "no single event"
            yield f"    {signal.code}: {signal_words(signal, language)}  {worth(signal)}  {events}"


def _told_step(alert: ChurnAlert, language: LanguageTag) -> Iterator[str]:
    """Until when to act, and what may be said."""
    step = alert.recommended
    if step is None:
        return
    yield f"    act before: {step.act_before.astimezone(UTC):%Y-%m-%d %H:%M:%S} (UTC)"
    if step.say:
        yield f"    say: {step.say.get(language, '')}"


def worth(signal: ChurnSignal) -> str:
    """What a signal did to the odds, and how that is known.

    As `x 3.10, from 214 cases`; a lift that was not learned names no cases.
    """
    if not signal.cases:
        return f"x {signal.lift:.2f}"
    return f"x {signal.lift:.2f}, from {signal.cases} case{'' if signal.cases == 1 else 's'}"
