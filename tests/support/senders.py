"""Clients that send side by side until a block ends, however it ends."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

PAUSE_S = 0.01
"""Between two batches of a client: what waits for Kafka stays a number that a test can wait for."""


@contextmanager
def sending(send: Callable[[int], None], clients: int) -> Iterator[None]:
    """Each client, by its number, sends again and again.

    A block that fails ends them as well: threads that nobody ends would hold the test for ever.

    Raises:
        Exception: What a client failed with, when the block itself did not fail.
    """
    over = threading.Event()

    def client(number: int) -> None:
        while not over.wait(PAUSE_S):
            send(number)

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client, number) for number in range(clients)]
        try:
            yield
        finally:
            over.set()
    for done in running:
        done.result()
