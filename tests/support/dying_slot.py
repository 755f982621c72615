"""`python -m tests.support.dying_slot ROLE SLOT STEP NTH MARKER`: it kills itself amid a commit."""

import sys
from pathlib import Path
from typing import cast

from streams.settings import load_settings
from streams.worker.app import build_app
from streams.worker.logs import configure_logs
from streams.worker.processes import slot_settings
from streams.worker.roles import Role
from tests.support.counter_worker import dies_at


def main(role: str, slot: int, step: str, nth: int, marker: str) -> int:
    """The real process of a slot, until the nth passage of a step of its commits."""
    settings, of = load_settings(), cast("Role", role)
    configure_logs(settings.log_level, role=role, slot=slot)
    failpoint = dies_at(step, nth, Path(marker))
    return build_app(slot_settings(settings, of, slot), of, failpoint).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]))
