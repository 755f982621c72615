"""The alerts that the product would have raised: a file's purchases through all of `process`.

The same driver as in `replay`, with default policies and no offers: rows, ticks, learning and cases
are the product's own. Nothing is known before it happens.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.common import Purpose, RiskBandName
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import AlertRaised, Effect, EventIgnored
from streams.contracts.outputs.payloads import AlertTransition, ChurnAlert, ResolvedBy
from streams.contracts.reference.structs import ChurnDefinition, Policies, Reference
from streams.contracts.times import from_ms, to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.inputs import granted
from streams.evaluation.purchases import Purchase
from streams.models import initial_models
from streams.models.trainer import Trainer

GRANTED: tuple[Purpose, ...] = ("profiling", "model_training")
HORIZON_TICKS_MAX = 104  # of `ChurnDefinition`
Progress = Callable[[float], None]


class PlayedAlert(Struct, frozen=True, kw_only=True):
    """One alert: about whom, when, what became of the case, the stated risk (0 to 1)."""

    customer_id: str
    case_id: str
    at_ms: int
    transition: AlertTransition
    resolved_by: ResolvedBy | None
    risk: float | None
    band: RiskBandName


class AlertPlay(Struct, frozen=True, kw_only=True):
    """What a play gave.

    Attributes:
        alerts: in the order in which they were raised.
        taken: the purchases that the product took for purchases, in the order of time.
        passed: how many it did not take, by reason; `not_applicable` are those of amount 0.
        own_ms: when the shop's own data first carried a score; None if they never did.
        end_ms: the last purchase of the file; 0 without any.
        definition: what leaving means here, with the bands and costs of the default policies.
    """

    alerts: tuple[PlayedAlert, ...]
    taken: tuple[Purchase, ...]
    passed: Mapping[str, int]
    own_ms: int | None
    end_ms: int
    definition: ChurnDefinition


def definition_of(tick: Literal["week", "day"], horizon_ms: int) -> ChurnDefinition | None:
    """Default policies with this tick and horizon, the horizon in whole ticks, rounded up.

    Nobody in a file was contacted, so every case is a control: what came of it says nothing of what
    a contact is worth. None where policies allow no such horizon: it is over 104 ticks.
    """
    one = ChurnDefinition(tick=tick)
    ticks = max(-(-horizon_ms // one.tick_ms), 1)
    if ticks > HORIZON_TICKS_MAX:
        return None
    return ChurnDefinition(tick=tick, horizon_ticks=ticks, control_share=1.0)


def play_alerts(
    purchases: Sequence[Purchase],
    definition: ChurnDefinition,
    on_progress: Progress | None = None,
) -> AlertPlay:
    """Play `purchases`, in the order of time, up to the last of them.

    Everybody has granted `profiling` and `model_training`. Amounts count in the shop's currency.
    """
    policies = Policies(churn=definition)
    driver = Driver(compile_policy(Reference(policies=policies)), initial_models(), Trainer())
    alerts, taken, passed = list[PlayedAlert](), list[Purchase](), Counter[str]()
    own_ms: int | None = None
    for record in granted(_records(purchases, policies.currency), GRANTED):
        purchase, ordered = purchases[record.line - 1], record.topic == topics.PURCHASE.name
        if on_progress is not None and record.line % 256 == 0:
            on_progress(record.line / len(purchases))
        outcome = driver.feed(record.topic, record.value, _rules(purchase.at_ms))
        if isinstance(outcome, Rejected):
            passed.update([outcome.reason] if ordered else [])
            continue
        alerts.extend(_alerts_in(outcome))
        model = driver.models.churn
        if own_ms is None and model.is_carried(definition.tick_ms, definition.horizon_ticks):
            own_ms = purchase.at_ms
        if ordered:
            ignored = next((e.reason for e in outcome if isinstance(e, EventIgnored)), None)
            taken.extend([purchase] if ignored is None else [])
            passed.update([ignored] if ignored is not None else [])
    return AlertPlay(
        alerts=tuple(alerts),
        taken=tuple(taken),
        passed=dict(sorted(passed.items())),
        own_ms=own_ms,
        end_ms=purchases[-1].at_ms if purchases else 0,
        definition=definition,
    )


def _records(purchases: Sequence[Purchase], currency: str) -> Iterator[InputRecord]:
    for number, purchase in enumerate(purchases, 1):
        value = msgspec.json.encode(
            {
                "event_id": f"purchase-{number}",
                "event_name": "order_completed",
                "occurred_at": from_ms(purchase.at_ms).isoformat(timespec="milliseconds"),
                "identity": {"customer_id": purchase.customer_id},
                "channel": "web",
                "order_id": f"order-{number}",
                "total": {"amount": f"{purchase.amount:.2f}", "currency": currency},
                "items": [],
            }
        )
        yield InputRecord(number, topics.PURCHASE.name, purchase.customer_id.encode(), value)


def _rules(now_ms: int) -> InputRules:
    return InputRules(now_ms=now_ms, occurred_at_min_ms=0)


def _alerts_in(effects: Sequence[Effect]) -> Iterator[PlayedAlert]:
    for effect in effects:
        if isinstance(effect, AlertRaised):
            yield _played(effect.alert)


def _played(alert: ChurnAlert) -> PlayedAlert:
    return PlayedAlert(
        customer_id=alert.customer_id,
        case_id=alert.case_id,
        at_ms=to_ms(alert.raised_at),
        transition=alert.transition,
        resolved_by=alert.resolved_by,
        risk=alert.risk,
        band=alert.risk_band,
    )
