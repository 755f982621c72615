"""The processes behind `offerstream worker`: N workers and a learner, each in a slot of its own."""

import sys
from threading import Thread

from msgspec.structs import replace

from streams.errors import OperatorError
from streams.runtime.launcher import Launcher
from streams.settings import Settings, child_environment
from streams.worker.app import Role, build_app

PATIENCE_S = 5.0


def run_processes(
    settings: Settings, *, workers: int, learner: bool, stop_at_eof: bool = False
) -> int:
    """Run all slots until SIGTERM or SIGINT, restarting what ends; the exit code.

    `stop_at_eof`: also stop when the standard input ends, as it does when whoever started us dies.

    Raises:
        OperatorError: there is nothing to run.
    """
    roles = slots(settings, workers=workers, learner=learner)
    launcher = Launcher(
        len(roles),
        lambda number: [sys.executable, "-m", "streams", "worker-slot", roles[number], str(number)],
        environment=child_environment(settings),
        stop_timeout_s=settings.stop_timeout_s + PATIENCE_S,
    )
    if stop_at_eof:
        Thread(target=_stop_at_eof, args=(launcher,), daemon=True).start()
    return launcher.run()


def _stop_at_eof(launcher: Launcher) -> None:
    while sys.stdin.buffer.read(1):
        pass
    launcher.stop()


def slots(settings: Settings, *, workers: int, learner: bool) -> tuple[Role, ...]:
    """What each slot does: the workers first, then the learner.

    Raises:
        OperatorError: there would be none.

    >>> slots(Settings(), workers=2, learner=True)
    ('worker', 'worker', 'learner')
    """
    roles: list[Role] = ["worker"] * workers
    if learner and settings.learner.learn:
        roles.append("learner")
    if not roles:
        raise OperatorError("nothing to run: say --workers 1 or --learner (learner.learn is true)")
    return tuple(roles)


def run_slot(settings: Settings, role: Role, number: int) -> int:
    """Be one process; returns its exit code."""
    return build_app(slot_settings(settings, role, number), role).run()


def slot_settings(settings: Settings, role: Role, number: int) -> Settings:
    """A slot's own data folder, and its own port (0, any free port, stays 0).

    >>> own = slot_settings(Settings(data_dir="data"), "worker", 1)
    >>> own.data_dir, own.http.port
    ('data/worker-1', 9101)
    """
    port = settings.http.port and settings.http.port + number
    name = "learner" if role == "learner" else f"worker-{number}"
    return replace(
        settings,
        data_dir=str(settings.data_path / name),
        http=replace(settings.http, port=port),
    )
