"""The processes behind `offerstream worker`: N workers, the learner, the treasury, a slot each."""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import Thread

import structlog
from msgspec.structs import replace

from streams.errors import OfferstreamError, OperatorError
from streams.runtime.faults import exit_code
from streams.runtime.process.launcher import Launcher, Readiness
from streams.runtime.process.orphan import end_with
from streams.settings import Settings, child_environment
from streams.worker.logs import configure_logs
from streams.worker.roles import Role

log = structlog.get_logger()
PATIENCE_S = 5.0
READY_TIMEOUT_S = 1.0


def run_processes(
    settings: Settings,
    *,
    workers: int,
    learner: bool,
    treasury: bool,
    stop_at_eof: bool = False,
) -> int:
    """Run all slots until SIGTERM or SIGINT, restarting what ends; the exit code.

    `stop_at_eof`: also stop when the standard input ends, as it does when whoever started us dies.

    Raises:
        OperatorError: there is nothing to run.
    """
    roles = slots(settings, workers=workers, learner=learner, treasury=treasury)
    launcher = Launcher(
        len(roles),
        lambda number: _command(roles[number], number),
        environment=child_environment(settings),
        stop_timeout_s=settings.stop_timeout_s + PATIENCE_S,
        readiness=Readiness(lambda number: is_ready(settings, roles[number], number)),
    )
    if stop_at_eof:
        Thread(target=_stop_at_eof, args=(launcher,), daemon=True).start()
    return launcher.run()


def _command(role: Role, number: int) -> list[str]:
    slot = ["worker-slot", role, str(number), "--parent", str(os.getpid())]
    return [sys.executable, "-m", "streams", *slot]


def _stop_at_eof(launcher: Launcher) -> None:
    while sys.stdin.buffer.read(1):
        pass
    launcher.stop()


def is_ready(settings: Settings, role: Role, number: int) -> bool:
    """Does the slot's own `/readyz` say so? Without a fixed port nobody can ask: True."""
    http = slot_settings(settings, role, number).http
    if not http.port:
        return True
    host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host  # noqa: S104
    client = HTTPConnection(host, http.port, timeout=READY_TIMEOUT_S)
    try:
        client.request("GET", "/readyz")
        return client.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        client.close()


def slots(settings: Settings, *, workers: int, learner: bool, treasury: bool) -> tuple[Role, ...]:
    """What each slot does: the workers first, then the learner, then the treasury.

    Raises:
        OperatorError: there would be none.

    >>> slots(Settings(), workers=2, learner=True, treasury=True)
    ('worker', 'worker', 'learner', 'treasury')
    """
    roles: list[Role] = ["worker"] * workers
    if learner and settings.learner.learn:
        roles.append("learner")
    if treasury:
        roles.append("treasury")
    if not roles:
        raise OperatorError(
            "nothing to run: say --workers 1, --treasury or --learner (learner.learn is true)"
        )
    return tuple(roles)


def run_slot(settings: Settings, role: Role, number: int, parent: int | None = None) -> int:
    """Be one process; returns its exit code. It stops when `parent`, its launcher, is gone."""
    import streams.runtime.commit.hanging  # noqa: F401 - what the first partition will need
    from streams.worker.app import build_app  # models and all: their launcher needs none of it

    configure_logs(settings.log_level, role=role, slot=number)
    if parent is not None:
        end_with(parent)
    try:
        return build_app(slot_settings(settings, role, number), role).run()
    except OfferstreamError as error:  # before anything ran: a data folder, a port
        log.critical("cannot_start", reason=str(error))
        return exit_code(error)


def slot_settings(settings: Settings, role: Role, number: int) -> Settings:
    """A slot's own data folder, member of the group, and port (0, any free port, stays 0).

    >>> own = slot_settings(Settings(data_dir="data", instance_id="shop-a"), "worker", 1)
    >>> own.data_dir, own.instance_id, own.http.port
    ('data/worker-1', 'shop-a-worker-1', 9101)
    """
    port = settings.http.port and settings.http.port + number
    name = f"worker-{number}" if role == "worker" else role
    return replace(
        settings,
        data_dir=str(settings.data_path / name),
        instance_id=settings.instance_id and f"{settings.instance_id}-{name}",
        http=replace(settings.http, port=port),
    )
