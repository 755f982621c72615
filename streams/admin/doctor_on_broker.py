"""What the doctor finds out from the broker: topics, members, lag, models, reference data."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec
from msgspec import Struct

from streams import __version__, topics
from streams.admin.budgets import budgets
from streams.admin.catalogue import published
from streams.admin.dead_letters import Choice, list_letters
from streams.admin.finding import Finding, by_cause, counted, fail, ok, warn
from streams.admin.reference import reference_of
from streams.admin.topics import verify_topics
from streams.broker.clients import librdkafka_config
from streams.broker.lag import Place, end_reader, without_records
from streams.broker.topic_rules import FoundTopic, Problem, find_problems
from streams.settings import Settings
from streams.topics import Topic

CLOCK_SKEW_S_MAX = 2.0
LAG_RECORDS_MAX = 10_000
GROWING_RECORDS_MIN = 1_000
WATCHED_S_MIN = 1.0
FEW_OFFSETS = 1_000
LETTERS_READ_MAX = 5_000
SNAPSHOT_BEHIND_S_MAX = 3_600.0
TIMEOUT_S = 10.0
RETRY_AFTER_S = (0.2, 1.0)


class Ends(Struct, frozen=True):
    """The end of a partition's committed records, and where the group goes on."""

    end: int
    done: int

    @property
    def left(self) -> int:
        """What lies between; markers of transactions are counted in."""
        return max(0, self.end - self.done)


class Broker:
    """The answers that several looks share; asked for once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        config = {**librdkafka_config(settings), "log_level": 2}
        self.admin = AdminClient(config)
        self.there = self.admin.list_topics(timeout=TIMEOUT_S).topics
        self.begun_s = time.monotonic()
        try:
            self.before = self.ends()
        except KafkaException:  # the lag's own look will tell
            self.before = {}

    def partitions(self, wanted: Sequence[Topic]) -> list[TopicPartition]:
        """Those of these topics that exist."""
        names = [self.settings.on_broker(topic) for topic in wanted]
        return [
            TopicPartition(name, number)
            for name in names
            if name in self.there
            for number in sorted(self.there[name].partitions)
        ]

    def newest_s(self, *wanted: Topic) -> float:
        """When the newest record of these topics was written, Unix time; 0 where there is none."""
        found = self.offsets(self.partitions(wanted), OffsetSpec.max_timestamp())
        return max([one.timestamp / 1000 for one in found.values()], default=0.0)

    def offsets(self, wanted: Sequence[TopicPartition], which: OffsetSpec) -> dict[Place, Any]:
        """An offset of each partition, with its timestamp, among committed records.

        Asked again where a broker has just handed a partition over to another.
        """
        if not wanted:
            return {}
        for wait_s in (*RETRY_AFTER_S, None):
            answers = self.admin.list_offsets(
                dict.fromkeys(wanted, which),
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=TIMEOUT_S,
            )
            try:
                return {(at.topic, at.partition): a.result() for at, a in answers.items()}
            except KafkaException:
                if wait_s is None:
                    raise
                time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def ends(self) -> dict[Place, Ends]:
        """How far the workers' group has come in each partition of the inputs."""
        wanted = self.partitions(topics.INPUTS)
        if not wanted:
            return {}
        group = self.settings.group
        asked = ConsumerGroupTopicPartitions(group, wanted)
        answer = self.admin.list_consumer_group_offsets([asked], request_timeout=TIMEOUT_S)
        done = {(t.topic, t.partition): t.offset for t in answer[group].result().topic_partitions}
        begins = self.offsets(wanted, OffsetSpec.earliest())
        ends = self.offsets(wanted, OffsetSpec.latest())
        return {at: Ends(e.offset, max(begins[at].offset, done[at])) for at, e in ends.items()}


