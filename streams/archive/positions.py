"""How far each partition is archived, and who was erased: one file that is replaced as a whole.

What is in force is what this file says. A file of records beyond its partition's position was not
finished with the others of its batch; the next run deletes it and reads those records again.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from streams.archive.layout import Partition
from streams.contracts.unreadable import UNREADABLE
from streams.errors import OperatorError

NAME: Final = "positions.json"


class Erased(Struct, frozen=True):
    """A person's ids, and until when what is known of them goes.

    `done`: they are out of all files, and `ids` are digests, which suffice to know what comes late.
    """

    ids: tuple[str, ...]
    until_ms: int
    done: bool = False


class Missing(Struct, frozen=True):
    """Offsets that Kafka had deleted before they were archived: more than one or two."""

    topic: str
    partition: int
    first: int
    last: int


class Position(Struct, frozen=True):
    """The next offset of a partition."""

    topic: str
    partition: int
    offset: int


class Positions(Struct, frozen=True, kw_only=True):
    """What `positions.json` holds."""

    format: int = 1
    at: tuple[Position, ...] = ()
    erased: tuple[Erased, ...] = ()
    missing: tuple[Missing, ...] = field(default=())

    @property
    def next(self) -> dict[Partition, int]:
        """The next offset of each partition."""
        return {(p.topic, p.partition): p.offset for p in self.at}


def digest(id_: str) -> str:
    """An id that cannot be read back."""
    return hashlib.sha256(id_.encode()).hexdigest()[:32]


def load(root: Path) -> Positions:
    """The positions of an archive; none in a folder that is empty, or not there.

    Raises:
        OperatorError: the file cannot be read, or the folder holds something else.
    """
    path = root / NAME
    if not path.is_file():
        if root.is_dir() and any(not entry.name.startswith(".") for entry in root.iterdir()):
            raise OperatorError(
                f"{root} is not empty and has no {NAME}, so it is no archive. Name another folder"
            )
        return Positions()
    try:
        positions = msgspec.json.decode(path.read_bytes(), type=Positions)
    except UNREADABLE as error:
        raise OperatorError(
            f"{path} cannot be read: {error}. Bring it back from a backup, or begin another archive"
        ) from error
    if positions.format != Positions().format:
        raise OperatorError(f"{path} has format {positions.format}; this version reads 1")
    return positions


def save(root: Path, positions: Positions) -> None:
    """Replace the file, and be sure that the disk has it."""
    root.mkdir(parents=True, exist_ok=True)
    beside = root / f".{NAME}"
    with beside.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(positions), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, root / NAME)
    sync_folder(root)


def sync_folder(folder: Path) -> None:
    """Be sure that the disk has what was renamed in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
