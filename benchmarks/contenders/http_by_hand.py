"""An HTTP server of a hundred lines that writes events to Kafka: no checks, no keys, no answers.

What the gateway is measured against. It reads one array of events per request, keys each by its
customer, and answers 202 when all are acknowledged. A head that is none, a slow client, an event
that is none: all of that it leaves out on purpose.
"""

import asyncio
import sys
from threading import Thread
from typing import Any, cast

import msgspec
import uvloop
from confluent_kafka import Producer

ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"


class _Identity(msgspec.Struct):
    customer_id: str


class _Event(msgspec.Struct):
    identity: _Identity


EVENTS = msgspec.json.Decoder(list[msgspec.Raw])
EVENT = msgspec.json.Decoder(_Event)


class Sink:
    """A producer as the gateway's, and a thread that hears its reports."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
            }
        )
        Thread(target=self._hear, daemon=True).start()

    async def send(self, body: bytes) -> None:
        """Write the events of a request and wait for all of them."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        events = EVENTS.decode(body)
        left = len(events)

        def reported(error: object, _: object) -> None:
            nonlocal left
            left -= error is None
            if not left:
                loop.call_soon_threadsafe(done.set_result, None)

        for event in events:
            key = EVENT.decode(event).identity.customer_id
            self._producer.produce(self._topic, bytes(event), key, on_delivery=reported)
        await done

    def _hear(self) -> None:
        while True:
            self._producer.poll(0.1)


class Connection(asyncio.Protocol):
    """One client, one request at a time."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Until the body is complete."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) >= length:
            self._buffer = body[length:]
            asyncio.ensure_future(self._answer(body[:length]))  # noqa: RUF006 - ends with the client

    async def _answer(self, body: bytes) -> None:
        await self._sink.send(body)
        self._transport.write(ANSWER)


async def main(bootstrap: str, topic: str, port: int) -> None:
    """Serve until the process is ended."""
    sink = Sink(bootstrap, topic)
    server: Any = await asyncio.get_running_loop().create_server(
        lambda: Connection(sink), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
