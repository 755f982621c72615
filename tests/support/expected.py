"""What the worker must have said, from one pure pass over the input."""

from collections import Counter
from collections.abc import Sequence

from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import EventRouted
from streams.contracts.outputs.encode import encode_output
from streams.customer.codec import encode_row
from streams.decisions import Policy, compile_policy
from streams.driver import Driver
from streams.models import initial_models
from tests.support.small_shop import Sent, reference
from tests.support.worker_job import WorkerJob

RULES = InputRules(now_ms=4_102_444_800_000)
COMPARED = (
    topics.NEXT_BEST_OFFERS,
    topics.DECISION_LOG,
    topics.CHURN_ALERTS,
    topics.CASE_OUTCOMES,
    topics.LEARNING_EXAMPLES,
    topics.SEGMENT_CHANGES,
)


class Expected:
    """What one pure pass over the input says, without broker, partitions or crashes.

    `routing`: numbers of the records that are sent on to another row.
    """

    def __init__(self, records: Sequence[Sent], policy: Policy | None = None) -> None:
        """`policy`: of the small shop if not given; models are frozen."""
        driver = Driver(policy or compile_policy(reference()), initial_models())
        self.said: dict[str, Counter[tuple[bytes, bytes]]] = {}
        self.routing: set[int] = set()
        for number, (topic, _, value) in enumerate(records):
            effects = driver.feed(topic, value, RULES)
            assert not isinstance(effects, Rejected)
            if any(isinstance(effect, EventRouted) for effect in effects):
                self.routing.add(number)
            for message in filter(None, map(encode_output, effects)):
                said = self.said.setdefault(message.topic, Counter())
                said[message.key or b"", message.value or b""] += 1
        self.rows = {key.encode(): encode_row(row) for key, row in driver.rows.items()}


def assert_as_expected(job: WorkerJob, expected: Expected) -> None:
    """0 outputs missing, 0 double, 0 dead letters, 0 rows wrong."""
    for topic in COMPARED:
        want, got = expected.said.get(topic.name, Counter()), job.said(topic)
        missing, double = want - got, got - want
        assert not missing, f"{topic.name}: {missing.total()} of {want.total()} missing"
        assert not double, f"{topic.name}: {double.total()} double or never decided"
    assert job.said(topics.DEAD_LETTERS) == Counter()
    got_rows = job.rows()
    wrong = [k for k in expected.rows if got_rows.get(k) != expected.rows[k]]
    assert wrong == []
    assert got_rows.keys() == expected.rows.keys()