def examine_broker(settings: Settings) -> Iterator[Finding]:
    """Every finding that needs the broker; one that it does not answer, where it does not."""
    try:
        broker = Broker(settings)
    except KafkaException as error:
        remedy = f"start Kafka or set OFFERSTREAM_BOOTSTRAP ({error.args[0].str()})"
        yield fail(f"no broker answers at {settings.bootstrap}", remedy)
        return
    yield ok(f"a broker answers at {settings.bootstrap}")
    for look in LOOKS:
        try:
            yield from look(broker)
        # One look that fails, for whatever reason, must not keep the others from being told.
        except Exception as error:
            why = str(error) or type(error).__name__
            yield warn(f"{look.__name__.strip('_')}: could not be looked at ({why})")


def _topics(broker: Broker) -> Iterator[Finding]:
    problems = _problems(broker)
    yield from by_cause((p.topic, p.what, p.remedy) for p in problems)
    if not problems:
        yield ok(f"{len(topics.ALL)} topics are as the catalogue says")


def _problems(broker: Broker) -> tuple[Problem, ...]:
    if broker.settings.transactional:
        return verify_topics(broker.settings)
    found = {name: FoundTopic(len(t.partitions)) for name, t in broker.there.items()}
    return find_problems(found, broker.settings)


def _clock(broker: Broker) -> Iterator[Finding]:
    """The broker's clock is seen in what it stamps; the newest record tells."""
    newest_s = broker.newest_s(*topics.INPUTS)
    ahead_s = newest_s - time.time()
    if ahead_s > CLOCK_SKEW_S_MAX:
        remedy = "synchronize the clocks (NTP) of this machine, the brokers and the producers"
        yield warn(f"the newest record is {ahead_s:.0f} s in the future", remedy)
    elif newest_s > 0.0:
        yield ok(f"the newest input came {max(0.0, -ahead_s):.0f} s ago")
    else:
        yield warn("no input yet", "send some: `offerstream events send FILE`")


def _reference(broker: Broker) -> Iterator[Finding]:
    there = published(broker.settings)
    offers = len(there[topics.REF_OFFERS.name])
    if offers and there[topics.REF_POLICIES.name]:
        yield ok(f"{offers} offers and the policies are published")
    else:
        remedy = "run `offerstream offers publish FOLDER` (or `--example-shop`)"
        yield fail(f"{offers} offers, or no policies, are published", remedy)


def _members(broker: Broker) -> Iterator[Finding]:
    """Who works, and in which version: a client's id ends in the version of its program."""
    settings = broker.settings
    wanted = {settings.group: ("worker", "offerstream worker")}
    if settings.learner.learn:
        learner = f"{settings.group}-learner"
        wanted[learner] = ("learner", "offerstream worker --workers 0 --no-treasury")
    if _has_budgets(settings):
        treasury = f"{settings.group}-treasury"
        wanted[treasury] = ("treasury", "offerstream worker --workers 0 --no-learner")
    answers = broker.admin.describe_consumer_groups([*wanted], request_timeout=TIMEOUT_S)
    versions: dict[str, list[str]] = {}
    for group, (role, command) in wanted.items():
        members = answers[group].result().members
        for member in members:
            versions.setdefault(member.client_id.rpartition("/")[2], []).append(role)
        if members:
            processes = counted(len(members), f"{role} process", f"{role} processes")
            yield ok(f"the group {group} has {processes}")
        else:
            yield fail(f"no {role} is a member of the group {group}", f"run `{command}`")
    if versions.keys() - {__version__}:
        told = ", ".join(
            f"{v} ({counted(len(who), 'process', 'processes')})"
            for v, who in sorted(versions.items())
        )
        remedy = "bring all to one version: install it everywhere, then restart one after the other"
        yield fail(f"the versions differ: {told}; this command is {__version__}", remedy)


def _has_budgets(settings: Settings) -> bool:
    offers = reference_of(published(settings, (topics.REF_OFFERS.name,))).offers
    return any(offer.budget is not None for offer in offers)


