"""Replay: a file of events through `process()` in event time, into a folder of files.

The same file twice gives the same bytes: nothing here reads processing time. An event that
leaps more than a year ahead of the stream is taken for a mistake (`in_the_future`), since it would
fire everyone's timers at once.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec
from msgspec.structs import asdict

from streams import topics
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.inputs.rules import UNUSABLE, InputRules, Rejected
from streams.contracts.internal.learning import ModelSnapshot
from streams.contracts.outputs.effects import (
    AlertRaised,
    CaseFollowed,
    DecisionLogged,
    Effect,
    EventIgnored,
    EventRefused,
    OutcomeSeen,
)
from streams.contracts.outputs.encode import encode_output
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.sources.apply import path_at_origin
from streams.contracts.times import DAY_MS
from streams.customer import Erased
from streams.decisions import Policy
from streams.driver import Driver
from streams.errors import OperatorError
from streams.leases import Lease, amount_text
from streams.models import initial_models
from streams.models.trainer import Trainer

LEAP_MAX_MS = 366 * DAY_MS
EPOCH_START_MS = 0
FILES = {
    topics.NEXT_BEST_OFFERS.name: "next-best-offers.jsonl",
    topics.CHURN_ALERTS.name: "churn-alerts.jsonl",
    topics.CASE_OUTCOMES.name: "case-outcomes.jsonl",
    topics.DECISION_LOG.name: "decision-log.jsonl",
    topics.LEARNING_EXAMPLES.name: "learning-examples.jsonl",
    topics.IDENTITY_CHANGES.name: "identity-changes.jsonl",
    topics.SEGMENT_CHANGES.name: "segment-changes.jsonl",
    topics.ZONE_VISITS.name: "zone-visits.jsonl",
    topics.PRIVACY_RECEIPTS.name: "privacy-receipts.jsonl",
    topics.MODEL_SNAPSHOTS.name: "model-snapshots.jsonl",
}
DECIDES_OFFERS = ("response", "challenger", "uplift")
"""The models of which every snapshot is written, to decide again."""
DEAD_LETTERS = "dead-letters.jsonl"
ROWS = "rows.jsonl"
OTHER_ROWS = (Erased, Lease)
"""Rows that hold nothing of a person."""
BESIDE = ".part"  # where results are written until they are complete
SUMMARY = "summary.json"


class Replay:
    """A driver in event time whose effects go to files; a context manager.

    The files appear in `out` at the end, all of them, or not at all.
    """

    def __init__(self, policy: Policy, out: Path, *, overwrite: bool = False) -> None:
        """`out` is made if it is not there; what it holds stays unless `overwrite` is said.

        Raises:
            OperatorError: `out` holds something, or is no folder.
        """
        if out.exists() and not out.is_dir():
            raise OperatorError(f"{out} is a file: name a folder for the results, new or empty")
        if not overwrite and out.is_dir() and any(path.name != BESIDE for path in out.iterdir()):
            raise OperatorError(
                f"{out} is not empty. Say --overwrite to replace the results in it, or name "
                "another folder"
            )
        self.driver = Driver(policy, initial_models(), Trainer(), self._keep)
        self.out = out
        self.counts: dict[str, Counter[str]] = {}
        self.records = 0
        self.rejected = 0
        self.examples: dict[str, str] = {}
        self.out_of_budget: Counter[str] = Counter()
        self._beside = out / BESIDE
        self._stack = ExitStack()
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        """Open the files."""
        self.out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._beside, ignore_errors=True)  # of a replay that was killed
        self._beside.mkdir()
        for name in (*FILES.values(), DEAD_LETTERS):
            self._files[name] = self._stack.enter_context((self._beside / name).open("wb"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write rows and summary and move all in, unless something went wrong."""
        if error is None:
            self._write_rows()
            (self._beside / SUMMARY).write_bytes(_pretty(self.summary()))
        self._stack.close()
        if error is None:
            for path in sorted(self._beside.iterdir()):
                os.replace(path, self.out / path.name)
        shutil.rmtree(self._beside, ignore_errors=True)

    def feed(self, record: InputRecord) -> None:
        """One record to its end."""
        self.records += 1
        outcome = record.rejected or self.driver.feed(record.topic, record.value, self._rules())
        if isinstance(outcome, Rejected):
            self._reject(record, outcome)
            return
        unusable = next(filter(None, map(_unusable, outcome)), None)
        if unusable is not None:
            self._reject(record, unusable)
        self._write(effect for effect in outcome if _unusable(effect) is None)

    @property
    def customers(self) -> int:
        """How many people the rows are of."""
        return sum(not isinstance(row, OTHER_ROWS) for row in self.driver.rows.values())

    def summary(self) -> dict[str, object]:
        """What happened, in numbers; the same for the same file."""
        return {
            "records": self.records,
            "customers": self.customers,
            "until_ms": self.driver.greatest_event_ms,
            "late": {"events": self.driver.late[0], "most_ms": self.driver.late[1]},
            **{name: dict(sorted(counts.items())) for name, counts in sorted(self.counts.items())},
            **self._budgets(),
            "models": {name: s.quality for name, s in sorted(self.driver.snapshots.items())},
        }

    def _budgets(self) -> dict[str, object]:
        """Each budget, in the shop's currency, and how often its offer was withheld; if any."""
        states = sorted(self.driver.budgets().items())
        budgets = {
            offer_id: {
                **{name: amount_text(units) for name, units in asdict(state).items()},
                "withheld": self.out_of_budget[offer_id],
            }
            for offer_id, state in states
        }
        return {"offer_budgets": budgets} if budgets else {}

    def _rules(self) -> InputRules:
        now_ms = self.driver.greatest_event_ms or 2**52
        return InputRules(
            now_ms=now_ms,
            occurred_at_min_ms=EPOCH_START_MS,
            future_tolerance_ms=LEAP_MAX_MS,
            placeholders=self.driver.policy.placeholders,
        )

    def _write(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._count("effects", type(effect).__name__)
            self._count_detail(effect)
            message = encode_output(effect)
            if message is not None and message.value is not None and message.topic in FILES:
                self._files[FILES[message.topic]].write(message.value + b"\n")

    def _keep(self, snapshot: ModelSnapshot) -> None:
        if snapshot.model in DECIDES_OFFERS:
            file = self._files[FILES[topics.MODEL_SNAPSHOTS.name]]
            file.write(msgspec.json.encode(snapshot) + b"\n")

    def _count_detail(self, effect: Effect) -> None:
        match effect:
            case DecisionLogged(entry):
                self._count("verdicts", entry.verdict)
                self._count("triggers", entry.trigger.kind)
                self.out_of_budget.update(_without_money(entry))
            case AlertRaised(alert):
                self._count("alerts", alert.transition)
            case CaseFollowed(outcome):
                self._count("cases", outcome.result)
            case OutcomeSeen(outcome=outcome):
                self._count("outcomes", outcome)

    def _reject(self, record: InputRecord, rejected: Rejected) -> None:
        self._count("rejected", rejected.reason)
        self.rejected += 1
        place = path_at_origin(rejected.path, record.origins)
        first = f"line {record.line}: {place} {rejected.detail}"
        self.examples.setdefault(rejected.reason, first)
        letter = {
            "line": record.line,
            "topic": record.topic,
            "reason": rejected.reason,
            "path": rejected.path,
            "detail": rejected.detail,
            "value_base64": record.value,
        }
        self._files[DEAD_LETTERS].write(msgspec.json.encode(letter) + b"\n")

    def _write_rows(self) -> None:
        with (self._beside / ROWS).open("wb") as file:
            for key in sorted(self.driver.rows):
                row = self.driver.rows[key]
                if not isinstance(row, OTHER_ROWS):
                    file.write(msgspec.json.encode(msgspec.structs.asdict(row)) + b"\n")

    def _count(self, group: str, name: str) -> None:
        self.counts.setdefault(group, Counter())[name] += 1


def replay(
    records: Iterable[InputRecord],
    policy: Policy,
    out: Path,
    *,
    overwrite: bool = False,
    on_record: Callable[[], None] = lambda: None,
) -> Replay:
    """Run the records in their order and write the files; what was done is returned.

    Args:
        records: the order of the file is the order of arrival.
        policy: the compiled reference data.
        out: the folder for the outputs.
        overwrite: replace results that `out` holds.
        on_record: called after each record, for a progress bar.

    Raises:
        OperatorError: `out` holds something, or is no folder.
    """
    with Replay(policy, out, overwrite=overwrite) as run:
        for record in records:
            run.feed(record)
            on_record()
    return run


def _without_money(entry: DecisionLog) -> Iterator[str]:
    """The offers that were withheld because their budgets had not enough free."""
    if "budget" in entry.why_nots:
        yield from (one.offer_id for one in entry.offers if one.why_not == "budget")


def _unusable(effect: Effect) -> Rejected | None:
    """Why an event that was accepted is a dead letter all the same, as in the worker."""
    if isinstance(effect, EventRefused):
        return Rejected(effect.reason, effect.path, effect.detail)
    return UNUSABLE.get(effect.reason) if isinstance(effect, EventIgnored) else None


def _pretty(summary: dict[str, object]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"
