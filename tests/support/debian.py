"""Programs from Debian's packages, unpacked beside the tests where the machine lacks them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.alone import alone

CACHE = Path(__file__).parents[2] / ".cache" / "debian"


def program(name: str, package: str) -> Path:
    """The path of a program: on the PATH, else out of its Debian package, without root.

    Skips the test with a loud line where neither can be had; fails instead when `CI` is set.
    """
    if found := shutil.which(name):
        return Path(found)
    unpacked = CACHE / package / "usr" / "bin" / name
    with alone(CACHE):
        if unpacked.exists() or _unpack(package):
            return unpacked
    reason = f"{name} is not here, and Debian's package {package} cannot be had"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"SKIPPED LOUDLY: {reason}")


def server(name: str, package: str) -> list[str]:
    """The command of a program that reads `/usr/share`: unpacked, it gets its package's own there.

    The mount is in a namespace of the process alone, and needs no root where users may have one.
    """
    path = program(name, package)
    share = CACHE / package / "usr" / "share"
    if not path.is_relative_to(CACHE):
        return [str(path)]
    script = 'mount --bind "$0" /usr/share && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-ec", script, str(share), str(path)]


def _unpack(package: str) -> bool:
    folder = CACHE / package
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
    fetched = subprocess.run(
        ["apt-get", "download", package], cwd=folder, check=False, capture_output=True
    )
    archives = sorted(folder.glob("*.deb"))
    if fetched.returncode != 0 or not archives:
        return False
    return subprocess.run(["dpkg", "-x", archives[-1], folder], check=False).returncode == 0
