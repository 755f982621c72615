"""`build_app(settings)`: a worker, the learner or the treasury, wired; no globals."""

import asyncio
import time
from collections.abc import Callable

import structlog
from msgspec import Struct
from msgspec.structs import replace

from streams import __version__
from streams.broker.clients import librdkafka_config
from streams.broker.topic_rules import DEAD_LETTER_BYTES_MAX
from streams.errors import OfferstreamError, OperatorError
from streams.runtime.clients import EMBEDDED_FETCH_WAIT_MS
from streams.runtime.commit.failpoint import Failpoint, nothing_fails
from streams.runtime.faults import BrokerError
from streams.runtime.process.app import AnyRuntime, build_runtime
from streams.runtime.process.folder import hold_folder
from streams.runtime.process.run import run
from streams.runtime.settings import RuntimeSettings
from streams.settings import Settings
from streams.worker.breaker import BreakerOpenError
from streams.worker.customers import CustomerShell
from streams.worker.hold import hold_until_told
from streams.worker.http import Health, HttpServer
from streams.worker.idle import IdleFollower
from streams.worker.learner import LearnerShell
from streams.worker.meter import Meter
from streams.worker.reference import ReferenceFollower
from streams.worker.roles import WORK, Role, group_of
from streams.worker.treasury import TreasuryShell
from streams.worker.watch import Watch

log = structlog.get_logger()

REFERENCE_PATIENCE_S = 120.0
FOLDER_PATIENCE_S = 5.0
LOOK_S = 0.05
# Of a file that is sent in its order, records of one moment arrive within this, over all topics.
PAST_MERGE_WAIT_MS = 200
# The embedded broker tells the topics at different times, within a fetch: a question overtook the
# denial of consent that was there before it.
EMBEDDED_MERGE_WAIT_MS = EMBEDDED_FETCH_WAIT_MS + 5


class App(Struct, frozen=True):
    """A process's parts."""

    settings: Settings
    role: Role
    runtime: AnyRuntime
    meter: Meter
    follower: ReferenceFollower | None
    idle: IdleFollower | None
    watch: Watch
    http: HttpServer

    def run(self) -> int:
        """Run until told to stop or until something fails; the process's exit code.

        What can be wrong on this machine (folder, port) is found first, then the broker is waited
        for, then the reference data is read to its end; only then the group is joined.

        Raises:
            OperatorError: the data folder cannot be used.
        """
        patience_s = self.settings.stop_timeout_s + FOLDER_PATIENCE_S
        folder = hold_folder(self.settings.data_path, patience_s)
        try:
            return self._run()
        finally:
            folder.release()

    def _run(self) -> int:
        code = run(self.runtime, on_starting=self._on_starting, on_started=self._on_started)
        if isinstance(self.runtime.failure, BreakerOpenError):
            log.critical("stopped_by_breaker", reason=str(self.runtime.failure))
            hold_until_told(self.http, self.settings.http.host, self.settings.http.port)
        if self.idle is not None:
            self.idle.stop()
        if self.follower is not None:
            self.follower.stop()
        return code

    async def _on_starting(self, runtime: AnyRuntime) -> None:
        port = await self.http.start(self.settings.http.host, self.settings.http.port)
        log.info("listening", http_port=port)
        await runtime.reach_broker()
        if self.follower is not None:
            self.follower.start()
            await read_to_end(self.follower, REFERENCE_PATIENCE_S)

    async def _on_started(self, runtime: AnyRuntime) -> None:
        log.info("started", role=self.role, http_port=self.http.port)
        self.watch.start()
        if self.idle is not None:
            self.idle.start()


async def read_to_end(follower: ReferenceFollower, patience_s: float) -> None:
    """Wait until the reference data has been read.

    Raises:
        OperatorError: a person must mend it.
        BrokerError: it was not read to its end within `patience_s`.
    """
    deadline_s = time.monotonic() + patience_s
    while not follower.ready:
        if isinstance(follower.error, OperatorError):
            raise OperatorError(f"reference data: {follower.failure}")
        if follower.failure:
            raise OfferstreamError(f"reference data: {follower.failure}")
        if time.monotonic() > deadline_s:
            raise BrokerError(f"reference data was not read to its end in {patience_s:.0f} s")
        await asyncio.sleep(LOOK_S)


