"""The doctor: looks at everything that a person can mend, and says what to do, line by line."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from streams.admin.doctor_on_broker import examine_broker
from streams.admin.finding import Finding, by_cause, counted, fail, ok, warn
from streams.settings import Settings

FREE_GIB_MIN = 1.0
PACKAGE = "offerstream"
SLOTS_MAX = 64
ASK_S_MAX = 0.5
OWN_METRIC = b"offerstream_ready"


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, the broker's only where it answers."""
    yield ok(f"Python {platform.python_version()}")
    yield from _packages()
    yield _data_dir(settings)
    yield from _slots(settings)
    yield from examine_broker(settings)


def _packages() -> Iterator[Finding]:
    wrong = list(_wrong_packages())
    if wrong:
        yield from by_cause((name, what, "run `make install`") for name, what in wrong)
    else:
        yield ok("all packages are installed, in the versions that are needed")


def _wrong_packages() -> Iterator[tuple[str, str]]:
    """What is missing, or is there in a version that this program was not made for."""
    for line in requires(PACKAGE) or ():
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            yield needed.name, "not installed"
            continue
        if not needed.specifier.contains(found, prereleases=True):
            yield needed.name, f"version {found} is installed, {needed.specifier} is needed"


def _data_dir(settings: Settings) -> Finding:
    """The folder need not be there yet, but it must be possible to make it and to write to it."""
    path = settings.data_path.absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return fail("the data folder cannot be written", "set OFFERSTREAM_DATA_DIR")
    free_gib = shutil.disk_usage(nearest).free / 2**30
    if free_gib < FREE_GIB_MIN:
        return warn(f"{free_gib:.1f} GiB are free for the data", "make room")
    return ok(f"the data folder can be written, {free_gib:.0f} GiB are free")


def _slots(settings: Settings) -> Iterator[Finding]:
    """What the processes on this machine say of themselves, as far as their ports are known."""
    if not settings.http.port:
        return
    host = "127.0.0.1" if settings.http.host in ("0.0.0.0", "::") else settings.http.host  # noqa: S104
    healthy, sick = 0, []
    for slot in range(SLOTS_MAX):
        asked = host, settings.http.port + slot
        metrics = _get(*asked, "/metrics")
        if metrics is None:
            break
        if OWN_METRIC not in metrics[1]:
            yield warn(
                f"another program listens on port {asked[1]}",
                "set OFFERSTREAM_HTTP_PORT to another",
            )
            break
        answers = [_get(*asked, path) for path in ("/healthz", "/readyz")]
        reasons = [
            text.decode("utf-8", "replace").strip()
            for code, text in filter(None, answers)
            if code != 200
        ]
        if reasons:
            sick.append((f"process {slot} on this machine", reasons[0], _remedy_of(reasons[0])))
        else:
            healthy += 1
    if healthy:
        processes = counted(healthy, "process", "processes")
        yield ok(f"{processes} on this machine, healthy and ready")
    yield from by_cause(sick)


def _remedy_of(reason: str) -> str:
    if re.search(r"could not be read or processed", reason):
        return (
            "the breaker is open: mend the producer and start the worker again, or let what lies "
            "there pass to the dead letters with `offerstream worker --accept-bad 30`"
        )
    return "docs/operate.md says what each reason asks for; its log says more"


def _get(host: str, port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body; None where nobody answers in time."""
    client = HTTPConnection(host, port, timeout=ASK_S_MAX)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return None
    finally:
        client.close()