def _budgets(broker: Broker) -> Iterator[Finding]:
    """Whether more was spent of an offer than it has."""
    told = budgets(broker.settings)
    over = sorted(b.offer_id for b in told.values() if float(b.overdrawn) > 0)
    if over:
        remedy = "see docs/runbook.md, BudgetOverdrawn"
        yield warn(f"more was used and reserved than the budget of {', '.join(over)} has", remedy)
    elif told:
        yield ok(counted(len(told), "budget is kept", "budgets are kept"))


def _lag(broker: Broker) -> Iterator[Finding]:
    """How far the workers are behind, over all input topics, and whether it gets worse."""
    waited_s = time.monotonic() - broker.begun_s
    time.sleep(max(0.0, WATCHED_S_MIN - waited_s))
    before, now = broker.before, broker.ends()
    lag, was = _left(broker, now), sum([ends.left for ends in before.values()])
    if lag > max(was, GROWING_RECORDS_MIN):
        remedy = "add workers, up to the number of partitions, or find the producer that floods"
        yield fail(f"the workers are {lag:,} records behind, {was:,} a moment before", remedy)
    elif lag > LAG_RECORDS_MAX:
        yield warn(f"the workers are {lag:,} records behind, and catch up", "wait, or add workers")
    else:
        yield ok(f"the workers are {lag:,} records behind")


def _left(broker: Broker, ends: dict[Place, Ends]) -> int:
    """Offsets that were not processed; where few are left, none if no record is among them.

    A transaction that ends leaves a marker behind, which has an offset and is no record.
    """
    few = {at: e.done for at, e in ends.items() if 0 < e.left <= FEW_OFFSETS}
    empty: set[Place] = set()
    if few:
        reader = end_reader(broker.settings, f"{broker.settings.group}-doctor")
        try:
            empty = without_records(reader, few)
        finally:
            reader.close()
    return sum([e.left for at, e in ends.items() if at not in empty])


def _models(broker: Broker) -> Iterator[Finding]:
    """Whether what is labeled is also learned."""
    if not broker.settings.learner.learn:
        yield ok("learning is off (learner.learn): decisions go on with what was known")
        return
    labels_s = broker.newest_s(topics.LEARNING_EXAMPLES)
    snapshot_s = broker.newest_s(topics.MODEL_SNAPSHOTS)
    if snapshot_s <= 0.0:
        yield ok("no model has learned yet: the owners' expected rates decide")
    elif labels_s - snapshot_s > SNAPSHOT_BEHIND_S_MAX:
        behind_h = (labels_s - snapshot_s) / 3_600
        remedy = "start the learner (`offerstream worker --workers 0`) or read its log"
        yield fail(f"the newest snapshot is {behind_h:.0f} h older than the newest label", remedy)
    else:
        yield ok(f"the newest snapshot is {max(0.0, time.time() - snapshot_s) / 60:.0f} min old")


def _dead_letters(broker: Broker) -> Iterator[Finding]:
    """Counted one by one where they are few; of many, reading them all would take too long."""
    wanted = broker.partitions([topics.DEAD_LETTERS])
    first = broker.offsets(wanted, OffsetSpec.earliest())
    last = broker.offsets(wanted, OffsetSpec.latest())
    held = sum([last[at].offset - first[at].offset for at in last])
    if held > LETTERS_READ_MAX:
        yield warn(f"up to {held:,} dead letters", "run `offerstream dead-letters list`")
        return
    waiting = len(list_letters(broker.settings, Choice())) if held else 0
    if waiting:
        yield warn(counted(waiting, "dead letter"), "run `offerstream dead-letters list`")
    else:
        yield ok("no dead letters")


LOOKS: tuple[Callable[[Broker], Iterator[Finding]], ...] = (
    _topics,
    _clock,
    _reference,
    _members,
    _models,
    _budgets,
    _dead_letters,
    _lag,
)
