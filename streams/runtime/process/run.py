"""The main of one worker process: event loop, signals, a deadline, an exit code."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

import uvloop

from streams.runtime.faults import EXIT_HUNG, exit_code
from streams.runtime.process.app import AnyRuntime

log = logging.getLogger(__name__)
Hook = Callable[[AnyRuntime], Awaitable[None]]


def run(
    runtime: AnyRuntime, *, on_starting: Hook | None = None, on_started: Hook | None = None
) -> int:
    """Run until SIGTERM, SIGINT or a failure; the exit code (0: drained and committed).

    `on_starting` is called in the event loop before anything else, `on_started` when the group has
    been joined. A process that does
    not end within `stop_timeout_s` is ended hard: it never hangs.
    """
    collect_seldom()
    let_threads_in()
    for noisy in ("faust", "mode", "aiokafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_main(runtime, on_starting, on_started))
    if runtime.stuck:
        log.critical("a thread hangs in a client call: ended hard")
        logging.shutdown()
        os._exit(code or EXIT_HUNG)
    return code


def collect_seldom() -> None:
    """Let Python look for cyclic garbage once in 100,000 new containers instead of 700.

    Rows are many, live long and hold no cycles: with the defaults half of a busy worker's time goes
    into walking over them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


def let_threads_in() -> None:
    """Let a thread that waits for Python have it after half a millisecond instead of five.

    A commit runs in a thread and needs Python between its requests, while the event loop handles
    the next records: at each of them it would wait until a record or several are done.
    """
    sys.setswitchinterval(0.0005)


async def _main(runtime: AnyRuntime, on_starting: Hook | None, on_started: Hook | None) -> int:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, runtime.finish)
    ended = asyncio.create_task(runtime.finished.wait())
    started = asyncio.create_task(_start(runtime, on_starting, on_started))
    await asyncio.wait({ended, started}, return_when=asyncio.FIRST_COMPLETED)
    await ended
    deadline = _end_hard_after(runtime.settings.stop_timeout_s, runtime)
    if not started.done():
        started.cancel()
    try:
        await runtime.stop()
    except Exception as error:
        runtime.fail(error)
    deadline.cancel()
    code = exit_code(runtime.failure)
    log.info("ended with exit code %d", code)
    return code


async def _start(runtime: AnyRuntime, on_starting: Hook | None, on_started: Hook | None) -> None:
    try:
        if on_starting is not None:
            await on_starting(runtime)
        await runtime.start()
        if on_started is not None:
            await on_started(runtime)
    except Exception as error:
        runtime.fail(error)


def _end_hard_after(seconds: float, runtime: AnyRuntime) -> threading.Timer:
    def end() -> None:
        log.critical("did not stop within %.0f s: ended hard", seconds)
        os._exit(exit_code(runtime.failure) or EXIT_HUNG)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer
