"""The runtime starts only on the libraries that it was read and tested with."""

import re
import tomllib
from pathlib import Path

import pytest

from streams.errors import OperatorError
from streams.runtime.process.pins import PINS, check_pins

ROOT = Path(__file__).parents[3]


def test_what_is_installed_here_is_accepted() -> None:
    """The lock file installs the pinned versions."""
    check_pins()


def test_another_version_is_refused_by_name() -> None:
    """An upgrade of one library says which, and what to do."""
    others = {**PINS, "aiokafka": "0.15.0"}
    with pytest.raises(
        OperatorError, match=r"aiokafka 0\.15\.0 \(not 0\.14\.0\); run `make install`"
    ):
        check_pins(others.__getitem__)


def test_the_project_asks_for_the_same_versions() -> None:
    """pyproject.toml and the runtime agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = (re.fullmatch(r"([a-z-]+)(?:\[.*\])?==(.+)", d) for d in project["dependencies"])
    asked = {match[1]: match[2] for match in found if match is not None}
    assert asked == PINS
