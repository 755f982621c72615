"""`benchmarks.askers` ends, and counts every question, also where the gateway goes away."""

import asyncio
from typing import Any

import pytest

from benchmarks import askers


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_gateway_that_goes_away_breaks_questions_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch, *, comes_back: bool
) -> None:
    """Each question has an end; those of a gateway that is there again are answered."""
    monkeypatch.setattr(askers, "GRACE_S", 0.5)
    faults: list[dict[str, Any]] = []
    body = b'{"verdict": "no_offer"}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    connected: list[asyncio.StreamWriter] = []

    async def fall_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        await asyncio.sleep(0.2)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(10_000):
            writer.write(answer)

    async def run() -> list[tuple[float, float, str]]:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        server = await asyncio.start_server(fall_silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asking = asyncio.create_task(askers.ask(port, 100, 1))
        while len(connected) < askers.CONNECTIONS:
            await asyncio.sleep(0.01)
        server.close()
        if comes_back:
            await asyncio.sleep(0.3)
            server = await asyncio.start_server(serve, "127.0.0.1", port)
        async with asyncio.timeout(10):
            return await asking

    waits = asyncio.run(run())
    verdicts = {verdict for _, _, verdict in waits}
    assert len(waits) == 100
    assert verdicts == ({"broken", "no_offer"} if comes_back else {"broken"})
    assert not [f for f in faults if "never retrieved" in f["message"]]
