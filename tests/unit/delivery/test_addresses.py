"""No request goes inside the network unless it is allowed, whatever the name says at the time."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from streams.delivery.addresses import is_outside
from streams.delivery.destinations import Destination
from streams.delivery.posting import new_session, post
from tests.support.receiver import Receiver

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_a_network_are_inside(address: str) -> None:
    """Loopback, private, link-local, shared, multicast, and what wraps them."""
    assert not is_outside(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_outside(address: str) -> None:
    """Also one that NAT64 wraps."""
    assert is_outside(address)


def destination(url: str, **more: Any) -> Destination:
    """A destination of these tests."""
    return Destination(url=url, topics=("churn-alerts",), timeout_s=5, **more)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_request_inside_is_not_even_connected(host: str) -> None:
    """By address and by name: the receiver hears nothing, and the reason is told."""
    with Receiver() as receiver:
        url = f"http://{host}:{receiver.port}/hook"
        answer = asyncio.run(one(destination(url)))
        assert (answer.fate, answer.detail) == ("again", "inside_address")
        assert receiver.got == []
        allowed = asyncio.run(one(destination(url.replace(host, "127.0.0.1"), allow_private=True)))
        assert allowed.fate == "delivered"


async def one(wanted: Destination) -> Any:
    """What becomes of one request."""
    async with new_session(wanted) as session:
        return await post(session, wanted.url, b"{}", {})


class Rebinding(aiohttp.abc.AbstractResolver):
    """A name server that answers with what is asked for the first time, and then with loopback."""

    def __init__(self, port: int) -> None:
        self.addresses = iter(["93.184.215.14", "127.0.0.1"])
        self.port = port

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> Any:
        """The next address."""
        return [
            {
                "hostname": host,
                "host": next(self.addresses),
                "port": self.port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        """Nothing to close."""


def test_a_name_that_answers_anew_reaches_nothing_inside() -> None:
    """DNS rebinding: what counts is the address that is connected to, not one that was asked."""

    async def ask(receiver: Receiver) -> Any:
        wanted = destination("http://crm.example/hook")
        async with new_session(wanted) as session:
            resolver = Rebinding(receiver.port)
            await resolver.resolve("crm.example")  # whoever checked beforehand saw this one
            connector: Any = session.connector
            connector._resolver = resolver
            return await post(session, wanted.url, b"{}", {})

    with Receiver() as receiver:
        answer = asyncio.run(ask(receiver))
        assert (answer.detail, receiver.got) == ("inside_address", [])
