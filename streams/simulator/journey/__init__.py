"""journey: a slice of a real grocer's year (Complete Journey 2.0), played as a story.

`EVENTS` is the slice, JSON lines that `offerstream replay` reads; `SHOP` its reference data.
"""

from pathlib import Path

EVENTS = Path(__file__).parent / "events.jsonl.gz"
SHOP = Path(__file__).parent / "shop"

__all__ = ["EVENTS", "SHOP"]
