"""A story of events and crashes, told to one partition in memory; what is committed at its end."""

from collections.abc import Sequence

from msgspec import Struct

from streams.decisions import compile_policy
from tests.support.memory_runtime import World
from tests.support.small_shop import Sent, reference


class Crash:
    """The process ends without a word: what is in memory is gone, what is committed stays."""


CRASH = Crash()


class Committed(Struct, frozen=True):
    """All that outlives a process: the rows by key, and topic, key and value of every output."""

    rows: dict[bytes, bytes]
    outputs: list[tuple[str, bytes | None, bytes | None]]


def run(story: Sequence[Sent | Crash], *, keeps_dropped_rows: bool = False) -> Committed:
    """Tell a story; each event's commit has only begun when the next part of the story comes.

    `keeps_dropped_rows`: a runtime with a fault, whose store keeps rows that were not committed.
    """
    events = [(step[0], 0, *step[1:]) for step in story if not isinstance(step, Crash)]
    policy = compile_policy(reference())
    world = World(events, (), policy, 1, keeps_dropped_rows=keeps_dropped_rows)
    for step in story:
        if isinstance(step, Crash):
            world.crash()
        else:
            world.end_commit(0)
            world.deliver(0)
            world.begin_commit(0)
    world.run_to_the_end()
    outputs = [(o.topic, o.key, o.value) for o in world.outputs]
    return Committed(dict(world.rows_as_stored()), outputs)
