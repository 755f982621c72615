"""Who asks: a person by their token, or a server by its key; and about whom they may ask."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from streams.gateway.admission import Admission
from streams.gateway.keys import Sender, key_of
from streams.gateway.rates import Rates
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.tokens import Token, TokenKeys

PERSON_PER_SECOND_MAX: Final = 20
PERSON: Final = Sender("person")


class Asker(Struct, frozen=True):
    """Who asks; `token` None: a server, which may ask about everybody."""

    sender: Sender
    token: Token | None = None

    def about(self, person: str) -> str:
        """The person, if it may be asked about them.

        Raises:
            RequestRefusedError: it is another person's token, whether they exist or not.
        """
        if self.token is not None and self.token.person != person:
            raise RequestRefusedError(403, "not_yours", "the token is of another person")
        return person


class Askers:
    """Tells who asks, by what a request brings.

    `erased_s` says when a person was last erased (epoch seconds): tokens of before are void.
    """

    def __init__(
        self,
        admission: Admission,
        tokens: TokenKeys,
        clock_ms: Callable[[], int],
        erased_s: Callable[[str], float],
    ) -> None:
        self._admission = admission
        self._tokens = tokens
        self._clock_ms = clock_ms
        self._erased_s = erased_s
        self._persons = Rates(PERSON_PER_SECOND_MAX, time.monotonic)

    def of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Asker:
        """Who asks; a token stands in `Authorization: Bearer` and nowhere else.

        Raises:
            RequestRefusedError: nobody that we know, from a foreign page, or too much of late.
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and given.count(".") == 2:
            return self._person(headers, given.strip())
        if not key_of(headers, query):
            raise RequestRefusedError(401, "no_token", "the request has no token and no key")
        sender = self._admission.sender(headers, query)
        if sender.scope != "server":
            raise RequestRefusedError(403, "not_allowed", "needs a token, or the key of a server")
        return Asker(sender)

    def server(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Asker:
        """A server that asks.

        Raises:
            RequestRefusedError: it is none.
        """
        asker = self.of(headers, query)
        if asker.token is not None:
            raise RequestRefusedError(403, "not_allowed", "needs the key of a server")
        return asker

    def pay(self, asker: Asker) -> None:
        """Count one request."""
        if asker.token is None:
            self._admission.pay(asker.sender, 1)
        else:
            self._persons.pay(asker.token.person, 1)

    def _person(self, headers: Mapping[str, str], given: str) -> Asker:
        self._admission.check_origin(headers)
        token = self._tokens.read(given, self._clock_ms() / 1_000)
        if token.issued_s <= self._erased_s(token.person):
            raise RequestRefusedError(401, "bad_token", "the token is of before an erasure")
        wait_s = self._persons.wait_s(token.person)
        if wait_s:
            raise RequestRefusedError(429, "too_many_events", "the person asks too much", wait_s)
        return Asker(PERSON, token)
