"""Z1: a worker that sleeps past its session and wakes up while another one works."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from streams.runtime.clients import new_consumer
from streams.runtime.commit.transactions import Transactions
from streams.runtime.faults import EXIT_FENCED, EXIT_GROUP, FencedError
from streams.runtime.records import Output
from streams.runtime.settings import RuntimeSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.bare_runtime import opened
from tests.support.counting import CounterJob, expected_outputs, expected_rows, skewed_input
from tests.support.crew import Crew

pytestmark = pytest.mark.kafka
SEED = 9
SLOWLY: dict[str, Any] = {"batch_s": 0.002}
SOON_COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "0",
}


def wait_until_compacted(job: CounterJob) -> None:
    """Until the changelog holds less than half of what was ever written to it."""
    deadline = time.monotonic() + 90
    written = sum(job.kafka.end_offsets(job.changelog))
    while len(job.kafka.read_all(job.changelog)) > written // 2:
        assert time.monotonic() < deadline, "the changelog is not compacted"
        time.sleep(1)


def opened_unasked(log: str) -> bool:
    """Has a process opened partitions again that the group had not given to it again?

    Opening fences: a zombie that does so takes a partition from its rightful owner.
    """
    return "is open after" in log.split("assigned: partitions")[0]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("member", [None, "slot"])
def test_z1_a_zombie_is_fenced_and_ends_with_a_reason(
    kafka: ApacheKafka, tmp_path: Path, member: str | None
) -> None:
    """Nothing that it had open is ever seen: not now, not after compaction, not on its own disk.

    A static member's place is taken by another process with its name, a dynamic one's by anybody.
    """
    print(f"SEED={SEED}")
    records = skewed_input(20_000, 500, seed=SEED)
    name = f"zombie-{member or 'dynamic'}"
    job = CounterJob(
        kafka,
        name,
        tmp_path,
        changelog=SOON_COMPACTED,
        batch_records_max=10,
        epoch_ms=20,
        # The heir must have time to drain when the zombie joins again.
        session_timeout_s=6.0,
    )
    job.send(records[:10_000])
    zombie = job.worker(0, member=member, **SLOWLY)
    zombie.wait_for_progress(1_000)
    while zombie.log().count("is open after") < 4:
        zombie.assert_running()
        time.sleep(0.1)
    zombie.signal(signal.SIGSTOP)
    heir = Crew(job, [1], member=member, **SLOWLY)
    heir.workers[1].wait_for_progress(500)
    job.send(records[10_000:])
    silent_until = len(zombie.log())
    zombie.signal(signal.SIGCONT)
    assert zombie.wait() in (EXIT_FENCED, EXIT_GROUP), zombie.tail()
    assert "the runtime ends" in zombie.log()
    assert not opened_unasked(zombie.log()[silent_until:]), zombie.tail()
    heir.wait_for(len(records))
    # The broker compacts what lies before the segment that is written to.
    time.sleep(1.5)
    more = skewed_input(500, 500, seed=SEED + 1)
    job.send(more)
    heir.wait_for(len(records + more))
    heir.stop()
    print(f"heirs that were fenced in their turn: {dict(heir.ended)}")
    said, want = job.said(), expected_outputs(records + more)
    assert ((want - said).total(), (said - want).total()) == (0, 0)
    wait_until_compacted(job)
    assert job.rows() == expected_rows(records + more)
    assert job.restored() == expected_rows(records + more)

    woken = job.worker(0, **SLOWLY)
    last = skewed_input(100, 500, seed=SEED + 2)
    job.send(last)
    job.wait_until_done([woken])
    assert woken.stop() == 0
    assert job.stored(0) == expected_rows(records + more + last)


def test_z1_who_is_fenced_while_records_are_on_their_way_says_so(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """The client's fatal error comes out of whichever call meets it; it is no bug of the shell."""
    job = CounterJob(kafka, "fenced-flush", tmp_path)
    settings = RuntimeSettings(
        **{**job.settings, "source_topics": job.inputs, "output_topics": (job.outputs,)},
        data_dir=tmp_path,
    )
    group = new_consumer(settings)
    zombie, heir = (Transactions(settings, 0, group) for _ in range(2))
    opened(zombie)
    zombie.begin()
    zombie.send(Output(job.outputs, b"k", b"1"), None)
    zombie.send_offsets({})
    opened(heir)
    for number in range(20):
        zombie.send(Output(job.outputs, b"k", b"%d" % number), lambda *_: None)
    with pytest.raises(FencedError, match="has another owner"):
        zombie.send_offsets({})
    zombie.close()
    heir.close()
    group.close()
    assert kafka.read_all(job.outputs) == []
