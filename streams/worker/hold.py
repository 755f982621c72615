"""Holding: a process whose breaker opened stays, does nothing, and says why to whoever asks."""

import asyncio
import signal

from streams.worker.http import HttpServer


def hold_until_told(http: HttpServer, host: str, port: int) -> None:
    """Serve metrics and health until SIGTERM or SIGINT; a restart loop would hide the reason."""
    asyncio.run(_hold(http, host, port))


async def _hold(http: HttpServer, host: str, port: int) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told.set)
    await http.start(host, port)
    await told.wait()
    await http.stop()
