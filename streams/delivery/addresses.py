"""No request goes inside the network unless it is allowed: asked where a connection is made.

The address that a name stands for is looked at as it is connected to, so a name that answers with
another address the second time (DNS rebinding) reaches nothing.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LAST_32_BITS: Final = 2**32 - 1


class InsideAddressError(OSError):
    """The destination's name stands for an address inside the network."""


def is_outside(address: str) -> bool:
    """Whether an address is of the public internet; also of what it wraps (mapped, 6to4, NAT64).

    >>> is_outside("93.184.215.14"), is_outside("169.254.169.254"), is_outside("::ffff:10.0.0.1")
    (True, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & _LAST_32_BITS)
        if inner is not None:
            return is_outside(str(inner))
        if ip.teredo is not None or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def guarded_sockets(*, allow_private: bool) -> Callable[[AddressInfo], socket.socket]:
    """What makes the sockets of a client: refuses one for an address that is not allowed."""

    def make(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allow_private and not is_outside(str(address[0])):
            raise InsideAddressError("address inside the network")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make
