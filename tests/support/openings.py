"""What a worker's log says of the partitions that it has opened."""

import re
from typing import NamedTuple


class Opening(NamedTuple):
    """One partition, how long it took to open, and the rows that were restored for it."""

    partition: int
    seconds: float
    rows: int


def openings(log: str) -> list[Opening]:
    """Every opening, in the order of the log.

    >>> openings("partition 3 is open after 0.69 s: 12 rows restored (changelog 0 to 20)")
    [Opening(partition=3, seconds=0.69, rows=12)]
    """
    found = re.findall(r"partition (\d+) is open after ([\d.]+) s: (\d+) rows restored", log)
    return [Opening(int(number), float(seconds), int(rows)) for number, seconds, rows in found]
