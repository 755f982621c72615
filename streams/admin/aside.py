"""A program beside the gateway: one question that takes long, in a process of bounded means.

`python -m streams.admin.aside` reads one question (msgpack) from its standard input and writes
lines of JSON: how far it is, and at last what came out.
"""

import errno
import sys
from pathlib import Path
from typing import Final

import duckdb
import msgspec
from msgspec import Struct

from streams.admin.bounds import end_after, end_without_reader, give_way, take_no_more_than
from streams.admin.catalogue import Records
from streams.admin.reach import Reached, reach
from streams.admin.trying import Limits, NotTried, Tried, try_change
from streams.errors import OperatorError
from streams.settings import Settings
from streams.worker.sources import record_reader

START_S: Final = 60.0  # of a machine that does other things as well, beside the question's own time


class TryChange(Struct, frozen=True, tag="try"):
    """What would be decided otherwise under other published records?"""

    settings: Settings
    before: Records
    after: Records
    limits: Limits = Limits()


class AskReach(Struct, frozen=True, tag="reach"):
    """Whom has each offer reached?"""

    settings: Settings
    limits: Limits = Limits()


class Progress(Struct, frozen=True, tag="progress"):
    """How many records were played, and of how many."""

    done: int = 0
    of: int = 0


Question = TryChange | AskReach
Answer = Progress | Tried | NotTried | Reached


def main() -> None:
    """Answer one question, as somebody who gives way to everybody else."""
    give_way()
    end_without_reader(sys.stdout.fileno())
    question = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Question)
    end_after(question.limits.seconds + START_S)
    take_no_more_than(question.limits.megabytes)
    try:
        say(answer_to(question))
    except (MemoryError, duckdb.OutOfMemoryException, OSError) as error:
        # ENOMEM is the system's own word for it, at any call.
        if isinstance(error, OSError) and error.errno != errno.ENOMEM:
            raise
        say(NotTried("no_room"))
    except OperatorError as error:
        say(NotTried("fault", str(error)))


def answer_to(question: Question) -> Answer:
    """What comes out; progress is said meanwhile.

    Raises:
        OperatorError: what is asked cannot be read.
    """
    settings = question.settings
    if isinstance(question, AskReach):
        return reach(settings)
    return try_change(
        Path(settings.archive_dir),
        record_reader(settings),
        (question.before, question.after),
        question.limits,
        lambda done, of: say(Progress(done, of)),
    )


def say(answer: Answer) -> None:
    """A line of JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
