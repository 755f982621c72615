"""The parts of the ways out, wired: questions and their answers, the board of valid offers."""

import asyncio

from litestar.handlers import HTTPRouteHandler

from streams.errors import SettingsError
from streams.gateway.acknowledged import AcknowledgedProducer
from streams.gateway.asker import Askers
from streams.gateway.asking import Asking
from streams.gateway.board import Board
from streams.gateway.customers import LogBook, customer_handler
from streams.gateway.following import Following
from streams.gateway.intake import Sink
from streams.gateway.outgoing import Out, handlers_of
from streams.gateway.replies import Replies
from streams.gateway.tokens import TokenKeys, parse_token_keys
from streams.gateway.ways import Ways
from streams.settings import GatewaySettings, Settings


class Outward:
    """What a gateway runs so that it can answer; started and stopped with it."""

    def __init__(self, settings: Settings, ways: Ways, tokens: TokenKeys, sink: Sink) -> None:
        """`sink` takes what is told of offers; questions are never kept for later."""
        clock_ms = ways.clock_ms
        self._producer = AcknowledgedProducer(settings, linger_ms=0)
        asking = Asking(self._producer, ways.meter, settings.gateway.decide_timeout_ms, clock_ms)
        self._replies = Replies(settings, asking.late)
        self._board = Board(clock_ms)
        self._following = Following(settings, self._board, clock_ms)
        askers = Askers(ways.admission, tokens, clock_ms, self._board.erased_s)
        self.out = out = Out(asking, self._replies, askers, self._board, sink)
        self.handlers: list[HTTPRouteHandler] = [
            *handlers_of(ways, out),
            customer_handler(ways, out, LogBook(settings)),
        ]

    def start(self) -> None:
        """Begin, in the event loop that runs now."""
        self._producer.start()
        self._replies.start()
        self._following.start()

    def close(self) -> None:
        """Send away who listens, so that the server can end."""
        self._board.close()

    async def stop(self) -> None:
        """End, once nobody is answered any more."""
        await asyncio.to_thread(self._following.stop)
        await asyncio.to_thread(self._replies.stop)
        await asyncio.to_thread(self._producer.stop)


def read_token_keys(settings: GatewaySettings) -> TokenKeys:
    """The keys of tokens.

    Raises:
        SettingsError: one is none, or their file cannot be read.
    """
    try:
        text = settings.token_keys_text
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"gateway.token_keys_file: {settings.token_keys_file} cannot be read as text"
        ) from error
    return parse_token_keys(text, settings.token_audience, settings.token_lifetime_max_s)
