"""What a worker's log says of the partitions that it has opened."""

import re


def openings(log: str) -> list[tuple[int, int]]:
    """Partition and restored rows of every opening, in the order of the log.

    >>> openings("partition 3 is open after 0.69 s: 12 rows restored (changelog 0 to 20)")
    [(3, 12)]
    """
    found = re.findall(r"partition (\d+) is open after .*: (\d+) rows restored", log)
    return [(int(number), int(rows)) for number, rows in found]
