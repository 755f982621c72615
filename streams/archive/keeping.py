"""What was read and is not yet written, written batch by batch so that each record counts once."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from streams.archive import files, positions
from streams.archive.erasures import Asked, ids_with_links
from streams.archive.layout import Partition, pieces, that_count
from streams.archive.positions import Erased, Missing, Position
from streams.archive.records import Row, as_labels_name
from streams.runtime.gaps import lost_of

ERASED_REMEMBERED_MS: Final = 40 * 86_400_000  # longer than an output topic keeps its records


class Keeping(Struct, frozen=True, kw_only=True):
    """How the folder is kept.

    Attributes:
        root: the archive's folder.
        topics: names in the catalogue.
        keep_days: older days are deleted.
        by_wall: days count back from today; else from the newest day that a topic has.
    """

    root: Path
    topics: tuple[str, ...]
    keep_days: int = 400
    by_wall: bool = True


class Keeper:
    """The writing side of an archive; one a folder.

    A batch is written to files, then the positions are replaced: from then on it counts. What a
    killed run has left behind is deleted, or finished, when the folder is opened again.
    """

    def __init__(self, keeping: Keeping) -> None:
        """Open the folder, or make it.

        Raises:
            OperatorError: it holds something else, or its positions cannot be read.
        """
        self.keeping = keeping
        self.state = positions.load(keeping.root)
        positions.save(keeping.root, self.state)  # from now on the folder is an archive
        self.next = self.state.next
        self.written = 0
        self.deleted = 0
        self.bytes = 0
        self._rows: dict[Partition, list[Row]] = {}
        self._asked: list[Asked] = []
        files.clean(keeping.root, keeping.topics, self.next)
        self._erase_who_asked()

    def take(self, partition: Partition, next_offset: int, row: Row | None = None) -> None:
        """A record was read: `row` is to be kept, and the partition goes on at `next_offset`."""
        self.next[partition] = max(self.next.get(partition, 0), next_offset)
        if row is not None:
            self._rows.setdefault(partition, []).append(row)
            self.bytes += row.size

    def skip(self, partition: Partition, to_offset: int) -> int:
        """Kafka has deleted what lies before `to_offset`: what is a loss is written down.

        Returns:
            How many offsets are lost; 0 where they were ends of transactions only.
        """
        first = self.next.get(partition, 0)
        self.next[partition] = to_offset
        if lost := lost_of(first, to_offset):
            gap = Missing(*partition, first, to_offset - 1)
            self.deleted += lost
            self.state = replace(self.state, missing=(*self.state.missing, gap))
        return lost

    def ask(self, asked: Asked) -> None:
        """Somebody asked to be erased: with the next batch, from all files."""
        self._asked.append(asked)

    def flush(self) -> None:
        """Write what is in memory."""
        if self.next != self.state.next or self._asked:
            for (topic, _), rows in sorted(self._rows.items()):
                kept = [row for row in rows if not self._is_erased(row)]
                if kept:
                    files.write(self.keeping.root, topic, kept)
                self.written += len(kept)
            self._save()
            self._rows, self._asked, self.bytes = {}, [], 0
            self._erase_who_asked()

    def tidy(self, today: date | None = None) -> None:
        """Join small files of days that are over, and delete days that are too old."""
        root = self.keeping.root
        today = today or datetime.now(UTC).date()
        for name in self.keeping.topics:
            newest = max((piece.day for piece in pieces(root, name)), default=None)
            if newest is not None:
                files.compact(root, name, self.state.next, newest)
                last = today if self.keeping.by_wall else newest
                files.delete_before(root, name, last - timedelta(days=self.keeping.keep_days))

    def _is_erased(self, row: Row) -> bool:
        if not self.state.erased:
            return False
        about = {positions.digest(id_) for id_ in row.people}
        return any(row.at_ms <= e.until_ms and about & set(e.ids) for e in self.state.erased)

    def _save(self) -> None:
        at = tuple(Position(*partition, offset) for partition, offset in sorted(self.next.items()))
        asked = tuple(Erased(one.ids, one.until_ms) for one in self._asked)
        self.state = replace(self.state, at=at, erased=(*self.state.erased, *asked))
        positions.save(self.keeping.root, self.state)

    def _erase_who_asked(self) -> None:
        """Take out of all files whoever asked for it; also what a killed run had left to do."""
        if all(one.done for one in self.state.erased):
            return
        done = tuple(one if one.done else self._erased(one) for one in self.state.erased)
        newest_ms = max(one.until_ms for one in done)
        kept = tuple(one for one in done if newest_ms - one.until_ms <= ERASED_REMEMBERED_MS)
        self.state = replace(self.state, erased=kept)
        positions.save(self.keeping.root, self.state)

    def _erased(self, one: Erased) -> Erased:
        root = self.keeping.root
        linked = ids_with_links(root, one.ids)
        ids = (*linked, *map(as_labels_name, linked))
        for topic in self.keeping.topics:
            for piece in that_count(pieces(root, topic), self.state.next):
                files.erase(root, piece, ids, one.until_ms)
        return Erased(tuple(map(positions.digest, ids)), one.until_ms, done=True)
