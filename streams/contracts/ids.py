"""Ids and random draws that are functions of what they name, so that a replay finds the same."""

from binascii import b2a_base64
from hashlib import blake2b

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _digest(parts: tuple[str, ...], size: int) -> bytes:
    return blake2b("\x1f".join(parts).encode(), digest_size=size).digest()


def derive_id(prefix: str, *parts: str) -> str:
    """An id of 22 characters behind a prefix, the same for the same parts.

    >>> derive_id("d", "event-1", "rule-1")
    'd_6S4gQSBfiuAH5LhzVliM3w'
    """
    # as `urlsafe_b64encode` has it, in half of its time
    told = b2a_base64(_digest(parts, 16), newline=False)[:22]
    return f"{prefix}_{told.translate(_URL_SAFE).decode()}"


def unit_draw(*parts: str) -> float:
    """A number in [0, 1), uniform over its parts and the same for the same parts.

    >>> 0.0 <= unit_draw("decision-1", "choice") < 1.0
    True
    """
    return int.from_bytes(_digest(parts, 8), "big") / 2**64


def stable_hash(*parts: str) -> int:
    """A 64-bit hash, the same for the same parts in every process and on every machine."""
    return int.from_bytes(_digest(parts, 8), "big")


def pseudonym(id_: str) -> int:
    """53 bits of a hash of a person's id, which a float holds: who is one, and not who it is."""
    return stable_hash(id_) >> 11


def lot(id_: str) -> int:
    """16 bits of a hash of an id: an order among equals that says nothing of whom they name."""
    return stable_hash("lot", id_) >> 48


def hash64(text: str) -> int:
    """A signed 64-bit hash of a text, stable over processes and versions."""
    return int.from_bytes(_digest((text,), 8), "big", signed=True)
