"""Cut the shipped slice out of Complete Journey: `python -m streams.simulator.journey.cut SOURCE`.

The same source gives the same bytes. Chosen are whole households over the whole year: some of all
that used a coupon, and some of all others, by their ids, so that chance decides and no result.
"""

import gzip
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from streams.errors import OperatorError
from streams.simulator.journey import EVENTS, SHOP
from streams.simulator.journey.deals import catalogue, offers, products
from streams.simulator.journey.events import tell
from streams.simulator.journey.source import Source, read_source
from streams.simulator.records import Fields

OF_THREE_USING: Final = 2
OTHERS_EVERY: Final = 8
WRITTEN_BY = "# Written by `python -m streams.simulator.journey.cut`; see ../README.md.\n"


def cut(source_folder: Path) -> dict[Path, bytes]:
    """The files of the slice by their places, as bytes."""
    source = read_source(source_folder)
    found = catalogue(source)
    told = tell(source, households(source), found)
    return {
        EVENTS: zipped(b"".join(event.line() for event in told)),
        SHOP / "offers.yaml": _yaml(offers(source, found.deals.values())),
        SHOP / "products.yaml": _yaml(products(source, found.deals.values())),
    }


def households(source: Source) -> list[str]:
    """Who is in the slice, by id: two of three that used a coupon, one of eight others."""
    used = {use.household_id for use in source.uses}
    everyone = sorted({basket.household_id for basket in source.baskets}, key=int)
    using = [id_ for id_ in everyone if id_ in used]
    kept = [id_ for number, id_ in enumerate(using) if number % 3 < OF_THREE_USING]
    others = [id_ for id_ in everyone if id_ not in used][::OTHERS_EVERY]
    return sorted(kept + others, key=int)


def zipped(data: bytes) -> bytes:
    """Gzip without name and time: the same data, the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=9, mtime=0) as file:
        file.write(data)
    return out.getvalue()


def _yaml(rows: list[Fields]) -> bytes:
    text = yaml.safe_dump(
        rows, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
    )
    return (WRITTEN_BY + text).encode()


def main(arguments: Sequence[str]) -> int:
    """Write the slice beside this file."""
    if len(arguments) != 1:
        raise OperatorError("name the folder of Complete Journey, and nothing else")
    for path, data in cut(Path(arguments[0])).items():
        path.write_bytes(data)
        sys.stdout.write(f"{path.name}: {len(data):,} bytes\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OperatorError as error:
        sys.exit(str(error))
