"""`python -m tests.support.failing_worker KEY`: slot 0 of a worker; for one person it raises."""

import sys
from typing import Any

from streams.identity import key_of
from streams.pipeline import process
from streams.settings import load_settings
from streams.worker import customers
from streams.worker.logs import configure_logs
from streams.worker.processes import run_slot


def main(chosen: str) -> int:
    """The real worker, but for what is about one person."""

    def failing(message: Any, *others: Any) -> Any:
        if key_of(message) == chosen:
            raise ZeroDivisionError(chosen)
        return process(message, *others)

    vars(customers)["process"] = failing
    settings = load_settings()
    configure_logs(settings.log_level)
    return run_slot(settings, "worker", 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
