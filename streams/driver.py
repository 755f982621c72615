"""The shell without a broker: rows in a dict, timers in a heap, everything in the order it comes.

`replay`, the simulator's closed loop and the tests drive `process()` through this; it decides
nothing. Routed messages are followed to their end at once, due rows fire in (due, key) order on the
greatest event time so far, and what the trainer publishes is applied before the next record.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.internal.learning import ModelSnapshot
from streams.contracts.internal.routing import Message, Tick
from streams.contracts.outputs.effects import Effect, EventRouted, LeaseTold, OutcomeLabeled
from streams.customer import Row, due_at_ms
from streams.decisions import Policy
from streams.identity import key_of
from streams.leases import Lease, LeasedBudget, new_lease
from streams.leases.in_memory import KEY as LEASE_KEY
from streams.leases.in_memory import TreasuryInMemory
from streams.leases.treasury import State, as_held
from streams.models import Models, with_snapshot
from streams.models.trainer import Trainer
from streams.pipeline import World, process


class Driver:
    """All rows of a shop in one process.

    Attributes:
        rows: what is stored, by key.
        greatest_event_ms: the greatest event time accepted so far; 0 before the first.
        snapshots: the newest snapshot of each model.
        treasury: what partitions are granted of offers' budgets; here there is one.
        late: how many events came after later ones, and by how much at most, in milliseconds.
    """

    def __init__(
        self,
        policy: Policy,
        models: Models,
        trainer: Trainer | None = None,
        on_snapshot: Callable[[ModelSnapshot], None] = lambda _: None,
    ) -> None:
        """Without a trainer the models stay as they are.

        `on_snapshot` is called with each snapshot before anything is decided with it.
        """
        self.policy = policy
        self.models = models
        self.rows: dict[str, Row] = {}
        self.greatest_event_ms = 0
        self.late = (0, 0)
        self.snapshots: dict[str, ModelSnapshot] = {}
        self._trainer = trainer
        self._on_snapshot = on_snapshot
        self.treasury = TreasuryInMemory()
        self._due: list[tuple[int, str]] = []
        self._scheduled: dict[str, int] = {}

    def feed(
        self,
        topic: str,
        value: bytes | None,
        rules: InputRules,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> tuple[Effect, ...] | Rejected:
        """Take one record to its end, and whatever falls due before it.

        Returns:
            The effects in their order, or why the record was rejected.
        """
        event = decode(topic, value, headers, rules)
        if isinstance(event, Rejected):
            return event
        at_ms = event.at_ms
        if at_ms < self.greatest_event_ms:
            count, most_ms = self.late
            self.late = (count + 1, max(most_ms, self.greatest_event_ms - at_ms))
        effects = self.advance(max(self.greatest_event_ms, at_ms))
        effects.extend(self.handle(event))
        return tuple(effects)

    def advance(self, until_ms: int) -> list[Effect]:
        """Move event time on and fire every row that is due by then."""
        self.greatest_event_ms = until_ms
        effects: list[Effect] = []
        while self._due and self._due[0][0] <= until_ms:
            due, key = heapq.heappop(self._due)
            if self._scheduled.get(key) == due:
                del self._scheduled[key]
                effects.extend(self.handle(Tick(key, due)))
        return effects

    def handle(self, message: Message) -> list[Effect]:
        """Process a message and everything that it routes, to the end."""
        effects: list[Effect] = []
        waiting: deque[Message] = deque([message])
        waiting.extendleft(self.treasury.look(self.policy.budgets, self.greatest_event_ms))
        while waiting:
            for effect in self._step(waiting.popleft()):
                effects.append(effect)
                if isinstance(effect, EventRouted):
                    waiting.append(effect.message)
                elif isinstance(effect, OutcomeLabeled):
                    self._learn(effect)
                elif isinstance(effect, LeaseTold):
                    waiting.extend(self.treasury.answer(effect.report))
        return effects

    def _step(self, message: Message) -> tuple[Effect, ...]:
        key = key_of(message)
        lease = self._lease()
        world = World(self.models, self.policy, lease=lease)
        step = process(message, self.rows.get(key), world)
        if step.lease is not lease and step.lease is not None:
            self.rows[LEASE_KEY] = step.lease
            self._schedule(LEASE_KEY, step.lease)
        if step.row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = step.row
        self._schedule(key, step.row)
        return step.effects

    def budgets(self) -> dict[str, State]:
        """The money of each budget by offer, also what the lease has not told the treasury yet."""
        lease, told = self._lease(), self.treasury.states()
        held = {} if lease is None else lease.budgets
        return {name: as_held(told[name], held.get(name, LeasedBudget())) for name in told}

    def _lease(self) -> Lease | None:
        """What may be spent of the offers' budgets, where there are any."""
        row = self.rows.get(LEASE_KEY)
        if row is None and self.policy.budgets:
            return new_lease(LEASE_KEY)
        return row if isinstance(row, Lease) else None

    def _schedule(self, key: str, row: Row | None) -> None:
        due = due_at_ms(row)
        if due is None:
            self._scheduled.pop(key, None)
        elif self._scheduled.get(key) != due:
            self._scheduled[key] = due
            heapq.heappush(self._due, (due, key))

    def _learn(self, effect: OutcomeLabeled) -> None:
        if self._trainer is None:
            return
        for example in self._trainer.for_each(effect.example):
            snapshot = self._trainer.learn(example)
            if snapshot is not None:
                self._on_snapshot(snapshot)
                self.snapshots[snapshot.model] = snapshot
                self.models = with_snapshot(self.models, snapshot)
