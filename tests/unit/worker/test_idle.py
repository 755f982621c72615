"""Partitions to which nothing comes go on with the time of the others, and not too early."""

from streams.worker.idle import IDLE_S, IdleClock


def test_a_quiet_partition_takes_the_time_that_has_stood_for_a_while() -> None:
    """Not the newest: records that were sent before it may still be on their way."""
    clock = IdleClock()
    clock.opened(0, 0.0)
    clock.look(1.0, 5_000, [0])
    assert clock.time_ms(0) == 0
    clock.look(1.0 + IDLE_S, 9_000, [0])
    assert clock.time_ms(0) == 5_000
    clock.look(1.0 + 2 * IDLE_S, 9_000, [0])
    assert clock.time_ms(0) == 9_000


def test_who_has_something_to_do_keeps_its_own_time() -> None:
    """A partition that works, or that has not read all, is not quiet."""
    clock = IdleClock()
    for number in (0, 1, 2):
        clock.opened(number, 0.0)
    clock.look(0.0, 5_000, [])
    clock.worked(0, IDLE_S)
    clock.look(IDLE_S + 0.1, 5_000, [0, 2])
    assert [clock.time_ms(n) for n in (0, 1, 2)] == [0, 0, 5_000]


def test_time_never_goes_back_until_the_partition_is_taken_over() -> None:
    """Whoever takes it over knows nothing of what others did to it."""
    clock = IdleClock()
    clock.opened(0, 0.0)
    clock.look(0.0, 5_000, [0])
    clock.look(IDLE_S, 4_000, [0])
    clock.worked(0, IDLE_S + 1)
    assert clock.time_ms(0) == 5_000
    clock.opened(0, IDLE_S + 2)
    assert clock.time_ms(0) == 0