def build_app(
    settings: Settings, role: Role = "worker", failpoint: Failpoint = nothing_fails
) -> App:
    """Wire a process; nothing is connected before `run`."""
    meter = Meter()
    follower = _follower(settings, role, meter)
    shell = _shell(settings, role, follower, meter)
    runtime: AnyRuntime = build_runtime(
        runtime_settings(settings, role), shell, failpoint=failpoint
    )
    ready = _ready(runtime, follower)
    watch = Watch(settings, runtime, meter, ready, lambda: shell.created)
    http = HttpServer(meter.exposition, _alive(runtime, follower), ready)
    idle = None
    if isinstance(shell, CustomerShell) and replays_the_past(settings):
        idle = IdleFollower(settings, shell.idle, lambda: _running(runtime))
    return App(settings, role, runtime, meter, follower, idle, watch, http)


def _follower(settings: Settings, role: Role, meter: Meter) -> ReferenceFollower | None:
    """Who reads the shop's file: workers, with the models; the treasury, without."""
    if role == "learner":
        return None
    if role == "treasury":
        settings = replace(settings, learner=replace(settings.learner, learn=False))
    return ReferenceFollower(settings, meter)


def _shell(
    settings: Settings, role: Role, follower: ReferenceFollower | None, meter: Meter
) -> CustomerShell | LearnerShell | TreasuryShell:
    if follower is None:
        return LearnerShell(settings, meter)
    if role == "treasury":
        return TreasuryShell(settings, follower.view, meter)
    return CustomerShell(settings, follower.view, meter)


def replays_the_past(settings: Settings) -> bool:
    """Whether timers follow the events; a demo's own broker is fed by one process in its order."""
    return settings.clock == "event_time" and settings.transactional


def _running(runtime: AnyRuntime) -> list[int]:
    return [number for number, loop in dict(runtime.owned).items() if loop.state == "running"]


def _merge_wait_ms(settings: Settings) -> int:
    if replays_the_past(settings):
        return PAST_MERGE_WAIT_MS
    return 0 if settings.transactional else EMBEDDED_MERGE_WAIT_MS


def runtime_settings(settings: Settings, role: Role) -> RuntimeSettings:
    """What the runtime is told: the part of the stream of a role, each with its own group."""
    work = WORK[role]
    config = librdkafka_config(settings)
    return RuntimeSettings(
        application_id=group_of(settings, role),
        bootstrap=settings.bootstrap,
        source_topics=tuple(settings.on_broker(topic) for topic in work.sources),
        changelog_topic=settings.on_broker(work.changelog),
        table=work.table,
        data_dir=settings.data_path,
        epoch_ms=settings.epoch_ms,
        batch_records_max=settings.batch_records_max,
        urgent_commits_max=settings.urgent_commits_max,
        merge_wait_ms=_merge_wait_ms(settings),
        cached_rows_max=settings.cached_rows_max,
        transactional=settings.transactional,
        output_topics=tuple(settings.on_broker(topic) for topic in work.outputs),
        client_config={
            **{k: str(v) for k, v in config.items() if k != "bootstrap.servers"},
            "client.id": f"{settings.group}/{__version__}",  # `doctor` reads the version there
            "message.max.bytes": str(DEAD_LETTER_BYTES_MAX),
        },
        session_timeout_s=settings.session_timeout_ms / 1000,
        heartbeat_s=min(3.0, settings.session_timeout_ms / 4000),
        group_instance_id=settings.instance_id or None,
        standby_replicas=settings.standby_replicas,
        stop_timeout_s=settings.stop_timeout_s,
        broker_patience_s=settings.broker_patience_s,
    )


def _alive(runtime: AnyRuntime, follower: ReferenceFollower | None) -> Callable[[], Health]:
    def alive() -> Health:
        verdict = runtime.health.alive()
        reasons = list(verdict.reasons)
        if isinstance(runtime.failure, BreakerOpenError):
            reasons.append(str(runtime.failure))
        if follower is not None and follower.failure:
            reasons.append(follower.failure)
        return _health(reasons)

    return alive


def _ready(runtime: AnyRuntime, follower: ReferenceFollower | None) -> Callable[[], Health]:
    def ready() -> Health:
        reasons = list(runtime.health.ready().reasons)
        if follower is not None and not follower.ready:
            reasons.append("reference data and models are being read")
        if follower is not None and follower.failure:
            reasons.append(follower.failure)
        return _health(reasons)

    return ready


def _health(reasons: list[str]) -> Health:
    return Health(not reasons, "; ".join(reasons) or "ok")


__all__ = ["App", "Role", "build_app", "runtime_settings"]
