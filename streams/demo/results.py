"""From what was counted to what is said: rates by arm, spend a head, latencies, churn AUC."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from streams.contracts.reference.structs import Experiment
from streams.identity.arms import arm_of
from streams.simulator.scoring import ArmResult
from streams.telemetry import catalogue as metrics

SECOND_MS = 1_000


class ArmLine(Struct, frozen=True):
    """One arm: people, offers, offers used, and what was spent a head."""

    arm: str
    people: int
    result: ArmResult
    spend_per_head: float


def people_by_arm(experiment: Experiment, customer_ids: Iterable[str]) -> Counter[str]:
    """How many of these people are in each arm."""
    return Counter(arm_of(experiment, customer_id).name for customer_id in customer_ids)


def arm_lines(
    exposition: str, offers: Mapping[str, int], used: Mapping[str, int], people: Mapping[str, int]
) -> tuple[ArmLine, ...]:
    """Every arm.

    Args:
        exposition: the worker's `/metrics`, which say what was spent; may be empty.
        offers: offers that came out, by arm.
        used: those of them that were used.
        people: heads by arm.
    """
    spent = spent_by_arm(exposition)
    return tuple(
        ArmLine(
            arm,
            heads,
            ArmResult(arm, offers.get(arm, 0), used.get(arm, 0)),
            spent.get(arm, 0.0) / heads if heads else 0.0,
        )
        for arm, heads in people.items()
    )


def percentiles_ms(latencies_s: list[float]) -> tuple[float, float] | None:
    """The median and the 99th percentile in milliseconds; None without any.

    >>> percentiles_ms([0.01, 0.02, 0.03])
    (20.0, 29.8)
    """
    if not latencies_s:
        return None
    p50, p99 = np.percentile(latencies_s, [50, 99]) * 1000.0
    return round(float(p50), 1), round(float(p99), 1)


def length_said(ms: float) -> str:
    """A length of time: from a second on in seconds.

    >>> length_said(42.4), length_said(999.4), length_said(999.6), length_said(12_345.0)
    ('42 ms', '999 ms', '1.0 s', '12.3 s')
    """
    return f"{ms:.0f} ms" if round(ms) < SECOND_MS else f"{ms / SECOND_MS:,.1f} s"


def spent_by_arm(exposition: str) -> dict[str, float]:
    """What people spent on purchases, by arm, in the shop's currency."""
    return {
        sample.labels["arm"]: sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == metrics.PURCHASE_AMOUNT.name
    }
