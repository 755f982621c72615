"""A disk that is full."""

from contextlib import suppress
from pathlib import Path


def fill(ballast: Path) -> None:
    """Take all the room that there is."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))
