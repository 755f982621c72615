"""The metric catalogue: every metric that offerstream exposes, as data, one file for each group.

The worker, the dashboards, the alert rules and `docs/operate.md` are made from this list or
checked against it. A new metric is one entry in the file of its group and one row in `fold`, or one
call in the worker. Base units are in the names (`_seconds`, `_bytes`, `_ratio`); money is in the
shop's currency (`_currency`); labels come from closed enums and never hold an id.

* `events` - what comes in: events, timers, ids, visits, and what of it cannot be used
* `decisions` - what is decided: verdicts, offers, what was withheld, and the budgets of offers
* `outcomes` - what became of offers: uses, purchases, margins by arm, what deciding brings
* `churn` - who is about to leave: alerts, cases, what came of them, stages
* `learning` - what is learned: labels, snapshots, and how well the models say what comes
* `reference` - what decisions stand on: the shop's files as workers read them
* `runtime` - what carries it: epochs, rows, restores, standbys, lag, faults
* `gateway` - what comes in over HTTP, and what is answered there
* `delivery` - what goes out as webhooks
"""

from types import ModuleType

from streams.telemetry.catalogue import (
    churn,
    decisions,
    delivery,
    events,
    gateway,
    learning,
    outcomes,
    reference,
    runtime,
)
from streams.telemetry.catalogue.churn import *  # noqa: F403
from streams.telemetry.catalogue.decisions import *  # noqa: F403
from streams.telemetry.catalogue.delivery import *  # noqa: F403
from streams.telemetry.catalogue.events import *  # noqa: F403
from streams.telemetry.catalogue.gateway import *  # noqa: F403
from streams.telemetry.catalogue.learning import *  # noqa: F403
from streams.telemetry.catalogue.outcomes import *  # noqa: F403
from streams.telemetry.catalogue.reference import *  # noqa: F403
from streams.telemetry.catalogue.runtime import *  # noqa: F403
from streams.telemetry.metric import Metric

GROUPS: tuple[ModuleType, ...] = (
    events,
    decisions,
    outcomes,
    churn,
    learning,
    reference,
    runtime,
    gateway,
    delivery,
)
"""The files, in the order of the page for operators."""

CATALOGUE: tuple[Metric, ...] = tuple(
    value for group in GROUPS for value in vars(group).values() if isinstance(value, Metric)
)
