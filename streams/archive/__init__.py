"""The archive: what the topics held, as Parquet files by topic and day, for as long as you keep it.

* `layout` - where files lie, what their names say, which of them count
* `records` - a record of a topic as a row; whom it is about
* `positions` - how far each partition is archived, and who was erased: one file, replaced whole
* `files` - writing, compacting, erasing, deleting what is too old, by DuckDB
* `keeping` - batch by batch, so that each record counts once; `erasures` - who asked to be erased
* `consuming` - from the topics to the files, until it is stopped
* `reading` - rows by id or by person; `recent` - the newest of it, in bounded memory
"""

from streams.archive.consuming import Wish, run_archive
from streams.archive.reading import (
    archived_changes,
    archived_inputs,
    archived_up_to,
    every_row,
    is_archive,
    rows_about,
    rows_with_id,
)
from streams.archive.recent import Recorded, inputs_before, newest_inputs, rows_of_days

__all__ = [
    "Recorded",
    "Wish",
    "archived_changes",
    "archived_inputs",
    "archived_up_to",
    "every_row",
    "inputs_before",
    "is_archive",
    "newest_inputs",
    "rows_about",
    "rows_of_days",
    "rows_with_id",
    "run_archive",
]
